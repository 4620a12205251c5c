//! Which objects of a kind are known, so that a new list becomes exact changes.

use std::collections::HashMap;

use contour_builder::ObjectRef;

use crate::source::relist::Version;

/// The objects that one watch has told of.
#[derive(Debug, Default)]
pub(super) struct Known {
    objects: HashMap<ObjectRef, (Version, u64)>,
    /// Counts the lists. An object carries the number of the last one that had it.
    list: u64,
}

/// Whether an object says something new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// It is new, or has another version.
    Fresh,
    /// It is as it was.
    Same,
}

impl Known {
    /// A list begins, perhaps after one that was cut off.
    pub(super) fn begin(&mut self) {
        self.list += 1;
    }

    /// The list, or the watch, has this object.
    pub(super) fn see(&mut self, object: ObjectRef, version: Version) -> News {
        let before = self.objects.insert(object, (version, self.list));
        match before {
            Some((before, _)) if before == version => News::Same,
            _ => News::Fresh,
        }
    }

    /// The list is complete: what it did not have is gone. In order.
    pub(super) fn finish(&mut self) -> Vec<ObjectRef> {
        let list = self.list;
        self.take(|_, seen| seen < list)
    }

    /// The watch says that an object is gone.
    pub(super) fn forget(&mut self, object: &ObjectRef) {
        self.objects.remove(object);
    }

    /// Whether nothing is known.
    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Nothing is there any more. What was, in order.
    pub(super) fn clear(&mut self) -> Vec<ObjectRef> {
        self.take(|_, _| true)
    }

    fn take(&mut self, gone: impl Fn(&ObjectRef, u64) -> bool) -> Vec<ObjectRef> {
        let taken = self.objects.extract_if(|object, (_, seen)| gone(object, *seen));
        let mut taken: Vec<ObjectRef> = taken.map(|(object, _)| object).collect();
        taken.sort();
        taken
    }
}

#[cfg(test)]
mod tests {
    use contour_builder::{Kind, ObjectName};

    use super::*;

    fn object(name: &str) -> ObjectRef {
        ObjectRef { kind: Kind::Service, name: ObjectName::new("default", name) }
    }

    fn list(known: &mut Known, objects: &[(&str, u64)]) -> Vec<News> {
        known.begin();
        objects.iter().map(|(name, version)| known.see(object(name), Version(*version))).collect()
    }

    #[test]
    fn a_list_tells_what_is_new_and_what_is_gone() {
        let mut known = Known::default();
        assert_eq!(list(&mut known, &[("a", 1), ("b", 1), ("c", 1)]), [News::Fresh; 3]);
        assert_eq!(known.finish(), []);
        let news = list(&mut known, &[("b", 1), ("d", 1), ("c", 2)]);
        assert_eq!(news, [News::Same, News::Fresh, News::Fresh]);
        assert_eq!(known.finish(), [object("a")]);
    }

    #[test]
    fn a_list_that_was_cut_off_counts_for_nothing() {
        let mut known = Known::default();
        list(&mut known, &[("a", 1), ("b", 1)]);
        assert_eq!(list(&mut known, &[("b", 1)]), [News::Same]);
        assert_eq!(known.finish(), [object("a")]);
    }

    #[test]
    fn what_the_watch_says_is_gone_is_not_gone_once_more() {
        let mut known = Known::default();
        list(&mut known, &[("a", 1), ("b", 1)]);
        known.forget(&object("a"));
        assert_eq!(known.clear(), [object("b")]);
        assert_eq!(known.clear(), []);
    }
}
