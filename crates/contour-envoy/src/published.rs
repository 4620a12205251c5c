//! What was emitted last, so that nothing is emitted twice.

use std::collections::HashMap;
use std::sync::Arc;

use contour_xds::resource::{Audience, Delta, Edit, Name, Resource, TypeUrl, Version};

/// The versions of all resources as they were emitted last, and what differs since.
#[derive(Debug, Default)]
pub(crate) struct Published {
    versions: HashMap<(TypeUrl, Name, Audience), Version>, // looked up, never iterated over
    edits: Vec<Edit>,
}

impl Published {
    /// The resource `name` is now `resource`. An edit if it was not; at most one call for each resource between two
    /// calls of [`Published::take`].
    pub(crate) fn set(
        &mut self,
        audience: Audience,
        type_url: TypeUrl,
        name: &Name,
        resource: Option<Resource>,
    ) {
        let key = (type_url, Arc::clone(name), audience);
        let version = resource.as_ref().map(|resource| resource.version);
        let before = match version {
            Some(version) => self.versions.insert(key, version),
            None => self.versions.remove(&key),
        };
        if before != version {
            self.edits.push(Edit { audience, type_url, name: Arc::clone(name), resource });
        }
    }

    /// The edits since the last call.
    pub(crate) fn take(&mut self) -> Delta {
        Delta { edits: std::mem::take(&mut self.edits) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(before: Option<&'static [u8]>, now: Option<&'static [u8]>, expect: usize) {
        let mut published = Published::default();
        let mut set = |body: Option<&'static [u8]>| {
            let resource = body.map(|body| Resource::new(body.into(), []));
            published.set(Audience::All, TypeUrl::Cluster, &"a".into(), resource);
            published.take().edits.len()
        };
        set(before);
        assert_eq!(set(now), expect);
    }

    #[test]
    fn only_differences_are_edits() {
        check(None, None, 0);
        check(None, Some(b"a"), 1);
        check(Some(b"a"), Some(b"a"), 0);
        check(Some(b"a"), Some(b"b"), 1);
        check(Some(b"a"), None, 1);
    }

    #[test]
    fn audiences_do_not_mix() {
        let mut published = Published::default();
        for audience in [Audience::All, Audience::Only(contour_xds::resource::Dialect::Aggregated)]
        {
            let resource = Resource::new((&b"a"[..]).into(), []);
            published.set(audience, TypeUrl::Cluster, &"a".into(), Some(resource));
        }
        assert_eq!(published.take().edits.len(), 2);
    }
}
