//! What of Envoy's error text may be repeated, and what it says about who is to blame.
//!
//! The text of a NACK can quote the refused resource, private keys included (`envoy-acceptance`, section 2.3). What
//! comes out of [`redact`] is fit for logs and statuses.

use crate::resource::TypeUrl;

/// The longest text that is repeated, in bytes.
pub const LONGEST: usize = 1_024;

/// Ahead of the violated rule, after a dump of the resource.
const VIOLATION: &str = "Proto constraint validation failed (";

/// Ahead of the names of clusters and listeners that were refused one by one.
const ONE_BY_ONE: &str = "Error adding/updating ";

/// For secrets nothing of the text is repeated: what it contains stands for one of these.
const SECRET_CAUSES: [(&str, &str); 18] = [
    ("KEY_VALUES_MISMATCH", "the private key does not belong to the certificate"),
    ("BAD_PASSWORD_READ", "the private key is encrypted"),
    ("only RSA certificates", "the RSA key is shorter than 2048 bits"),
    ("incomplete private key", "there is no private key"),
    ("incomplete certificate", "there is no certificate"),
    ("NO_START_LINE", "the private key is not PEM"),
    ("DECODE_ERROR", "the private key cannot be decoded"),
    ("Failed to load private key", "the private key cannot be loaded"),
    ("Failed to load certificate chain", "the certificate chain cannot be loaded"),
    ("neither subject CN nor SAN", "the certificate names no subject"),
    ("OCSP", "the stapled OCSP response cannot be used"),
    ("cipher suites", "a cipher suite of a listener or cluster that uses it is unknown"),
    ("ECDH curves", "a curve of a listener or cluster that uses it is unknown"),
    ("trusted CA", "the trusted CA certificates cannot be loaded"),
    ("load CRL", "the revocation list cannot be loaded"),
    ("ALPN", "the ALPN protocols of a listener or cluster that uses it are invalid"),
    ("constraint validation failed", "a required field is missing or out of range"),
    ("Unexpected SDS secret", "the name inside is not the name asked for"),
];

/// For secrets, if nothing else is known.
const SECRET_REFUSED: &str = "Envoy refused the secret";

/// What of the text of a NACK for resources of this type may be repeated.
pub fn redact(type_url: TypeUrl, text: &str) -> String {
    if type_url == TypeUrl::Secret {
        let cause = SECRET_CAUSES.iter().find(|(word, _)| text.contains(word));
        return cause.map_or(SECRET_REFUSED, |(_, phrase)| phrase).to_owned();
    }
    let kept = match text.rfind(VIOLATION) {
        Some(at) => first_line(&text[at..]).to_owned(),
        None => before_dump(text),
    };
    let kept = clip(without_key(&kept).trim());
    if kept.is_empty() { "Envoy gave no reason that can be repeated".to_owned() } else { kept }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The lines ahead of the first that belongs to a dump, as one line.
///
/// A dump begins with a line whose spelling changes from process to process, so its body is looked for as well.
fn before_dump(text: &str) -> String {
    let text = match text.find("Unable to unpack as ") {
        Some(at) => text[at..].split(':').next().unwrap_or_default(),
        None => text,
    };
    let lines = text.lines().map(|line| &line[..start_of_dump(line)]);
    let mut kept: Vec<&str> = Vec::new();
    for (line, whole) in lines.zip(text.lines()) {
        if !line.trim().is_empty() {
            kept.push(line.trim());
        }
        if line.len() < whole.len() {
            break;
        }
    }
    kept.join("; ")
}

/// Where in a line a dump begins; the line's length if there is none.
fn start_of_dump(line: &str) -> usize {
    let marks = ["goo.gle/", "inline_bytes", "inline_string", "private_key", "-----BEGIN"];
    let mark = marks.iter().filter_map(|mark| line.find(mark)).min();
    let body = line.trim_end().ends_with('{') || is_field(line);
    match mark {
        _ if body => 0,
        Some(at) => at,
        None => line.len(),
    }
}

/// Whether a line is a field of a message in text form: `name: "value"`, `port_value: 80` or `type: EDS`.
fn is_field(line: &str) -> bool {
    let Some((field, value)) = line.trim().split_once(": ") else { return false };
    let lower = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let upper = |byte: u8| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.')
    };
    let plain = value.bytes().all(upper) || matches!(value, "true" | "false");
    !field.is_empty() && field.bytes().all(lower) && (plain || value.starts_with('"'))
}

/// The text up to anything that looks like a key: the beginning of a PEM block, or a long run of base64.
fn without_key(text: &str) -> &str {
    const RUN: usize = 40;
    let pem = text.find("-----").unwrap_or(text.len());
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate() {
        let base64 = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        run = if base64 { run + 1 } else { 0 };
        if run == RUN {
            return &text[..pem.min(at + 1 - RUN)];
        }
    }
    &text[..pem]
}

/// The text without control characters and of bearable length.
fn clip(text: &str) -> String {
    let mut kept = String::new();
    for each in text.chars().filter(|each| !each.is_control()) {
        if kept.len() + each.len_utf8() > LONGEST {
            break;
        }
        kept.push(each);
    }
    kept
}

/// What the text of a NACK for clusters or listeners says about who is to blame.
pub(crate) struct Blame<'a> {
    text: &'a str,
}

impl<'a> Blame<'a> {
    pub(crate) fn read(text: &'a str) -> Blame<'a> {
        Blame { text }
    }

    /// Whether everything that is not named was applied (`envoy-acceptance`, section 1.1). A text that was cut off does
    /// not name everyone.
    pub(crate) fn rest_was_applied(&self) -> bool {
        self.text.starts_with(ONE_BY_ONE) && !self.text.ends_with("...(truncated)")
    }

    /// Whether the reason lies in the Envoy's machine and not in the resource: a port that another program has. The same
    /// resource is accepted once it is free (`envoy-acceptance`, section 5.3).
    pub(crate) fn may_pass(&self) -> bool {
        self.text.contains("cannot bind ")
    }

    /// Whether the text names this resource as refused.
    pub(crate) fn names(&self, name: &str) -> bool {
        if self.text.starts_with(ONE_BY_ONE) {
            return self.text.contains(&format!(" {name}: "));
        }
        // A dump: the resource's own name is among its first fields, at the outermost level.
        let mut fields = self.text.lines().take(8);
        fields.any(|line| line.trim_end() == format!("name: \"{name}\""))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The body of a key, as PEM breaks it.
    const KEY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";

    #[track_caller]
    fn check(type_url: TypeUrl, text: &str, expect: &str) {
        assert_eq!(redact(type_url, text), expect);
    }

    #[test]
    fn of_a_violation_only_the_rule_is_kept() {
        check(
            TypeUrl::Cluster,
            "goo.gle/debugproto \nname: \"a\"\nconnect_timeout {\n}\n: Proto constraint validation failed \
             (ClusterValidationError.ConnectTimeout: value must be greater than 0s)",
            "Proto constraint validation failed (ClusterValidationError.ConnectTimeout: value must be greater than 0s)",
        );
    }

    #[test]
    fn plain_reasons_are_kept() {
        check(TypeUrl::RouteConfiguration, "missing ): a(b", "missing ): a(b");
        check(
            TypeUrl::Listener,
            "Error adding/updating listener(s) l1: partial wildcards are not supported\n l2: no filter chains\n",
            "Error adding/updating listener(s) l1: partial wildcards are not supported; l2: no filter chains",
        );
        check(
            TypeUrl::Listener,
            "Error adding/updating listener(s) l: multiple filter chains. duplicate matcher is: {\"server_names\":[\"h5.x\"]}",
            "Error adding/updating listener(s) l: multiple filter chains. duplicate matcher is: {\"server_names\":[\"h5.x\"]}",
        );
    }

    #[test]
    fn a_dump_is_cut_off_even_if_its_first_line_is_spelled_differently() {
        check(
            TypeUrl::Listener,
            "Error adding/updating listener(s) l: bad:\nGOOGLEDEBUG \nname: \"l\"\ninline_string: \"x\"",
            "Error adding/updating listener(s) l: bad:; GOOGLEDEBUG",
        );
        check(
            TypeUrl::Listener,
            "Unable to unpack as envoy.config.listener.v3.Listener: [type.googleapis.com/x] { \"secret\" }",
            "Unable to unpack as envoy.config.listener.v3.Listener",
        );
    }

    #[test]
    fn nothing_left_is_said_so() {
        check(
            TypeUrl::Cluster,
            "goo.gle/debugx\nname: \"a\"",
            "Envoy gave no reason that can be repeated",
        );
    }

    #[test]
    fn a_secret_has_a_phrase_for_each_cause() {
        check(
            TypeUrl::Secret,
            "Failed to load private key from <inline>, Cause: error:0b000074:X.509 certificate \
             routines:OPENSSL_internal:KEY_VALUES_MISMATCH",
            "the private key does not belong to the certificate",
        );
        check(
            TypeUrl::Secret,
            "Failed to load certificate chain from <inline>, only RSA certificates with 2048-bit or larger keys are \
             supported",
            "the RSA key is shorter than 2048 bits",
        );
        check(TypeUrl::Secret, "something new", SECRET_REFUSED);
    }

    #[test]
    fn names_are_found_where_envoy_puts_them() {
        let list = Blame::read("Error adding/updating cluster(s) a: why, b: because, of a");
        assert!(list.names("a") && list.names("b") && !list.names("of"));
        assert!(list.rest_was_applied());
        let cut = Blame::read("Error adding/updating cluster(s) a: why ...(truncated)");
        assert!(!cut.rest_was_applied());
        let dump = Blame::read("goo.gle/debugx\nname: \"l1\"\naddress {\n  name: \"l2\"\n}");
        assert!(dump.names("l1") && !dump.names("l2") && !dump.rest_was_applied());
    }

    /// Text in Envoy's manner around a private key.
    fn leaking() -> impl Strategy<Value = String> {
        let before = proptest::sample::select(vec![
            "",
            "Error adding/updating listener(s) l: ",
            "Unable to unpack as X: ",
            "goo.gle/debugx\n",
            "name: \"s\"\ntls_certificate {\n  private_key {\n    inline_bytes: \"",
            "Proto constraint validation failed (",
            "a\nb\n",
        ]);
        let header = proptest::sample::select(vec![
            "-----BEGIN PRIVATE KEY-----\\n",
            "-----BEGIN RSA PRIVATE KEY-----\n",
            "inline_string: \"",
            "",
        ]);
        let after = proptest::sample::select(vec![
            "\"\n  }\n}\n: Proto constraint validation failed (SecretValidationError.Name: empty)",
            "",
            "\n b: why\n",
        ]);
        (before, header, after)
            .prop_map(|(before, header, after)| format!("{before}{header}{KEY}\\n{KEY}{after}"))
    }

    proptest! {
        #[test]
        fn a_private_key_never_comes_through(text in leaking(), which in 0..TypeUrl::COUNT) {
            let kept = redact(TypeUrl::ALL[which], &text);
            let pieces = KEY.as_bytes().windows(8);
            for piece in pieces.filter_map(|piece| std::str::from_utf8(piece).ok()) {
                prop_assert!(!kept.contains(piece), "{kept}");
            }
        }

        #[test]
        fn of_a_secret_nothing_is_repeated(text in any::<String>()) {
            let kept = redact(TypeUrl::Secret, &text);
            let phrases = SECRET_CAUSES.iter().map(|(_, phrase)| *phrase);
            prop_assert!(phrases.chain([SECRET_REFUSED]).any(|phrase| phrase == kept));
        }

        #[test]
        fn what_is_kept_is_short_and_one_line(text in any::<String>(), which in 0..TypeUrl::COUNT) {
            let kept = redact(TypeUrl::ALL[which], &text);
            prop_assert!(!kept.is_empty() && kept.len() <= LONGEST);
            prop_assert!(!kept.chars().any(char::is_control));
        }
    }
}
