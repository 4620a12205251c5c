//! Renewal of the certificates in the Secrets `contourcert` and `envoycert`, so that at each moment either side trusts what
//! the other one shows.
//!
//! The key of an authority is not kept, so each renewal brings a new one. Kubelets bring a Secret to its pods with a delay
//! that nobody knows exactly. Hence three phases, and between them a pause that is longer than any such delay:
//!
//! | phase | `ca.crt` | `tls.crt`, `tls.key` | `next-tls.crt`, `next-tls.key` |
//! |---|---|---|---|
//! | at rest | old | old | |
//! | 1 introduced | old and new | old | new |
//! | 2 promoted | old and new | new | |
//! | 3 at rest | new | new | |
//!
//! Whoever leads reads both Secrets, and [`plan()`] says what is to be written, by nothing but what is in them and the time.
//! So it does not matter who wrote what is there, nor after which write somebody stopped.

mod held;
mod plan;
mod write;

pub use held::{Held, Leaf, Problem, Since, read};
pub use plan::{Change, Found, Plan, Settings, Write, plan};
pub use write::apply;

/// When a Secret came to be in the phase that it is in, as an RFC 3339 timestamp. At rest it has none.
pub const SINCE: &str = "projectcontour.io/certificates-since";

/// The keys of what will be in use next.
const NEXT_CERTIFICATE: &str = "next-tls.crt";
const NEXT_KEY: &str = "next-tls.key";

#[cfg(test)]
mod tests;
