//! An authority and what it signs before its key is gone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::string::PrintableString;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
};

use super::key::{self, KeyType, PrivateKey};
use super::{Error, Namespace, Side};

/// How long before now certificates begin, for those whose clocks are behind.
const BACKDATED: Duration = Duration::from_hours(24);

/// The attribute `serialNumber` of a name (X.520).
const SERIAL_NUMBER: [u64; 4] = [2, 5, 4, 5];

/// What certificates shall be.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where Contour and Envoy run: their certificates name their Services there.
    pub namespace: &'a Namespace,
    /// How long from now they are valid, all three of them.
    pub lifetime: Duration,
    /// What keys are made of.
    pub key_type: KeyType,
    /// The time.
    pub now: SystemTime,
}

/// An authority and the two certificates that it has signed, with which both sides trust each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The authority's certificate, in PEM.
    pub authority: String,
    /// Contour's identity.
    pub contour: Identity,
    /// Envoy's identity.
    pub envoy: Identity,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The certificate, in PEM.
    pub certificate: String,
    /// Its key.
    pub key: PrivateKey,
}

impl Bundle {
    /// The identity of a side.
    pub const fn identity(&self, side: Side) -> &Identity {
        match side {
            Side::Contour => &self.contour,
            Side::Envoy => &self.envoy,
        }
    }
}

/// Makes an authority, has it sign one certificate for each side, and forgets its key: nothing else can ever be signed.
///
/// # Errors
/// See [`Error`].
pub fn issue(request: &Request<'_>) -> Result<Bundle, Error> {
    let key = request.key_type.generate()?;
    let params = authority(request)?;
    let authority = params.self_signed(&key)?.pem();
    let issuer = Issuer::new(params, key);
    Ok(Bundle {
        authority,
        contour: identity(request, Side::Contour, &issuer)?,
        envoy: identity(request, Side::Envoy, &issuer)?,
    })
}

fn authority(request: &Request<'_>) -> Result<CertificateParams, Error> {
    let serial = key::random()?;
    let mut params = params(request, "Project Contour", serial, [])?;
    // Two authorities that are trusted at the same time must have two names, or one hides the other.
    let number = PrintableString::try_from(u128::from_be_bytes(serial).to_string())?;
    let attribute = DnType::CustomDnType(SERIAL_NUMBER.to_vec());
    params.distinguished_name.push(attribute, DnValue::PrintableString(number));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn identity(
    request: &Request<'_>,
    side: Side,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Identity, Error> {
    let (name, namespace) = (side.name(), request.namespace);
    let hosts = [
        name.to_owned(),
        format!("{name}.{namespace}"),
        format!("{name}.{namespace}.svc"),
        format!("{name}.{namespace}.svc.cluster.local"),
    ];
    let mut params = params(request, name, key::random()?, hosts)?;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if request.key_type == KeyType::Rsa2048 {
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    // Contour's is a client's as well: `contour cli` uses it.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    let key = request.key_type.generate()?;
    let certificate = params.signed_by(&key, issuer)?.pem();
    Ok(Identity { certificate, key: PrivateKey::of(&key) })
}

fn params<const N: usize>(
    request: &Request<'_>,
    name: &str,
    serial: [u8; 16],
    hosts: [String; N],
) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(hosts)?;
    let epoch = date_time_ymd(1970, 1, 1);
    let now = request.now.duration_since(UNIX_EPOCH).unwrap_or_default();
    params.not_before = epoch + now.saturating_sub(BACKDATED);
    params.not_after = epoch + now.saturating_add(request.lifetime);
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
