//! Who put what under a shared key.

use std::collections::HashMap;
use std::hash::Hash;

/// What several contributors put under shared keys: the clusters that hosts need, the problems that hosts find with an
/// included proxy, the units that are demanded.
///
/// Reading a key folds over its contributors in their order, whatever the order in which they came, so that the answer
/// depends on the contributions alone (I-6). What a contributor put is remembered by its owner, which passes it back to
/// [`replace`](Contributions::replace): nothing is stored twice.
#[derive(Debug)]
pub struct Contributions<C, K, V> {
    by_key: HashMap<K, Vec<(C, V)>>, // each vector sorted by contributor, which occurs once
}

impl<C, K, V> Default for Contributions<C, K, V> {
    fn default() -> Contributions<C, K, V> {
        Contributions { by_key: HashMap::new() }
    }
}

impl<C: Clone + Ord, K: Clone + Eq + Hash + Ord, V: Clone + PartialEq> Contributions<C, K, V> {
    /// Replaces what `contributor` put (`old`) by `new`, both sorted by key, each key at most once, and answers with the
    /// keys whose contributions changed.
    pub fn replace(&mut self, contributor: &C, old: &[(K, V)], new: &[(K, V)]) -> Vec<K> {
        let mut touched = Vec::new();
        for (key, value) in new {
            if self.put(contributor, key, value) {
                touched.push(key.clone());
            }
        }
        for (key, _) in old {
            if new.binary_search_by(|(kept, _)| kept.cmp(key)).is_err() {
                self.take(contributor, key);
                touched.push(key.clone());
            }
        }
        touched
    }

    /// The values under `key`, in contributor order.
    pub fn get(&self, key: &K) -> impl Iterator<Item = &V> {
        self.by_key.get(key).into_iter().flatten().map(|(_, value)| value)
    }

    /// Whether anyone contributes to `key`.
    pub fn contains(&self, key: &K) -> bool {
        self.by_key.contains_key(key)
    }

    /// How many keys anyone contributes to.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    fn put(&mut self, contributor: &C, key: &K, value: &V) -> bool {
        let entries = self.by_key.entry(key.clone()).or_default();
        match entries.binary_search_by(|(each, _)| each.cmp(contributor)) {
            Ok(at) if entries[at].1 == *value => false,
            Ok(at) => {
                entries[at].1 = value.clone();
                true
            }
            Err(at) => {
                entries.reserve_exact(usize::from(entries.is_empty())); // mostly there is one
                entries.insert(at, (contributor.clone(), value.clone()));
                true
            }
        }
    }

    fn take(&mut self, contributor: &C, key: &K) {
        let Some(entries) = self.by_key.get_mut(key) else { return };
        if let Ok(at) = entries.binary_search_by(|(each, _)| each.cmp(contributor)) {
            entries.remove(at);
        }
        if entries.is_empty() {
            self.by_key.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(contributions: &Contributions<u8, &str, u8>, key: &'static str) -> Vec<u8> {
        contributions.get(&key).copied().collect()
    }

    #[test]
    fn values_come_in_contributor_order() {
        let mut contributions = Contributions::default();
        contributions.replace(&2, &[], &[("key", 20)]);
        contributions.replace(&1, &[], &[("key", 10)]);
        assert_eq!(values(&contributions, "key"), [10, 20]);
    }

    #[test]
    fn a_key_lives_while_anyone_contributes() {
        let mut contributions = Contributions::default();
        contributions.replace(&1, &[], &[("key", 10)]);
        contributions.replace(&2, &[], &[("key", 20)]);
        contributions.replace(&1, &[("key", 10)], &[]);
        assert!(contributions.contains(&"key"));
        contributions.replace(&2, &[("key", 20)], &[]);
        assert!(!contributions.contains(&"key"));
    }

    #[test]
    fn only_changed_keys_are_touched() {
        let mut contributions = Contributions::default();
        let old = [("changed", 1), ("gone", 1), ("same", 1)];
        contributions.replace(&1, &[], &old);
        let touched = contributions.replace(&1, &old, &[("changed", 2), ("new", 1), ("same", 1)]);
        assert_eq!(touched, ["changed", "new", "gone"]);
    }
}
