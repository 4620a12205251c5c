//! `envoy.config.listener.v3.Listener`: where Envoy listens.

mod fixed;
mod ingress;
mod socket_option;

pub(crate) use fixed::fixed;
pub(crate) use ingress::ingress_http;
