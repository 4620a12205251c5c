//! What different keys of the graph have in common: a name in Envoy.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use contour_dag::Edits;
use contour_xds::resource::Name;

/// Values of the graph by the name that they have in Envoy.
///
/// Names say less than keys: when a port of a service is given another name, its cluster goes under one key and appears
/// under another, and has one name all the time. Of several values with one name, that of the least key is served, so
/// that the outcome does not depend on the order of arrival.
#[derive(Clone, Debug)]
pub(crate) struct Namesakes<K, V> {
    by_name: BTreeMap<Name, Vec<(K, Arc<V>)>>, // sorted by key, not empty
}

impl<K: Ord + Clone, V> Namesakes<K, V> {
    pub(crate) fn new() -> Namesakes<K, V> {
        Namesakes { by_name: BTreeMap::new() }
    }

    /// Applies `edits`; `name` forms the name from the key. Returns the names concerned.
    pub(crate) fn apply(&mut self, edits: &Edits<K, V>, name: fn(&K) -> Name) -> BTreeSet<Name> {
        let mut concerned = BTreeSet::new();
        for (key, value) in edits {
            let name = name(key);
            self.set(&name, key, value.as_ref());
            concerned.insert(name);
        }
        concerned
    }

    fn set(&mut self, name: &Name, key: &K, value: Option<&Arc<V>>) {
        let values = self.by_name.entry(Arc::clone(name)).or_default();
        let place = values.binary_search_by(|(each, _)| each.cmp(key));
        match (place, value) {
            (Ok(index), Some(value)) => values[index].1 = Arc::clone(value),
            (Ok(index), None) => drop(values.remove(index)),
            (Err(index), Some(value)) => {
                values.reserve_exact(usize::from(values.is_empty())); // mostly there is one
                values.insert(index, (key.clone(), Arc::clone(value)));
            }
            (Err(_), None) => {}
        }
        if values.is_empty() {
            self.by_name.remove(name);
        }
    }

    /// What is served under `name`.
    pub(crate) fn get(&self, name: &str) -> Option<(&K, &V)> {
        let (key, value) = self.by_name.get(name)?.first()?;
        Some((key, value))
    }

    /// All names that something is served under.
    pub(crate) fn names(&self) -> Vec<Name> {
        self.by_name.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys that differ in their second letter only have one name.
    fn initial(key: &&'static str) -> Name {
        key[..1].into()
    }

    #[track_caller]
    fn check(edits: &[(&'static str, Option<u8>)], expect: &[(&str, &str, u8)]) {
        let mut values = Namesakes::new();
        for &(key, value) in edits {
            values.apply(&vec![(key, value.map(Arc::new))], initial);
        }
        let served: Vec<_> = values
            .names()
            .iter()
            .map(|name| {
                let (key, value) = values.get(name).unwrap();
                (name.to_string(), *key, *value)
            })
            .collect();
        let expect: Vec<_> =
            expect.iter().map(|&(name, key, value)| (name.to_owned(), key, value)).collect();
        assert_eq!(served, expect);
    }

    #[test]
    fn the_least_key_is_served_whatever_came_first() {
        check(&[("ab", Some(1)), ("aa", Some(2))], &[("a", "aa", 2)]);
        check(&[("aa", Some(2)), ("ab", Some(1))], &[("a", "aa", 2)]);
    }

    #[test]
    fn the_next_key_takes_over() {
        check(&[("aa", Some(2)), ("ab", Some(1)), ("aa", None)], &[("a", "ab", 1)]);
        check(&[("aa", Some(2)), ("ab", Some(1)), ("ab", None)], &[("a", "aa", 2)]);
    }

    #[test]
    fn a_name_goes_with_its_last_key() {
        check(&[("aa", Some(2)), ("b", Some(3)), ("aa", None), ("c", None)], &[("b", "b", 3)]);
    }

    #[test]
    fn a_value_is_replaced() {
        check(&[("aa", Some(2)), ("aa", Some(3))], &[("a", "aa", 3)]);
    }
}
