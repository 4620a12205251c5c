//! A `ContourConfiguration` in the place of a file.

use std::net::SocketAddr;

use contour_tests::api_server::trials::Shared;
use contour_tests::api_server::{ApiServer, NAMESPACE};
use contour_tests::program::Program;
use contour_tests::proxy::{Ports, until};
use serde_json::Value;

use super::program::contour;
use super::running::Running;

fn configuration(http: SocketAddr, timeout: &str) -> String {
    let (address, port) = (http.ip(), http.port());
    format!(
        "apiVersion: projectcontour.io/v1alpha1
kind: ContourConfiguration
metadata: {{name: edge, namespace: {NAMESPACE}}}
spec:
  xdsServer: {{address: 127.0.0.1, port: 0, tls: {{insecure: true}}}}
  debug: {{address: 127.0.0.1, port: 0}}
  health: {{address: {address}, port: {port}}}
  metrics: {{address: {address}, port: {port}}}
  envoy: {{timeouts: {{requestTimeout: {timeout}}}}}
"
    )
}

/// The value of a setting, and where it comes from.
async fn setting(contour: &Running, key: &str) -> Option<(String, String)> {
    let (_, text) = contour.debug("/debug/config").await?;
    let page: Value = serde_json::from_str(&text).expect("JSON");
    let row = page.as_array()?.iter().find(|row| row["key"] == key)?;
    let text = |name: &str| row[name].as_str().map_or_else(|| row[name].to_string(), str::to_owned);
    Some((text("value"), text("origin")))
}

pub(super) async fn it_is_read_waited_for_and_followed(_: &Shared) {
    let mut server = ApiServer::start().await;
    server.install_crds().await;
    let account = server.contour_account().await;
    let http = Ports::free().stats;
    server.apply(&configuration(http, "30s")).await.expect("it is good");
    server.kill_api_server();
    let mut command = contour(["serve", "--contour-config-name=edge"]);
    // They count until it is known what does.
    command.args(["--health-address=127.0.0.1", "--health-port=0"]);
    command.arg("--kubeconfig").arg(&account.kubeconfig);
    command.arg("--leader-election-resource-name=configured");
    let program = Program::start(command);
    program.says("started HTTP server context=healthsvc", 1);
    server.restart_api_server().await;
    let contour = Running::of(program);
    contour.xds();
    let (value, origin) =
        setting(&contour, "spec.envoy.timeouts.requestTimeout").await.expect("a setting");
    assert!(value.contains("30s"), "{value}");
    assert!(origin.contains("edge"), "{origin}");

    server.apply(&configuration(http, "40s")).await.expect("it is good");
    contour.program.says("the configuration was read again", 1);
    until("it is shown", async || {
        let setting = setting(&contour, "spec.envoy.timeouts.requestTimeout").await;
        setting.is_some_and(|(value, _)| value.contains("40s"))
    })
    .await;
    let applied = "contour_config_reload_total{result=\"success\"}";
    assert_eq!(contour.metric(applied).await, Some(1));

    // The schema knows no durations.
    server.apply(&configuration(http, "soon")).await.expect("the schema takes it");
    contour.program.says("the configuration is not valid; the one before stays in effect", 1);
    let refused = "contour_config_reload_total{result=\"failure\"}";
    until("it is counted", async || contour.metric(refused).await == Some(1)).await;
    let (value, _) =
        setting(&contour, "spec.envoy.timeouts.requestTimeout").await.expect("a setting");
    assert!(value.contains("40s"), "{value}");
}
