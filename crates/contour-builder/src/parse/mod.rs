//! Objects to their checked form, once, on arrival.
//!
//! What needs only the object is decided here: syntax, ranges, exclusive fields. What needs a second object is decided in
//! [`build`](crate::build). Problems stay where they were found, so that the build function can report them in the order,
//! and with the precedence, that the API documents.

pub mod endpoint_slice;
pub mod http_proxy;
pub mod ingress;
pub mod secret;
pub mod service;

mod class;
mod cookie;
mod cors;
mod domain;
mod external_name;
pub mod header;
mod ip_filter;
mod path;
mod rate_limit;
pub mod re2;

pub use cookie::merged as merged_cookies;
pub use path::collapse_slashes;

/// A port that can be listened on: 1 to 65535.
fn port_number(number: i32) -> Option<u16> {
    u16::try_from(number).ok().filter(|number| *number > 0)
}
