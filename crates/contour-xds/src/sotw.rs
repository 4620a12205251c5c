//! The state-of-the-world variant: one version for what a client subscribed to; of listeners and clusters always all.

use crate::exchange::{Ask, Batch, Nonce, Style, Variant, Wish};
use crate::wire::{Any, DiscoveryRequest, DiscoveryResponse, Node};

/// `Stream*` of the services.
#[derive(Clone, Copy, Debug)]
pub enum Sotw {}

/// A stream of this variant.
pub type Stream = crate::stream::Stream<Sotw>;

impl Variant for Sotw {
    type Request = DiscoveryRequest;
    type Response = DiscoveryResponse;
    const STYLE: Style = Style::Sotw;
    const NODE: u32 = 2;

    fn type_url(request: &DiscoveryRequest) -> &str {
        &request.type_url
    }

    fn node(request: &DiscoveryRequest) -> Option<&Node> {
        request.node.as_ref()
    }

    fn ask(request: DiscoveryRequest) -> Ask {
        Ask {
            nonce: Nonce::parse(&request.response_nonce),
            error: request.error_detail,
            wish: Wish::Whole { names: request.resource_names, version: request.version_info },
        }
    }

    fn tell(batch: Batch) -> DiscoveryResponse {
        let type_url = batch.type_url.as_str();
        let any = |item: crate::exchange::Item| Any {
            type_url: type_url.to_owned(),
            value: item.resource.body,
        };
        DiscoveryResponse {
            version_info: batch.version.to_string(),
            resources: batch.set.into_iter().map(any).collect(),
            type_url: type_url.to_owned(),
            nonce: batch.nonce.to_string(),
        }
    }
}
