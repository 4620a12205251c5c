//! Headers that the configuration has edited on the way to every service.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::parse::header::{
    canonical, check_value, editable, is_authority, named_header, removable,
};

/// What is done with headers of requests, or of responses, unless a service says otherwise. Nothing stands in it that Envoy
/// refuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderDefaults {
    host: Option<Arc<str>>,
    set: BTreeMap<Arc<str>, String>,
    removed: BTreeSet<Arc<str>>,
}

impl HeaderDefaults {
    /// Has a header of requests set to a value. The header `Host` is the host that requests are for.
    ///
    /// # Errors
    /// Why that cannot be, in words that complete "…: ".
    pub fn set_on_requests(&mut self, name: &str, value: &str) -> Result<(), String> {
        if !is_host(name) {
            return self.set_header(name, value);
        }
        let host = host(value)?;
        if self.host.replace(host).is_some() {
            return Err(TWICE.to_owned());
        }
        Ok(())
    }

    /// Has a header of responses set to a value.
    ///
    /// # Errors
    /// Why that cannot be, in words that complete "…: ".
    pub fn set_on_responses(&mut self, name: &str, value: &str) -> Result<(), String> {
        if is_host(name) {
            return Err("a response has no header Host".to_owned());
        }
        self.set_header(name, value)
    }

    fn set_header(&mut self, name: &str, value: &str) -> Result<(), String> {
        let name = editable(name)?;
        check_value(value)?;
        if self.set.insert(name, value.to_owned()).is_some() {
            return Err(TWICE.to_owned());
        }
        Ok(())
    }

    /// Has a header taken out.
    ///
    /// # Errors
    /// Why that cannot be, in words that complete "…: ".
    pub fn take_out(&mut self, name: &str) -> Result<(), String> {
        self.removed.insert(removable(name)?);
        Ok(())
    }

    /// The host that requests are for.
    pub fn host(&self) -> Option<&Arc<str>> {
        self.host.as_ref()
    }

    /// Headers that get a value, by their canonical names; of the values, variables stand as they are written.
    pub fn set(&self) -> &BTreeMap<Arc<str>, String> {
        &self.set
    }

    /// The canonical names of headers that are taken out.
    pub fn removed(&self) -> &BTreeSet<Arc<str>> {
        &self.removed
    }

    /// Whether nothing is done.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Names of headers are equal whatever the case of their letters, and the keys of the configuration are not.
const TWICE: &str = "the same header stands there in other letters, too";

fn is_host(name: &str) -> bool {
    canonical(name) == "Host"
}

fn host(value: &str) -> Result<Arc<str>, String> {
    if named_header(value).is_some() {
        return Err("a host that a header names is taken for routes alone".to_owned());
    }
    if !is_authority(value) {
        return Err(format!(
            "{value:?} is no host; a name or an address, with or without a port, is one"
        ));
    }
    Ok(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Set = fn(&mut HeaderDefaults, &str, &str) -> Result<(), String>;

    #[track_caller]
    fn check_refused(set: Set, name: &str, value: &str, expect: &str) {
        let error = set(&mut HeaderDefaults::default(), name, value).expect_err("it is wrong");
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn names_are_canonical_and_the_host_is_apart() {
        let mut defaults = HeaderDefaults::default();
        assert!(defaults.is_empty());
        defaults.set_on_requests("x-a", "b").expect("a good header");
        defaults.set_on_requests("HOST", "a.example:80").expect("a good host");
        defaults.take_out("x-c").expect("a good header");
        assert_eq!(defaults.host().map(|host| &**host), Some("a.example:80"));
        assert_eq!(defaults.set(), &BTreeMap::from([("X-A".into(), "b".to_owned())]));
        assert_eq!(defaults.removed(), &BTreeSet::from(["X-C".into()]));
    }

    #[test]
    fn what_envoy_refuses_is_refused() {
        let setters: [Set; 2] = [HeaderDefaults::set_on_requests, HeaderDefaults::set_on_responses];
        for set in setters {
            check_refused(set, "x a", "b", "no name of a header");
            check_refused(set, "x_a", "b", "no name of a header");
            check_refused(set, "x-a", "b\r\n", "control characters");
            check_refused(set, "content-length", "0", "for Envoy alone");
        }
        let error = HeaderDefaults::default().take_out("host").expect_err("it is wrong");
        assert!(error.contains("without the header Host"), "{error}");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_of_requests_alone() {
        check_refused(HeaderDefaults::set_on_requests, "host", "a b", "\"a b\" is no host");
        check_refused(HeaderDefaults::set_on_requests, "Host", "%REQ(x)%", "for routes alone");
        check_refused(HeaderDefaults::set_on_responses, "host", "a.example", "no header Host");
    }

    #[test]
    fn a_header_has_one_value() {
        for (first, second) in [("X-A", "x-a"), ("Host", "host")] {
            let mut defaults = HeaderDefaults::default();
            defaults.set_on_requests(first, "a").expect("a good header");
            let error = defaults.set_on_requests(second, "b").expect_err("it stands there");
            assert_eq!(error, TWICE);
        }
    }
}
