//! The incremental variant: each resource has a version of its own, and what is gone is named.

use crate::exchange::{Ask, Batch, Nonce, Style, Variant, Wish};
use crate::wire::{Any, DeltaDiscoveryRequest, DeltaDiscoveryResponse, Node, Resource};

/// `Delta*` of the services.
#[derive(Clone, Copy, Debug)]
pub enum Delta {}

/// A stream of this variant.
pub type Stream = crate::stream::Stream<Delta>;

impl Variant for Delta {
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaDiscoveryResponse;
    const STYLE: Style = Style::Delta;
    const NODE: u32 = 1;

    fn type_url(request: &DeltaDiscoveryRequest) -> &str {
        &request.type_url
    }

    fn node(request: &DeltaDiscoveryRequest) -> Option<&Node> {
        request.node.as_ref()
    }

    fn ask(request: DeltaDiscoveryRequest) -> Ask {
        Ask {
            nonce: Nonce::parse(&request.response_nonce),
            error: request.error_detail,
            wish: Wish::Change {
                subscribe: request.resource_names_subscribe,
                unsubscribe: request.resource_names_unsubscribe,
                holds: request.initial_resource_versions,
            },
        }
    }

    fn tell(batch: Batch) -> DeltaDiscoveryResponse {
        let type_url = batch.type_url.as_str();
        let resource = |item: crate::exchange::Item| Resource {
            version: item.resource.version.to_string(),
            resource: Some(Any { type_url: type_url.to_owned(), value: item.resource.body }),
            name: item.name.to_string(),
        };
        DeltaDiscoveryResponse {
            system_version_info: batch.version.to_string(),
            resources: batch.set.into_iter().map(resource).collect(),
            type_url: type_url.to_owned(),
            nonce: batch.nonce.to_string(),
            removed_resources: batch.removed.iter().map(ToString::to_string).collect(),
        }
    }
}
