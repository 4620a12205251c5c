//! `/debug/xds`: who is connected, and how each stands.

use contour_xds::resource::{Dialect, TypeUrl};
use serde_json::{Value, json};

use crate::serve::hub::Hub;
use crate::serve::peers::{Refusal, Shown, Standing};

pub(super) fn shown(hub: &Hub) -> Value {
    let dialects: Vec<Value> = Dialect::ALL.into_iter().map(|each| dialect(hub, each)).collect();
    let envoys: Vec<Value> = hub.peers().shown().iter().map(envoy).collect();
    json!({ "dialects": dialects, "envoys": envoys })
}

fn dialect(hub: &Hub, dialect: Dialect) -> Value {
    let sight = hub.look(dialect);
    let types: Vec<Value> = TypeUrl::ALL
        .into_iter()
        .map(|each| {
            let table = sight.snapshot().table(each);
            json!({
                "type": each.as_str(),
                "resources": table.len(),
                "version": table.version().to_string(),
            })
        })
        .collect();
    json!({
        "dialect": format!("{dialect:?}"),
        "epoch": sight.snapshot().epoch,
        "streams": hub.streams(dialect),
        "unsettledStreams": hub.unsettled(dialect),
        "published": types,
    })
}

fn envoy(envoy: &Shown) -> Value {
    json!({
        "node": envoy.node,
        "version": envoy.version,
        "dialect": format!("{:?}", envoy.dialect),
        "streams": envoy.streams,
        "types": envoy.types.iter().map(standing).collect::<Vec<_>>(),
    })
}

fn standing((type_url, standing): &(TypeUrl, Standing)) -> Value {
    json!({
        "type": type_url.as_str(),
        "sent": { "count": standing.sent, "version": &*standing.sent_version },
        "accepted": {
            "count": standing.accepted,
            "version": standing.accepted_version.map(|version| version.to_string()),
        },
        "refused": {
            "count": standing.refused,
            "last": standing.refusal.as_ref().map(refusal),
        },
    })
}

fn refusal(refusal: &Refusal) -> Value {
    json!({
        "secondsAgo": refusal.at.elapsed().unwrap_or_default().as_secs(),
        "version": refusal.version.to_string(),
        "message": refusal.message,
        "guilty": refusal.guilty.iter().map(|name| &**name).collect::<Vec<_>>(),
    })
}
