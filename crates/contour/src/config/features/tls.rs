//! How TLS is spoken.

use super::super::asked::Asked;
use super::super::key::Key;

/// How TLS is spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The oldest version, not newer than `max`; default 1.2.
    pub min: TlsVersion,
    /// The newest version; default 1.3.
    pub max: TlsVersion,
    /// The cipher suites of TLS 1.2, best first, in groups (`[a|b]`) of equally good ones; each once.
    pub ciphers: Vec<String>,
    /// The curves of the key exchange, best first; each once; empty: Envoy's.
    pub curves: Vec<String>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `1.2`
    V1_2,
    /// `1.3`
    V1_3,
}

const CIPHERS: [&str; 14] = [
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES128-SHA",
    "AES128-GCM-SHA256",
    "AES128-SHA",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-RSA-AES256-SHA",
    "AES256-GCM-SHA384",
    "AES256-SHA",
];

const CURVES: [&str; 6] = ["X25519", "P-256", "P-384", "P-521", "X25519MLKEM768", "MLKEM1024"];

/// Reads minimum, maximum, ciphers and curves from these settings.
pub(super) fn tls(asked: &mut Asked<'_>, [min_key, max_key, ciphers, curves]: [&Key; 4]) -> Tls {
    let version = |text| if text == Some("1.3") { TlsVersion::V1_3 } else { TlsVersion::V1_2 };
    let min = version(asked.text(min_key));
    let max = version(asked.text(max_key).or(Some("1.3")));
    if min > max {
        asked.refuse(min_key, "the oldest version of TLS is newer than the newest; swap them");
    }
    Tls {
        min,
        max,
        ciphers: each_once(asked.parse_each(ciphers, cipher)),
        curves: each_once(asked.parse_each(curves, curve)),
    }
}

fn cipher(text: &str) -> Result<String, String> {
    let group = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match group.split('|').find(|cipher| !CIPHERS.contains(cipher)) {
        None => Ok(text.to_owned()),
        Some(cipher) => Err(format!(
            "{cipher:?} is no cipher suite that Envoy offers; there are {}",
            CIPHERS.join(", ")
        )),
    }
}

fn curve(text: &str) -> Result<String, String> {
    if CURVES.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("{text:?} is no curve that Envoy offers; there are {}", CURVES.join(", ")))
    }
}

fn each_once(texts: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(texts.len());
    for text in texts {
        if !once.contains(&text) {
            once.push(text);
        }
    }
    once
}
