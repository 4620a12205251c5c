//! What Envoy makes of the configuration that it starts with.

use std::num::{NonZeroI64, NonZeroU64};
use std::path::{Path, PathBuf};

use contour_envoy::bootstrap::{Bootstrap, Host, Overload, Reading, Tls, json};
use contour_envoy::config::DnsLookupFamily;
use contour_xds::resource::Dialect;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::process::Command;

/// How many Envoys look at files at the same time.
const AT_A_TIME: usize = 2;

pub(crate) async fn every_combination_of_settings_is_accepted(binary: PathBuf) {
    let scratch = tempfile::tempdir().expect("a directory");
    let combinations = combinations(scratch.path());
    let checks = combinations.iter().enumerate().map(|(number, bootstrap)| {
        let file = scratch.path().join(format!("{number}.json"));
        std::fs::write(&file, json(bootstrap)).expect("a file");
        validate(&binary, file, bootstrap)
    });
    let complaints: Vec<String> = stream::iter(checks)
        .buffer_unordered(AT_A_TIME)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    println!("{} combinations", combinations.len());
}

fn combinations(directory: &Path) -> Vec<Bootstrap> {
    let mut all = Vec::new();
    for dialect in Dialect::ALL {
        for tls in tls(directory) {
            for overload in overloads() {
                for (host, dns_lookup_family) in hosts() {
                    all.push(Bootstrap {
                        dialect,
                        xds_host: Host::parse(host).expect("not empty"),
                        dns_lookup_family,
                        tls: tls.clone(),
                        overload,
                        node_id: Some("test".to_owned()),
                        node_cluster: Some("test".to_owned()),
                        ..Bootstrap::default()
                    });
                }
            }
        }
    }
    all
}

fn hosts() -> Vec<(&'static str, DnsLookupFamily)> {
    use DnsLookupFamily::{All, Auto, V4Only, V6Only};
    let families = [Auto, V4Only, V6Only, All];
    let named = families.into_iter().map(|family| ("contour", family));
    [("127.0.0.1", Auto), ("::1", Auto), ("::", Auto)].into_iter().chain(named).collect()
}

fn overloads() -> [Overload; 4] {
    let (max_heap, max_connections) = (NonZeroU64::new(2_000_000_000), NonZeroI64::new(50_000));
    [
        Overload::default(),
        Overload { max_heap, max_connections: None },
        Overload { max_heap: None, max_connections },
        Overload { max_heap, max_connections },
    ]
}

/// Without TLS, and with it in both forms. The files are there.
fn tls(directory: &Path) -> [Option<Tls>; 3] {
    let made = rcgen::generate_simple_self_signed(["contour".to_owned()]).expect("a name");
    let put = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("text").to_owned()
    };
    let cert_file = put("tls.crt", &made.cert.pem());
    let key_file = put("tls.key", &made.signing_key.serialize_pem());
    let form = |reading| Tls {
        ca_file: cert_file.clone(),
        cert_file: cert_file.clone(),
        key_file: key_file.clone(),
        reading,
    };
    let resources = directory.to_str().expect("text").to_owned();
    let watched = form(Reading::WhenChanged(resources));
    for file in watched.resource_files() {
        put(file.path, &file.text);
    }
    [None, Some(form(Reading::AtStart)), Some(watched)]
}

/// What Envoy has to say against a configuration.
async fn validate(binary: &Path, file: PathBuf, bootstrap: &Bootstrap) -> Option<String> {
    let output = Command::new(binary)
        .args(["--mode", "validate", "--log-level", "error", "--config-path"])
        .arg(&file)
        .output()
        .await
        .expect("Envoy starts");
    let words = String::from_utf8_lossy(&output.stderr);
    (!output.status.success()).then(|| format!("{bootstrap:?}: {words}"))
}
