//! The files of a port that speaks TLS.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::Error;

/// Where a port's identity comes from, and whom it admits. All in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Who may connect.
    pub clients: Clients,
}

/// Who may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Everybody, without a certificate.
    Anyone,
    /// Who has a certificate that one of those in this file has signed. Names are not compared.
    SignedBy(PathBuf),
}

/// What tells whether files are still the same ones, in the order in which they are read; `None` for one that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Vec<Option<[i64; 7]>>);

/// What was in the files.
pub(super) struct Read {
    /// At least one; the first is the port's own.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    /// Those that sign clients; empty if everybody may connect.
    pub(super) signers: Vec<CertificateDer<'static>>,
}

impl Files {
    /// Which files are there now, links followed.
    pub(super) fn stamp(&self) -> Stamp {
        let signers = match &self.clients {
            Clients::Anyone => None,
            Clients::SignedBy(path) => Some(path),
        };
        let paths = [&self.certificate, &self.key].into_iter().chain(signers);
        Stamp(paths.map(|path| fs::metadata(path).ok().map(|found| identity(&found))).collect())
    }

    pub(super) fn read(&self) -> Result<Read, Error> {
        let chain = certificates(&self.certificate)?;
        let key = read(&self.key)?;
        // What is wrong with a key is not told: it might be told with a part of the key.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| Error::Missing { path: self.key.clone(), what: "private key" })?;
        let signers = match &self.clients {
            Clients::Anyone => Vec::new(),
            Clients::SignedBy(path) => certificates(path)?,
        };
        Ok(Read { chain, key, signers })
    }
}

#[expect(clippy::cast_possible_wrap, reason = "compared with its like and with nothing else")]
fn identity(found: &fs::Metadata) -> [i64; 7] {
    [
        found.dev() as i64,
        found.ino() as i64,
        found.size() as i64,
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ]
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let missing = || Error::Missing { path: path.to_owned(), what: "certificate" };
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(missing)
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
