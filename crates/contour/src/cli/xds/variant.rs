//! The two variants of xDS, for a client that answers what it gets.

use contour_xds::wire::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use prost::Message;
use serde_json::Value;

use super::{Query, show};

/// A variant of xDS.
pub(super) trait Variant {
    /// How its methods begin.
    const METHOD: &str;
    type Request: Message + Default + 'static;
    type Response: Message + Default + 'static;

    /// Asks.
    fn first(query: &Query) -> Self::Request;

    /// Accepts a response, or refuses it.
    fn answer(query: &Query, response: &Self::Response) -> Self::Request;

    /// A request as people read it.
    fn request(request: &Self::Request) -> Value;

    /// A response as people read it.
    fn response(response: &Self::Response) -> Value;
}

/// Each response has everything that was asked for.
pub(super) struct World;

/// Each response has what changed.
pub(super) struct Delta;

impl Variant for World {
    const METHOD: &str = "Stream";
    type Request = DiscoveryRequest;
    type Response = DiscoveryResponse;

    fn first(query: &Query) -> DiscoveryRequest {
        DiscoveryRequest {
            node: Some(query.node.clone()),
            resource_names: query.names.clone(),
            type_url: query.type_url.as_str().to_owned(),
            ..DiscoveryRequest::default()
        }
    }

    fn answer(query: &Query, response: &DiscoveryResponse) -> DiscoveryRequest {
        let accepted = query.refusal.is_none();
        DiscoveryRequest {
            // What is refused is not what the client has.
            version_info: if accepted { response.version_info.clone() } else { String::new() },
            response_nonce: response.nonce.clone(),
            error_detail: query.refusal.clone(),
            ..World::first(query)
        }
    }

    fn request(request: &DiscoveryRequest) -> Value {
        show::world_request(request)
    }

    fn response(response: &DiscoveryResponse) -> Value {
        show::world_response(response)
    }
}

impl Variant for Delta {
    const METHOD: &str = "Delta";
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaDiscoveryResponse;

    fn first(query: &Query) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            node: Some(query.node.clone()),
            type_url: query.type_url.as_str().to_owned(),
            resource_names_subscribe: query.names.clone(),
            ..DeltaDiscoveryRequest::default()
        }
    }

    fn answer(query: &Query, response: &DeltaDiscoveryResponse) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            node: Some(query.node.clone()),
            type_url: query.type_url.as_str().to_owned(),
            response_nonce: response.nonce.clone(),
            error_detail: query.refusal.clone(),
            ..DeltaDiscoveryRequest::default()
        }
    }

    fn request(request: &DeltaDiscoveryRequest) -> Value {
        show::delta_request(request)
    }

    fn response(response: &DeltaDiscoveryResponse) -> Value {
        show::delta_response(response)
    }
}
