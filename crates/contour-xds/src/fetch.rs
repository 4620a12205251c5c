//! `Fetch*`: one question, one answer, nothing remembered.

use crate::exchange::{Batch, Item, Novelty, Variant};
use crate::resource::{Name, Resource, TypeUrl};
use crate::snapshot::{Snapshot, empty_assignment, weight};
use crate::sotw::Sotw;
use crate::subscription::WILDCARD;
use crate::wire::{DiscoveryRequest, DiscoveryResponse};

/// Answers a `Fetch*` call of the service for `type_url`.
///
/// No names, or `*` among them, means all. A name that does not exist is left out, but for load assignments, which are
/// answered without endpoints as on a stream.
pub fn fetch(
    type_url: TypeUrl,
    request: &DiscoveryRequest,
    snapshot: &Snapshot,
) -> DiscoveryResponse {
    let table = snapshot.table(type_url);
    let names = &request.resource_names;
    let all = names.is_empty() || names.iter().any(|name| name == WILDCARD);
    let set: Vec<(Name, Resource)> = if all {
        table.iter().map(|(name, resource)| (name.clone(), resource.clone())).collect()
    } else {
        let find = |name: &String| {
            let missing = || (type_url == TypeUrl::LoadAssignment).then(|| empty_assignment(name));
            let resource = table.get(name).cloned().or_else(missing)?;
            Some((Name::from(&**name), resource))
        };
        names.iter().filter_map(find).collect()
    };
    let sum =
        set.iter().fold(0, |sum: u64, (name, each)| sum.wrapping_add(weight(name, each.version)));
    let item = |(name, resource)| Item { name, resource, novelty: Novelty::Same };
    Sotw::tell(Batch {
        type_url,
        nonce: 0,
        version: crate::resource::Version(sum),
        set: set.into_iter().map(item).collect(),
        removed: Vec::new(),
    })
}
