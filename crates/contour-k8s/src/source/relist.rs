//! From complete sets of objects to exact changes.

use std::collections::HashMap;

use contour_builder::{Change, ObjectRef};

/// Tells two forms of one object apart: equal forms have equal versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

/// What a source said last about each of its objects.
#[derive(Debug, Default)]
pub struct Relist {
    known: HashMap<ObjectRef, Version>,
}

impl Relist {
    /// The version of `object` that was said last; `None` if there is no such object.
    pub fn version(&self, object: &ObjectRef) -> Option<Version> {
        self.known.get(object).copied()
    }

    /// The complete set is now `now`. Returns the changes that lead there: the deletions, then the rest, each in the order
    /// of the objects.
    ///
    /// `change` is asked for what became of each object that is new or has another version than before.
    pub fn replace(
        &mut self,
        now: HashMap<ObjectRef, Version>,
        mut change: impl FnMut(&ObjectRef) -> Change,
    ) -> Vec<Change> {
        let gone = self.known.keys().filter(|object| !now.contains_key(object));
        let mut gone: Vec<ObjectRef> = gone.cloned().collect();
        gone.sort();
        let news = now.iter().filter(|&(object, version)| self.known.get(object) != Some(version));
        let mut news: Vec<&ObjectRef> = news.map(|(object, _)| object).collect();
        news.sort();
        let changes = gone.into_iter().map(Change::Delete).chain(news.into_iter().map(&mut change));
        let changes = changes.collect();
        self.known = now;
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contour_builder::{Kind, ObjectName, Problem, Reason, Revision};

    fn object(name: &str) -> ObjectRef {
        ObjectRef { kind: Kind::Service, name: ObjectName::new("default", name) }
    }

    /// Replaces `before` by `now`; both are names with versions. Says `+name` for news and `-name` for deletions.
    #[track_caller]
    fn check(before: &[(&str, u64)], now: &[(&str, u64)], expect: &[&str]) {
        let set = |of: &[(&str, u64)]| {
            of.iter()
                .map(|&(name, version)| (object(name), Version(version)))
                .collect::<HashMap<_, _>>()
        };
        let news = |object: &ObjectRef| {
            Change::Unreadable(
                object.clone(),
                Revision::default(),
                Problem::new(Reason::Unreadable, "told"),
            )
        };
        let mut relist = Relist::default();
        relist.replace(set(before), news);
        let said: Vec<String> = relist
            .replace(set(now), news)
            .iter()
            .map(|change| match change {
                Change::Delete(object) => format!("-{}", object.name.name),
                Change::Unreadable(object, ..) => format!("+{}", object.name.name),
                other => panic!("{other:?} was not asked for"),
            })
            .collect();
        assert_eq!(said, expect);
        assert_eq!(relist.known, set(now));
    }

    #[test]
    fn what_is_the_same_is_not_said_again() {
        check(&[("a", 1), ("b", 1)], &[("a", 1), ("b", 1)], &[]);
    }

    #[test]
    fn what_is_new_or_different_is_said() {
        check(&[("a", 1)], &[("a", 2), ("b", 1)], &["+a", "+b"]);
    }

    #[test]
    fn what_is_missing_is_deleted() {
        check(&[("a", 1), ("b", 1)], &[("b", 1)], &["-a"]);
    }

    #[test]
    fn deletions_come_first() {
        check(&[("z", 1)], &[("a", 1)], &["-z", "+a"]);
    }

    #[test]
    fn nothing_after_something_deletes_all() {
        check(&[("a", 1), ("b", 1)], &[], &["-a", "-b"]);
    }
}
