//! `ContourDeployment`: what the gateway provisioner makes of a Gateway.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contour_configuration::ContourConfigurationSpec;
use crate::apps::{DaemonSetUpdateStrategy, DeploymentStrategy};
use crate::conditions::Condition;
use crate::core::{ResourceRequirements, Toleration, Volume, VolumeMount};
use crate::schema::{DNS_LABEL, Int};

/// What the gateway provisioner makes of each Gateway whose class refers to this object.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "projectcontour.io",
    version = "v1alpha1",
    kind = "ContourDeployment",
    plural = "contourdeployments",
    singular = "contourdeployment",
    shortname = "contourdeploy",
    namespaced,
    status = "ContourDeploymentStatus",
    derive = "PartialEq",
    derive = "Default",
    // The schema does not require `spec`. `kube` takes no attribute of serde by its name.
    attr = "cfg_attr(all(), serde(default))",
    doc = "What the gateway provisioner makes of a Gateway. A GatewayClass refers to it by `parametersRef`."
)]
pub struct ContourDeploymentSpec {
    /// How Contour is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contour: Option<ContourSettings>,
    /// How Envoy is run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub envoy: Option<EnvoySettings>,
    /// Labels of all objects that are made. Superseded by `spec.infrastructure.labels` of the Gateway, which go before
    /// them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource_labels: BTreeMap<String, String>,
    /// The configuration of Contour, as it is when the Gateway is first provisioned; later changes are not carried over.
    /// `gateway.gatewayRef` and `envoy.service` are replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_settings: Option<ContourConfigurationSpec>,
}

/// How Contour is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContourSettings {
    /// What holds for the Deployment of Contour.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentSettings>,
    /// Parts of Contour that are switched off. Each becomes a flag `--disable-feature`, and the provisioned rights leave
    /// out the objects concerned. Absent: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 42))]
    pub disabled_features: Vec<DisabledFeature>,
    /// How much Contour logs about its requests to the API server, 0 to 9. Default: 0. Becomes `--kubernetes-debug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>", range(min = 0, max = 9))]
    pub kubernetes_log_level: Option<u8>,
    /// How much Contour logs: `info` or `debug`. Default, also for any other word: `info`. `debug` becomes `--debug`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// On which nodes Contour runs. Absent: on any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_placement: Option<NodePlacement>,
    /// Annotations of Contour's pods. Those of the Gateway go before them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,
    /// How many pods of Contour there are. Superseded by `deployment.replicas`, which goes before it. Default, also for
    /// 0: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0))]
    pub replicas: Option<u32>,
    /// The resources of Contour's container. Absent: none are asked for, and there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// The namespaces whose objects Contour reads, beside that of the Gateway. Becomes `--watch-namespaces`. Absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(min = 1, max = 42),
        inner(length(min = 1, max = 63), regex(pattern = DNS_LABEL))
    )]
    pub watch_namespaces: Vec<String>,
}

/// A part of Contour that can be switched off: a kind of objects that it then does not read.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum DisabledFeature {
    /// `GRPCRoute`.
    GrpcRoutes,
    /// `TLSRoute`.
    TlsRoutes,
    /// `ExtensionService`.
    ExtensionServices,
    /// `BackendTLSPolicy`.
    BackendTlsPolicies,
}

impl DisabledFeature {
    /// As it is written in an object and after `--disable-feature=`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DisabledFeature::GrpcRoutes => "grpcroutes",
            DisabledFeature::TlsRoutes => "tlsroutes",
            DisabledFeature::ExtensionServices => "extensionservices",
            DisabledFeature::BackendTlsPolicies => "backendtlspolicies",
        }
    }
}

/// What holds for a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSettings {
    /// How many pods there are. Default, also for 0: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0))]
    pub replicas: Option<u32>,
    /// How pods are replaced by newer ones. Default: a rolling update, for Contour with up to 50 % more and up to 25 %
    /// fewer pods, for Envoy with up to 10 % more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<DeploymentStrategy>,
}

/// What holds for a `DaemonSet`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DaemonSetSettings {
    /// How pods are replaced by newer ones. Default: a rolling update with up to 10 % fewer pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<DaemonSetUpdateStrategy>,
}

/// On which nodes pods run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodePlacement {
    /// Labels that a node must have. Empty: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that a node may have. Empty: none that keeps pods away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
}

/// How Envoy is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvoySettings {
    /// Tells apart several Envoys on one host that share memory between restarts. Default: 0. Becomes `--base-id`.
    #[serde(rename = "baseID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0))]
    pub base_id: Option<u32>,
    /// What holds for the `DaemonSet` of Envoy. Only if `workloadType` says `DaemonSet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemon_set: Option<DaemonSetSettings>,
    /// What holds for the Deployment of Envoy. Only if `workloadType` says `Deployment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentSettings>,
    /// Where further volumes are mounted, in all containers of Envoy's pods. Each must name one of `extraVolumes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_volume_mounts: Vec<VolumeMount>,
    /// Further volumes of Envoy's pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_volumes: Vec<Volume>,
    /// How much Envoy logs: `trace`, `debug`, `info`, `warn`, `error`, `critical` or `off`. Default: `info`. Becomes
    /// `--log-level`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<String>,
    /// The Service in front of Envoy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_publishing: Option<NetworkPublishing>,
    /// On which nodes Envoy runs. Absent: on any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_placement: Option<NodePlacement>,
    /// How many connections of clients one Envoy has at most. Default, also for 0: any number. Becomes a resource monitor
    /// of Envoy's overload manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload_max_downstream_connections: Option<i64>,
    /// How many bytes of heap one Envoy has at most; near that it serves less. Default, also for 0: any number. Becomes a
    /// resource monitor of Envoy's overload manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload_max_heap_size: Option<i64>,
    /// Annotations of Envoy's pods. Those of the Gateway go before them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,
    /// How many pods of Envoy there are. Superseded by `deployment.replicas`, which goes before it. Only if
    /// `workloadType` says `Deployment`. Default, also for 0: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 0))]
    pub replicas: Option<u32>,
    /// The resources of Envoy's container. Absent: none are asked for, and there is no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
    /// Whether Envoy is run as a `DaemonSet`, one on each node, or as a `Deployment`. Default: `DaemonSet`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_type: Option<String>,
}

/// The Service in front of Envoy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPublishing {
    /// Which nodes pass on traffic from outside: `Local`, only those that an Envoy runs on, which keeps the addresses of
    /// clients, or `Cluster`, all. Default: `Local`. Not with `ClusterIPService`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_traffic_policy: Option<String>,
    /// Which addresses the Service gets: `SingleStack`, `PreferDualStack` or `RequireDualStack`. Default: `SingleStack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family_policy: Option<String>,
    /// Annotations of the Service. They go before those of the Gateway.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service_annotations: BTreeMap<String, String>,
    /// `LoadBalancerService`, `NodePortService`, whose node ports are those of the Gateway's listeners, or
    /// `ClusterIPService`. Default: `LoadBalancerService`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
}

/// What is known about a `ContourDeployment`. Contour does not write it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContourDeploymentStatus {
    /// Statements about the object, one of each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend(
        "x-kubernetes-list-type" = "map",
        "x-kubernetes-list-map-keys" = ["type"]
    ))]
    pub conditions: Vec<Condition>,
}
