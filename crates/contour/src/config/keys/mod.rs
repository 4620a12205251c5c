//! All settings there are.

mod envoy;
mod process;
mod services;

pub use self::envoy::*;
pub use self::process::*;
pub use self::services::*;

use super::key::{Key, Kind};

/// Declares settings, and a list of them.
macro_rules! keys {
    ($(#[$about:meta])* $all:ident; $($name:ident = $key:expr;)*) => {
        $(
            #[doc = concat!("See `", stringify!($name), ".about`.")]
            pub static $name: $crate::config::key::Key = $key;
        )*
        $(#[$about])*
        pub static $all: &[&$crate::config::key::Key] = &[$(&$name),*];
    };
}
use keys;

/// All settings, those in parts of lists left out.
pub fn all() -> impl Iterator<Item = &'static Key> {
    [PROCESS, ENVOY, SERVICES].into_iter().flatten().copied()
}

const PORT: Kind = Kind::Integer { min: 0, max: 65_535 };
const ENVOY_PORT: Kind = Kind::Integer { min: 1, max: 65_535 };
const AT_LEAST_ONE: Kind = Kind::Integer { min: 1, max: u32::MAX as i64 };
const COUNT: Kind = Kind::Integer { min: 0, max: u32::MAX as i64 };
const OCTET: Kind = Kind::Integer { min: 0, max: 255 };
