//! `projectcontour.io/v1`.

pub mod http_proxy;
pub mod tls_certificate_delegation;

pub use http_proxy::{HTTPProxy, HTTPProxySpec, HTTPProxyStatus};
pub use tls_certificate_delegation::{
    TLSCertificateDelegation, TLSCertificateDelegationSpec, TLSCertificateDelegationStatus,
};
