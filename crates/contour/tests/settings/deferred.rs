//! `deferred.toml`: settings that are read and checked, and that nothing consumes yet.

use std::collections::BTreeMap;

/// Each setting with the feature that it waits for.
pub(crate) fn read() -> BTreeMap<String, String> {
    let text = include_str!("../deferred.toml");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let entries = lines.map(|line| {
        let (key, feature) = line.split_once(" = ").expect("key = feature");
        (key.trim_matches('"').to_owned(), feature.trim_matches('"').to_owned())
    });
    let mut features = BTreeMap::new();
    for (key, feature) in entries {
        assert!(!feature.is_empty(), "{key} waits for nothing");
        assert!(features.insert(key.clone(), feature).is_none(), "{key} stands there twice");
    }
    features
}
