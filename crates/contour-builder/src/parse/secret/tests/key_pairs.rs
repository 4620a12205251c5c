//! Key pairs: what Envoy takes, refuses, and serves wrongly.

use proptest::prelude::*;
use rcgen::{CertificateParams, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SanType, date_time_ymd};

use super::super::Validity;
use super::*;

/// Pairs of files, by name.
macro_rules! files {
    ($directory:literal: $($name:literal),* $(,)?) => {
        [$(($name,
            include_str!(concat!("../../../../testdata/key_pairs/", $directory, "/", $name, ".crt")),
            include_str!(concat!("../../../../testdata/key_pairs/", $directory, "/", $name, ".key")),
        )),*]
    };
}

#[test]
fn keys_of_each_kind_are_read_and_written_so_that_they_are_read_as_themselves() {
    let files = files!("accepted":
        "ec-prime256v1", "ec-secp384r1", "ec-secp521r1", "ec-secp521r1-pkcs8", "ed25519", "rsa-2048-pkcs1", "rsa-2056",
        "rsa-3072", "rsa-4096", "sha1",
    );
    for (name, certificate, key) in files {
        let found = pair(certificate, key).unwrap_or_else(|flaw| panic!("{name}: {flaw}"));
        assert_eq!(*found.chain, *certificate, "{name}");
        assert!(key.ends_with(found.private_key.expose()), "{name}: parameters go, the rest stays");
        assert_eq!(
            pair(&found.chain, found.private_key.expose()),
            Ok(Arc::clone(&found)),
            "{name}"
        );
        assert_eq!(found.names.dns, [Arc::from(format!("{name}.test"))].into());
    }
}

#[test]
fn keys_that_envoy_refuses_are_refused_with_the_reason() {
    let files = files!("refused":
        "ec-secp224r1", "ec-secp256k1", "ed448", "encrypted-pkcs8", "encrypted-traditional", "rsa-1024", "rsa-1536",
        "rsa-pss",
    );
    let expect = [
        "`tls.key`, block 1: Envoy does not take keys on its curve (1.3.132.0.33): use P-256, P-384 or P-521",
        "`tls.key`, block 1: Envoy does not take keys on its curve (1.3.132.0.10): use P-256, P-384 or P-521",
        "`tls.key`, block 1: Envoy does not take keys of its algorithm (1.3.101.113): use RSA, ECDSA or Ed25519",
        "`tls.key`, block 1: it is encrypted, and nobody could tell Envoy the password: decrypt it, with `openssl pkey`",
        "`tls.key`, block 1: it is encrypted, and nobody could tell Envoy the password: decrypt it, with `openssl pkey`",
        "`tls.key`, block 1: its RSA key has 1024 bits; use one of 2048 to 8192",
        "`tls.key`, block 1: its RSA key has 1536 bits; use one of 2048 to 8192",
        "`tls.key`, block 1: Envoy does not take keys of its algorithm (1.2.840.113549.1.1.10): use RSA, ECDSA or Ed25519",
    ];
    for ((_, certificate, key), expect) in files.into_iter().zip(expect) {
        refused(certificate, key, expect);
    }
}

#[test]
fn the_key_of_a_certificate_is_looked_at_too() {
    let (_, key) = made(&params("a.test"));
    let [(_, small, _), (_, curve, _)] = files!("refused": "rsa-1024", "ec-secp224r1");
    refused(small, &key, "`tls.crt`, block 1: its RSA key has 1024 bits; use one of 2048 to 8192");
    refused(
        curve,
        &key,
        "`tls.crt`, block 1: Envoy does not take keys on its curve (1.3.132.0.33): use P-256, P-384 or P-521",
    );
}

/// Envoy knows the first version of PKCS#8 alone; the second has the public key in it.
#[test]
fn a_key_of_the_second_version_of_pkcs8_is_passed_on_in_the_first() {
    let key = Key::generate_for(&PKCS_ED25519).expect("a key");
    let certificate = params("a.test").self_signed(&key).expect("a certificate").pem();
    let second = key.serialize_pem();
    let found = pair(&certificate, &second).expect("it is good");
    let [(_, _, first)] = files!("accepted": "ed25519");
    assert!(second.len() > first.len());
    assert_eq!(found.private_key.expose().len(), first.len());
    assert_eq!(pair(&certificate, found.private_key.expose()), Ok(Arc::clone(&found)));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (certificate, _) = made(&params("a.test"));
    let (_, key) = made(&params("a.test"));
    let expect = "`tls.key`: it belongs to none of the certificates in `tls.crt`: one of both was renewed without the other";
    refused(&certificate, &key, expect);
    let [(_, rsa, rsa_key), (_, elliptic, elliptic_key)] =
        files!("accepted": "rsa-2048-pkcs1", "ec-prime256v1");
    refused(rsa, elliptic_key, expect);
    refused(elliptic, rsa_key, expect);
}

#[test]
fn a_certificate_comes_first_and_then_who_certifies_it() {
    let ([leaf, middle, root], key) = chain("a.test");
    let expect = [&*leaf, &middle, &root].concat();
    let orders = [
        [&leaf, &middle, &root],
        [&leaf, &root, &middle],
        [&middle, &leaf, &root],
        [&middle, &root, &leaf],
        [&root, &leaf, &middle],
        [&root, &middle, &leaf],
    ];
    for (at, order) in orders.into_iter().enumerate() {
        let found = pair(&order.map(String::as_str).concat(), &key).expect("it is good");
        assert_eq!(*found.chain, *expect);
        let warnings: &[Warning] = if at == 0 { &[] } else { &[Warning::Reordered] };
        assert_eq!(*found.warnings, *warnings);
        assert_eq!(found.names.common_name.as_deref(), Some("a.test"));
    }
}

#[test]
fn what_does_not_belong_to_a_chain_follows_it_and_is_told() {
    let ([leaf, middle, root], key) = chain("a.test");
    let (other, _) = made(&params("other"));
    let found = pair(&[&*leaf, &other, &leaf, &middle, &root].concat(), &key).expect("it is good");
    assert_eq!(found.chain.to_string(), [leaf, middle, root, other].concat());
    assert_eq!(*found.warnings, [Warning::Unrelated { block: 2 }, Warning::Reordered]);
}

#[test]
fn what_is_no_certificate_is_refused_wherever_it_stands() {
    let ([leaf, middle, _], key) = chain("a.test");
    refused(
        &format!("{leaf}{key}"),
        &key,
        "`tls.crt`, block 2: it is a \"PRIVATE KEY\"; here are certificates alone: it belongs to `tls.key`",
    );
    refused(
        &key,
        &leaf,
        "`tls.crt`, block 1: it is a \"PRIVATE KEY\"; here are certificates alone: it belongs to `tls.key`",
    );
    let trusted = leaf.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
    refused(
        &trusted,
        &key,
        "`tls.crt`, block 1: it is a \"TRUSTED CERTIFICATE\"; here are certificates alone",
    );
    let damaged = middle.replacen("MII", "MIJ", 1);
    let found = pair(&format!("{leaf}{damaged}"), &key).expect_err("it is damaged");
    assert!(found.starts_with("`tls.crt`, block 2: it is no X.509 certificate: "), "{found}");
}

#[test]
fn there_is_one_private_key_and_nothing_else() {
    let (certificate, key) = made(&params("a.test"));
    refused(
        &certificate,
        &format!("{key}{key}"),
        "`tls.key`, block 2: it is a second private key; Envoy takes one",
    );
    refused(
        &certificate,
        &format!("{certificate}{key}"),
        "`tls.key`, block 1: it is a \"CERTIFICATE\"; here is one private key alone",
    );
    let parameters =
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    refused(&certificate, parameters, "`tls.key`: there is no private key in it");
    for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
        let nonsense = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        let found = pair(&certificate, &nonsense).expect_err("it is nonsense");
        assert!(found.starts_with("`tls.key`, block 1: it is no "), "{found}");
    }
}

#[test]
fn a_private_key_whose_numbers_do_not_fit_is_refused() {
    let [(_, certificate, key), (_, elliptic, elliptic_key)] =
        files!("accepted": "rsa-2048-pkcs1", "ec-secp384r1");
    // In the middle is a prime; near the end of the other, the public key.
    let damaged = damage(key, key.len() / 2);
    refused(
        certificate,
        &damaged,
        "`tls.key`, block 1: its numbers do not fit together: it is damaged",
    );
    let damaged = damage(elliptic_key, elliptic_key.len() - 60);
    refused(
        elliptic,
        &damaged,
        "`tls.key`, block 2: the public key in it is another one: it is damaged",
    );
}

/// Another letter at, or just after, a place.
fn damage(text: &str, at: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let at = (at..bytes.len()).find(|at| bytes[*at].is_ascii_alphanumeric()).expect("a letter");
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).expect("ASCII")
}

#[test]
fn a_certificate_is_for_somebody() {
    let mut nameless = params("a.test");
    nameless.subject_alt_names.clear();
    nameless.distinguished_name = DistinguishedName::new();
    let nobody = "`tls.crt`, block 1: it is for nobody: it has neither a common name nor a DNS name or IP address";
    let refuse = |params: &CertificateParams| {
        let (certificate, key) = made(params);
        refused(&certificate, &key, nobody);
    };
    refuse(&nameless);
    nameless.distinguished_name.push(DnType::CommonName, " ");
    refuse(&nameless);
    nameless.subject_alt_names = vec![SanType::Rfc822Name("a@a.test".try_into().expect("ASCII"))];
    refuse(&nameless);
    nameless.subject_alt_names = vec![SanType::IpAddress([192, 0, 2, 1].into())];
    let (certificate, key) = made(&nameless);
    let names = &pair(&certificate, &key).expect("it is for an address").names;
    assert_eq!(*names.ip, [std::net::IpAddr::from([192, 0, 2, 1])]);
    assert_eq!((&names.common_name, names.dns.len()), (&None, 0));
}

#[test]
fn what_a_key_is_for_matters_to_ecdsa() {
    let mut agreeing = params("a.test");
    agreeing.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    let (certificate, key) = made(&agreeing);
    refused(
        &certificate,
        &key,
        "`tls.crt`, block 1: its key usage lacks digitalSignature, without which Envoy takes no ECDSA key",
    );
    let key = Key::generate_for(&PKCS_ED25519).expect("a key");
    let certificate = agreeing.self_signed(&key).expect("a certificate").pem();
    let found = pair(&certificate, &key.serialize_pem()).expect("Envoy takes it");
    assert_eq!(*found.warnings, [Warning::NotForSigning]);
}

/// What that comes to depends on the clock, which the core has not.
#[test]
fn a_certificate_that_is_not_good_today_is_read_with_its_times() {
    let mut old = params("a.test");
    old.not_before = date_time_ymd(2001, 1, 1);
    old.not_after = date_time_ymd(2002, 1, 1);
    let (certificate, key) = made(&old);
    let found = pair(&certificate, &key).expect("it is read");
    let expect = Validity { not_before: 978_307_200, not_after: 1_009_843_200 };
    assert_eq!((found.validity, found.warnings.len()), (expect, 0));
}

#[test]
fn an_authority_as_a_host_is_told() {
    let mut authority = params("a.test");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (certificate, key) = made(&authority);
    assert_eq!(*pair(&certificate, &key).expect("it is good").warnings, [Warning::IsAuthority]);
}

#[test]
fn a_signature_that_can_be_forged_is_told() {
    let [(_, certificate, key)] = files!("accepted": "sha1");
    let warning = Warning::WeakSignature { block: 1 };
    assert_eq!(*pair(certificate, key).expect("it is good").warnings, [warning]);
    let expect = "`tls.crt`, block 1: it is signed with MD5 or SHA-1, which clients refuse";
    assert_eq!(warning.to_string(), expect);
}

/// One pair, for tests that damage it.
fn sample() -> &'static (String, String) {
    static SAMPLE: std::sync::OnceLock<(String, String)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let ([leaf, middle, root], _) = chain("a.test");
        let key = Key::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
        let own = params("a.test").self_signed(&key).expect("a certificate").pem();
        ([leaf, own, middle, root].concat(), key.serialize_pem())
    })
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        read(&[("tls.crt", &*text), ("tls.key", &text), ("ca.crt", &text), ("crl.pem", &text), ("a", &text)]);
    }

    #[test]
    fn no_content_of_a_block_makes_reading_panic(der in prop::collection::vec(any::<u8>(), 1..200)) {
        for label in ["CERTIFICATE", "X509 CRL", "PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"] {
            let mut text = String::new();
            super::super::pem::encode(label, &der, &mut text);
            read(&[("tls.crt", &sample().0), ("tls.key", &text), ("ca.crt", &text), ("crl.pem", &text)]);
        }
    }

    #[test]
    fn what_is_let_through_of_a_damaged_pair_is_read_as_itself(
        at in any::<prop::sample::Index>(),
        length in 0..3_usize,
        patch in "[-A-Za-z0-9+/=\n :]{0,3}",
        in_key in any::<bool>(),
    ) {
        let (mut certificate, mut key) = sample().clone();
        let text = if in_key { &mut key } else { &mut certificate };
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        text.replace_range(start..end, &patch);
        if let Ok(found) = pair(&certificate, &key) {
            let again = pair(&found.chain, found.private_key.expose()).expect("it was let through");
            prop_assert_eq!(&again.chain, &found.chain);
            prop_assert_eq!(&again.private_key, &found.private_key);
            prop_assert_eq!(&again.names, &found.names);
        }
    }
}
