//! Names outside of the cluster that a Service may stand for.
//!
//! Whoever may write a Service could have Envoy talk to itself, to its node or to the cloud's metadata: that is refused, in
//! whatever notation it is written. A name that some DNS server resolves to such an address cannot be known here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// The longest name that DNS knows, in bytes.
const MAX_LENGTH: usize = 253;

/// Names of the machine itself, and of what knows its secrets.
const FORBIDDEN: [&str; 9] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
    "local.projectcontour.io",
    "metadata",
    "metadata.google.internal",
];

/// Reads `spec.externalName`, in lower case and without its last dot.
///
/// # Errors
/// Why it may not be spoken to.
pub fn external_name(text: &str) -> Result<Arc<str>, String> {
    let lower = text.to_ascii_lowercase();
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    if let Some(address) = address(name) {
        return match reserved(address) {
            None => Ok(address.to_string().into()),
            Some(what) => Err(format!("externalName {text:?} is {what}")),
        };
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if name.len() > MAX_LENGTH || !name.split('.').all(is_label) {
        return Err(format!("externalName {text:?} is no DNS name"));
    }
    if FORBIDDEN.contains(&name) || name.ends_with(".localhost") {
        return Err(format!(
            "it is an ExternalName service that points to localhost, or to what knows the machine's secrets ({text:?})"
        ));
    }
    Ok(name.into())
}

/// The address that a text is, also as the C library reads it: `0x7f.1`, `2130706433`, `017700000001`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let bare = bare.split('%').next().unwrap_or_default(); // without a zone
    bare.parse().ok().or_else(|| numbers(bare).map(IpAddr::V4))
}

/// One to four numbers, the last of which fills what is left.
fn numbers(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, first) = parts.split_last()?;
    if first.len() > 3 || first.iter().any(|part| *part > 0xff) {
        return None;
    }
    let left = 8 * (4 - u32::try_from(first.len()).ok()?);
    if *last >> left != 0 {
        return None;
    }
    let high = first.iter().fold(0, |sum, part| sum << 8 | part);
    u32::try_from(high << left | last).ok().map(Ipv4Addr::from_bits)
}

fn number(text: &str) -> Option<u64> {
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('0') {
        Some(octal) if digits && !octal.is_empty() => {
            u64::from_str_radix(octal, 8).or_else(|_| text.parse()).ok()
        }
        _ if digits => text.parse().ok(),
        _ => None,
    }
}

/// What an address is that nobody may have Envoy talk to.
fn reserved(address: IpAddr) -> Option<&'static str> {
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let address = match address {
        IpAddr::V6(six) => embedded(six).map_or(IpAddr::V6(six), IpAddr::V4),
        four @ IpAddr::V4(_) => four,
    };
    let link_local = match address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local() || six == METADATA,
    };
    if address.is_loopback() || matches!(address, IpAddr::V4(four) if four.octets()[0] == 0) {
        Some(
            "an address of the machine itself: it is an ExternalName service that points to localhost",
        )
    } else if address.is_unspecified() {
        Some("no address of anything")
    } else if link_local {
        Some("an address of the link, such as that of the cloud's metadata")
    } else {
        None
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, compatible, or behind a translator (`64:ff9b::/96`).
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let low = || {
        let [.., a, b] = segments;
        Ipv4Addr::from_bits(u32::from(a) << 16 | u32::from(b))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(low()),
        [0, 0, 0, 0, 0, 0, high, ..] if high != 0 => Some(low()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_others_are_taken() {
        for (text, expect) in [
            ("Api.Partner.Example.", "api.partner.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("_sip.example.com", "_sip.example.com"),
            ("1e100.net", "1e100.net"),
        ] {
            assert_eq!(external_name(text).as_deref(), Ok(expect));
        }
    }

    #[test]
    fn the_machine_itself_is_refused_in_any_notation() {
        for text in [
            "localhost",
            "LocalHost.",
            "a.localhost",
            "localhost.localdomain",
            "local.projectcontour.io",
            "127.0.0.1",
            "127.1",
            "127.8.9.10",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "0.0.0.0",
            "0",
            "::",
        ] {
            assert!(external_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_knows_secrets_is_refused() {
        for text in [
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "fe80::1",
            "fe80::1%eth0",
            "fd00:ec2::254",
            "metadata.google.internal",
        ] {
            assert!(external_name(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", ".", "a..b", "a b", "http://a", "a:80", "a/b", "é.example"] {
            assert!(external_name(text).is_err(), "{text}");
        }
    }
}
