//! Certificates as files and as Secrets.

use contour_builder::ObjectName;
use contour_k8s::secret::Secret;

use super::{Bundle, InvalidName, Namespace, SecretName, Side};

/// The keys of a Secret.
pub const AUTHORITIES: &str = "ca.crt";
/// See [`AUTHORITIES`].
pub const CERTIFICATE: &str = "tls.crt";
/// See [`AUTHORITIES`].
pub const KEY: &str = "tls.key";

/// The type of a Secret with a certificate and its key.
pub const TLS: &str = "kubernetes.io/tls";

/// How certificates are spread over Secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Three Secrets: the authority has one of its own.
    #[default]
    Legacy,
    /// Two Secrets, each with the authority.
    Compact,
}

impl Format {
    /// What the flag calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::Legacy => "legacy",
            Format::Compact => "compact",
        }
    }
}

/// The names of the Secrets.
#[derive(Clone, Debug)]
pub struct Names {
    namespace: Namespace,
    contour: SecretName,
    envoy: SecretName,
    authority: SecretName,
}

impl Names {
    /// The names in this namespace, each with this suffix.
    ///
    /// # Errors
    /// [`InvalidName::Secret`].
    pub fn new(namespace: Namespace, suffix: &str) -> Result<Names, InvalidName> {
        let name = |name: &str| SecretName::new(&format!("{name}{suffix}"));
        Ok(Names {
            namespace,
            contour: name(Side::Contour.secret())?,
            envoy: name(Side::Envoy.secret())?,
            authority: name("cacert")?,
        })
    }

    /// Where they are.
    pub const fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    const fn of(&self, side: Side) -> &SecretName {
        match side {
            Side::Contour => &self.contour,
            Side::Envoy => &self.envoy,
        }
    }
}

/// The Secrets that hold certificates.
pub fn secrets(bundle: &Bundle, format: Format, names: &Names) -> Vec<Secret> {
    let both = Side::BOTH.into_iter().map(|side| {
        let mut secret = empty(&names.namespace, names.of(side), TLS);
        let identity = bundle.identity(side);
        secret.set(CERTIFICATE, identity.certificate.as_str());
        secret.set(KEY, identity.key.expose());
        if format == Format::Compact {
            secret.set(AUTHORITIES, bundle.authority.as_str());
        }
        secret
    });
    let authority = (format == Format::Legacy).then(|| {
        let mut secret = empty(&names.namespace, &names.authority, "Opaque");
        secret.set("cacert.pem", bundle.authority.as_str());
        secret
    });
    authority.into_iter().chain(both).collect()
}

pub(super) fn empty(namespace: &Namespace, name: &SecretName, type_: &str) -> Secret {
    let name = ObjectName::new(namespace.as_str(), name.as_str());
    Secret::new(&name, type_, [("app", "contour")])
}

/// The files that hold certificates, and what is in them.
pub fn files(bundle: &Bundle) -> [(&'static str, &str); 5] {
    let Bundle { authority, contour, envoy } = bundle;
    [
        ("cacert.pem", authority),
        ("contourcert.pem", &contour.certificate),
        ("contourkey.pem", contour.key.expose()),
        ("envoycert.pem", &envoy.certificate),
        ("envoykey.pem", envoy.key.expose()),
    ]
}
