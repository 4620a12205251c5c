//! The certificates by which Contour and Envoys know each other: those of an authority whose key is thrown away, one for
//! each side.
//!
//! Nothing here waits, or reads a clock; keys and serial numbers are random.

mod issue;
mod key;
mod name;
pub mod renewal;
pub mod secrets;

pub use issue::{Bundle, Identity, Request, issue};
pub use key::{KeyType, PrivateKey};
pub use name::{InvalidName, Namespace, SecretName};

use std::fmt;

/// An end of an xDS connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The server. Envoys want its certificate to name `contour`.
    Contour,
    /// Each client.
    Envoy,
}

impl Side {
    /// Both.
    pub const BOTH: [Side; 2] = [Side::Contour, Side::Envoy];

    /// What its certificate names.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Contour => "contour",
            Side::Envoy => "envoy",
        }
    }

    /// The Secret of its certificate, before a suffix.
    pub const fn secret(self) -> &'static str {
        match self {
            Side::Contour => "contourcert",
            Side::Envoy => "envoycert",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// An RSA key cannot be made.
    #[error("cannot make an RSA key: {0}")]
    Rsa(String),
    /// The system has no random numbers.
    #[error("the system has no random numbers to give")]
    Random,
}
