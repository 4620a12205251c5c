//! A Secret as a kubelet brings it to a pod.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use tempfile::TempDir;
use tokio::time::{interval, sleep};

/// How often it is looked for changes.
const LOOK: Duration = Duration::from_millis(100);

/// A directory in which each file is a link through `..data`, which is swapped.
#[derive(Debug)]
pub struct Volume {
    directory: TempDir,
}

impl Volume {
    /// An empty one.
    #[expect(clippy::new_without_default, reason = "it makes a directory")]
    pub fn new() -> Volume {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["ca.crt", "tls.crt", "tls.key"] {
            symlink(format!("..data/{name}"), directory.path().join(name)).expect("a link");
        }
        Volume { directory }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Whether something was brought.
    pub fn is_filled(&self) -> bool {
        self.path().join("tls.crt").exists()
    }

    /// The directory that the links lead to now: whatever happens, all files in it are of one moment.
    pub fn now(&self) -> PathBuf {
        self.path().join(fs::read_link(self.path().join("..data")).expect("a link"))
    }

    fn swap(&self, secret: &Secret) {
        let version = secret.metadata.resource_version.as_deref().expect("a version");
        let name = format!("..{version}");
        let new = self.path().join(&name);
        fs::create_dir(&new).expect("a directory");
        for (key, content) in secret.data.iter().flatten() {
            fs::write(new.join(key), &content.0).expect("a file");
        }
        let link = self.path().join("..data_tmp");
        symlink(name, &link).expect("a link");
        fs::rename(&link, self.path().join("..data")).expect("a rename");
    }

    /// Brings what a Secret says, each time a little later, up to `lag`. Never ends.
    pub async fn follow(&self, secrets: &Api<Secret>, name: &str, lag: Duration) {
        let mut ticks = interval(LOOK);
        let mut version = None;
        loop {
            ticks.tick().await;
            let Ok(Some(secret)) = secrets.get_opt(name).await else { continue };
            if secret.metadata.resource_version == version {
                continue;
            }
            version.clone_from(&secret.metadata.resource_version);
            sleep(lag.mul_f64(
                f64::from(u8::try_from(version_number(&secret) % 100).unwrap_or(0)) / 100.0,
            ))
            .await;
            self.swap(&secret);
        }
    }
}

/// A number that differs from change to change.
fn version_number(secret: &Secret) -> u64 {
    let version = secret.metadata.resource_version.as_deref();
    version.and_then(|version| version.parse().ok()).unwrap_or(0)
}
