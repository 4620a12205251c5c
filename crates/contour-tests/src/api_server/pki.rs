//! Keys and certificates of one control plane, made anew for each.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};

/// The files, all PEM.
#[derive(Debug)]
pub(super) struct Pki {
    /// Signed the server's certificate and the administrator's.
    pub(super) ca: PathBuf,
    /// The API server's certificate, for its address and `localhost`.
    pub(super) server: PathBuf,
    pub(super) server_key: PathBuf,
    /// The administrator's certificate, of the group `system:masters`.
    pub(super) admin: PathBuf,
    pub(super) admin_key: PathBuf,
    /// Signs the tokens of service accounts.
    pub(super) accounts_key: PathBuf,
    /// Checks them.
    pub(super) accounts_public: PathBuf,
}

impl Pki {
    /// Writes everything for an API server at `address` into `directory`.
    pub(super) fn write(directory: &Path, address: IpAddr) -> Pki {
        let file = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::write(&path, text).expect("a file to write");
            path
        };
        let (ca, issuer) = authority();
        let (server, server_key) = certificate(&issuer, server_params(address));
        let (admin, admin_key) = certificate(&issuer, admin_params());
        let accounts = KeyPair::generate().expect("a key");
        Pki {
            ca: file("ca.crt", &ca),
            server: file("server.crt", &server),
            server_key: file("server.key", &server_key),
            admin: file("admin.crt", &admin),
            admin_key: file("admin.key", &admin_key),
            accounts_key: file("accounts.key", &accounts.serialize_pem()),
            accounts_public: file("accounts.pub", &accounts.public_key_pem()),
        }
    }
}

fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = params("test-ca", &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let certificate = params.self_signed(&key).expect("a certificate");
    (certificate.pem(), Issuer::new(params, key))
}

fn certificate(issuer: &Issuer<'_, KeyPair>, params: CertificateParams) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    (certificate.pem(), key.serialize_pem())
}

fn server_params(address: IpAddr) -> CertificateParams {
    let mut params = params("kube-apiserver", &[&address.to_string(), "localhost"]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params
}

fn admin_params() -> CertificateParams {
    let mut params = params("admin", &[]);
    params.distinguished_name.push(DnType::OrganizationName, "system:masters");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn params(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(hosts).expect("names and addresses");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
