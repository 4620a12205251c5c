//! `ca.crt` and `crl.pem`.

use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::*;

fn authorities(text: &str) -> Result<Arc<Authorities>, String> {
    read(&[("ca.crt", text)]).authorities.map_err(|flaw| flaw.to_string())
}

fn revocations(text: &str) -> Result<Arc<Revocations>, String> {
    read(&[("crl.pem", text)]).revocations.map_err(|flaw| flaw.to_string())
}

/// An authority's certificate and a list of its.
fn list() -> (String, String) {
    let mut params = params("root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = Key::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").pem();
    let revoked = RevokedCertParams {
        serial_number: SerialNumber::from(7),
        revocation_time: date_time_ymd(2024, 1, 1),
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2024, 1, 2),
        next_update: date_time_ymd(2034, 1, 2),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![revoked],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let list = list.signed_by(&Issuer::new(params, key)).expect("a list");
    (certificate, list.pem().expect("PEM"))
}

#[test]
fn authorities_are_read_each_once() {
    let ([leaf, middle, root], _) = chain("a.test");
    let found =
        authorities(&format!("# ours\n{root}{middle}\n{root}{leaf}")).expect("they are good");
    assert_eq!(found.pem.to_string(), format!("{root}{middle}{leaf}"));
    assert_eq!(found.subjects.len(), 3);
    assert_eq!(
        authorities(&found.pem),
        Ok(Arc::clone(&found)),
        "the canonical form is read as itself"
    );
}

#[test]
fn one_broken_authority_breaks_all() {
    let ([_, middle, root], key) = chain("a.test");
    let cut =
        middle.replace("-----BEGIN CERTIFICATE-----\nMII", "-----BEGIN CERTIFICATE-----\nMIJ");
    let found = authorities(&format!("{root}{cut}")).expect_err("it is broken");
    assert!(found.starts_with("`ca.crt`, block 2: it is no X.509 certificate: "), "{found}");
    assert_eq!(
        authorities(&format!("{root}{key}")).expect_err("it is a key"),
        "`ca.crt`, block 2: it is a \"PRIVATE KEY\"; here are certificates alone: it belongs to `tls.key`"
    );
    assert_eq!(
        authorities("").expect_err("there is none"),
        "`ca.crt` is empty: whoever issues it has not written it yet"
    );
}

#[test]
fn a_list_says_whose_it_is_and_until_when() {
    let (certificate, list) = list();
    let found = revocations(&list).expect("it is good");
    assert_eq!(*found.pem, *list);
    let [of_root] = &*found.lists else { panic!("one list") };
    let authority = authorities(&certificate).expect("it is good");
    assert_eq!(of_root.issuer, authority.subjects[0].subject);
    assert_eq!((of_root.this_update, of_root.next_update), (1_704_153_600, Some(2_019_772_800)));
    assert_eq!(revocations(&found.pem), Ok(Arc::clone(&found)));
}

/// Envoy would take each of these, and refuse every client, or none.
#[test]
fn lists_that_would_close_or_open_everything_are_refused() {
    let (certificate, list) = list();
    for (text, expect) in [
        ("", "`crl.pem` is empty: whoever issues it has not written it yet"),
        ("a", "`crl.pem`: there is no PEM block in it, as in `-----BEGIN CERTIFICATE-----`"),
        (&certificate, "`crl.pem`, block 1: it is a \"CERTIFICATE\"; here are X509 CRLs alone"),
        (
            &format!("{list}{certificate}"),
            "`crl.pem`, block 2: it is a \"CERTIFICATE\"; here are X509 CRLs alone",
        ),
        (
            &format!("{list}-----BEGIN X509 CRL-----\n"),
            "`crl.pem`, block 2: its last line, `-----END X509 CRL-----`, is missing: it was cut off",
        ),
    ] {
        assert_eq!(revocations(text).expect_err("it is refused"), expect);
    }
}
