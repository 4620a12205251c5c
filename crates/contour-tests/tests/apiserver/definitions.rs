//! Our definitions as the API server understands them: validation and defaults.

use contour_api::v1::HTTPProxy;
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};

use super::Shared;

/// A kind of ours, with an object that is in order and one that is not.
struct Sample {
    version: &'static str,
    kind: &'static str,
    good: &'static str,
    /// A field that `good` does not have, and the default that it gets, as JSON.
    defaulted: Option<(&'static str, &'static str)>,
    bad: &'static str,
    /// What the refusal of `bad` names.
    named: &'static str,
}

const SAMPLES: [Sample; 5] = [
    Sample {
        version: "v1",
        kind: "HTTPProxy",
        good: "{virtualhost: {fqdn: a.example.com}, routes: [{requestRedirectPolicy: {hostname: b.example.com}}]}",
        defaulted: Some(("/spec/routes/0/requestRedirectPolicy/statusCode", "302")),
        bad: "{routes: [{services: [{name: a, port: 65536}]}]}",
        named: "spec.routes[0].services[0].port",
    },
    Sample {
        version: "v1",
        kind: "TLSCertificateDelegation",
        good: "{delegations: [{secretName: a, targetNamespaces: ['*']}]}",
        defaulted: None,
        bad: "{delegations: [{secretName: a}]}",
        named: "spec.delegations[0].targetNamespaces",
    },
    Sample {
        version: "v1alpha1",
        kind: "ExtensionService",
        good: "{services: [{name: a, port: 80}], validation: {caSecret: a, subjectName: b, subjectNames: [b, c]}}",
        defaulted: None,
        // A rule in the Common Expression Language: the first name must be the one beside the list.
        bad: "{services: [{name: a, port: 80}], validation: {caSecret: a, subjectName: b, subjectNames: [c]}}",
        named: "spec.validation",
    },
    Sample {
        version: "v1alpha1",
        kind: "ContourConfiguration",
        good: "{rateLimitService: {extensionService: {name: a, namespace: b}, defaultGlobalRateLimitPolicy: {descriptors: [{entries: [{requestHeaderValueMatch: {value: a}}]}]}}}",
        defaulted: Some((
            "/spec/rateLimitService/defaultGlobalRateLimitPolicy/descriptors/0/entries/0/requestHeaderValueMatch/expectMatch",
            "true",
        )),
        bad: "{envoy: {listener: {socketOptions: {tos: 256}}}}",
        named: "spec.envoy.listener.socketOptions.tos",
    },
    Sample {
        version: "v1alpha1",
        kind: "ContourDeployment",
        good: "{runtimeSettings: {globalExtAuth: {extensionRef: {name: a}, withRequestBody: {}}}}",
        defaulted: Some((
            "/spec/runtimeSettings/globalExtAuth/withRequestBody/maxRequestBytes",
            "1024",
        )),
        bad: "{contour: {replicas: -1}}",
        named: "spec.contour.replicas",
    },
];

impl Sample {
    /// Asks for an object to be made, but not to be kept: the server checks it and fills it in.
    async fn try_create(&self, client: &Client, spec: &str) -> Result<Value, kube::Error> {
        let kind = GroupVersionKind::gvk("projectcontour.io", self.version, self.kind);
        let resource = ApiResource::from_gvk(&kind);
        let api: Api<DynamicObject> = Api::default_namespaced_with(client.clone(), &resource);
        let spec: Value = serde_yaml_ng::from_str(spec).expect("YAML");
        let object = DynamicObject::new("a", &resource).data(json!({"spec": spec}));
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        let created = api.create(&parameters, &object).await?;
        Ok(serde_json::to_value(created).expect("JSON"))
    }
}

pub(crate) async fn an_object_of_each_kind_is_stored_with_its_defaults(shared: &Shared) {
    let client = shared.server().await.admin().client().await;
    for sample in &SAMPLES {
        let created = sample.try_create(&client, sample.good).await;
        let created = created.unwrap_or_else(|error| panic!("{}: {error}", sample.kind));
        if let Some((pointer, expect)) = sample.defaulted {
            let found = created.pointer(pointer).map(Value::to_string);
            assert_eq!(found.as_deref(), Some(expect), "{}: {created:#}", sample.kind);
        }
    }
}

pub(crate) async fn a_bad_object_of_each_kind_is_refused_with_the_field_named(shared: &Shared) {
    let client = shared.server().await.admin().client().await;
    for sample in &SAMPLES {
        match sample.try_create(&client, sample.bad).await {
            Err(kube::Error::Api(status)) => {
                assert_eq!(status.code, 422, "{}: {status}", sample.kind);
                assert!(status.message.contains(sample.named), "{}: {status}", sample.kind);
            }
            other => panic!("{}: {other:?}", sample.kind),
        }
    }
}

pub(crate) async fn a_status_is_written_apart_from_the_spec(shared: &Shared) {
    let server = shared.server().await;
    let manifest = "
apiVersion: projectcontour.io/v1
kind: HTTPProxy
metadata: {name: status-apart, namespace: default}
spec: {virtualhost: {fqdn: status.example.com}}
status: {currentStatus: valid}
";
    server.apply(manifest).await.expect("it is accepted");
    let proxies = Api::<HTTPProxy>::default_namespaced(server.admin().client().await);
    let created = proxies.get("status-apart").await.expect("it is there");
    let current = |proxy: &HTTPProxy| {
        serde_json::to_value(proxy).expect("JSON").pointer("/status/currentStatus").cloned()
    };
    assert_eq!(current(&created), Some(json!("NotReconciled")), "the default of the definition");
    let mut changed = serde_json::to_value(&created).expect("JSON");
    changed["status"]["currentStatus"] = json!("valid");
    changed["spec"]["virtualhost"]["fqdn"] = json!("other.example.com");
    let changed: HTTPProxy = serde_json::from_value(changed).expect("a proxy");
    let written = proxies.replace_status("status-apart", &PostParams::default(), &changed).await;
    let written = written.expect("it is accepted");
    assert_eq!(current(&written), Some(json!("valid")));
    assert_eq!(written.spec, created.spec);
    assert_eq!(written.metadata.generation, Some(1));
}
