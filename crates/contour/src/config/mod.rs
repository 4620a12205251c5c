//! The configuration of `contour serve`: what was given, by whom, and what it comes to.
//!
//! [`keys`] lists every setting. Flags and environment ([`given`]), the configuration file ([`mod@file`]) and a
//! `ContourConfiguration` ([`spec`]) all become [`Settings`]; [`resolve()`] puts them on top of each other and makes of
//! them what the core, the edges and features are told. It is pure: [`watch()`] does it again when the file changes.

pub mod key;
pub mod keys;

pub mod settings;

pub mod file;
pub mod given;
pub mod spec;

pub mod problem;

mod asked;

mod builder;
pub mod edges;
mod envoy;
pub mod features;

mod watch;

use std::sync::Arc;

use contour_api::v1alpha1::ContourConfigurationSpec;

use self::asked::Asked;
pub use self::asked::ObjectName;
pub use self::edges::{Edges, unreloadable};
pub use self::features::Features;
use self::key::{Key, Precedence};
pub use self::problem::{Problem, Problems};
use self::settings::Origin;
pub use self::settings::{Environment, Mode, Settings};
pub use self::watch::{Unwatchable, watch};

/// What the process goes by, beside flags and environment.
#[derive(Clone, Copy, Debug)]
pub enum Base<'a> {
    /// Nothing.
    Nothing,
    /// A configuration file, read.
    File(&'a Settings),
    /// A `ContourConfiguration`. What it can say, flags and environment cannot.
    Spec {
        /// `namespace/name`, for messages.
        name: &'a str,
        /// What it says.
        spec: &'a ContourConfigurationSpec,
    },
}

/// What a configuration comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// What of it shapes the graph.
    pub builder: Arc<contour_builder::Config>,
    /// What of it shapes Envoy's resources.
    pub envoy: Arc<contour_envoy::Config>,
    /// What of it does not change without a restart.
    pub edges: Edges,
    /// What of it is for features that are not built yet.
    pub features: Arc<Features>,
    /// What was given without effect, in words: for the log.
    pub notes: Vec<String>,
    settings: Settings,
    mode: Mode,
}

/// One setting, as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its key in the configuration file, its field in a `ContourConfiguration`, or its flag.
    pub key: String,
    /// What it is; empty if it is not set.
    pub value: String,
    /// Who says so: `default`, `--xds-port`, `environment HOME`, `contour.yaml:3:7`, `ContourConfiguration a/b`.
    pub origin: String,
}

/// Puts what was given in order: defaults, environment, then file and flags, or `ContourConfiguration` and those flags
/// that it has no field for. `given` is what flags say.
///
/// # Errors
/// All that is wrong with it.
pub fn resolve(
    given: &Settings,
    base: Base<'_>,
    environment: &Environment,
) -> Result<Resolved, Problems> {
    let mode = if matches!(base, Base::Spec { .. }) { Mode::Spec } else { Mode::File };
    let mut settings = Settings::defaults(mode);
    settings.overlay(&Settings::of_environment(environment, mode));
    let mut notes = Vec::new();
    match base {
        Base::Nothing => settings.overlay(given),
        Base::File(file) => {
            settings.overlay(file);
            settings.overlay(given);
            settings.overlay(&file.without(|key| key.precedence == Precedence::Flag));
        }
        Base::Spec { name, spec } => {
            settings.overlay(&spec::read(name, spec)?);
            settings.overlay(&given.without(|key| key.spec.is_some()));
            notes.extend(ignored(given, name));
        }
    }
    if settings.get(&keys::FEATURE_FLAGS).is_some() {
        notes.push("feature flags have no effect".to_owned());
    }
    let mut asked = Asked::new(&settings);
    let builder = builder::config(&mut asked);
    let envoy = envoy::config(&mut asked);
    let edges = edges::edges(&mut asked);
    let features = features::features(&mut asked, mode);
    let problems = asked.problems;
    let resolved = Resolved {
        builder: Arc::new(builder),
        envoy: Arc::new(envoy),
        edges,
        features: Arc::new(features),
        notes,
        settings,
        mode,
    };
    Problems::check(problems, resolved)
}

/// Flags that say what only the `ContourConfiguration` can.
fn ignored(given: &Settings, name: &str) -> Option<String> {
    let muted = keys::all().filter(|key| key.spec.is_some() && given.get(key).is_some());
    let mut flags: Vec<String> =
        muted.filter_map(|key| key.flag).map(|flag| format!("--{}", flag.name)).collect();
    flags.sort();
    flags.dedup();
    (!flags.is_empty())
        .then(|| format!("ContourConfiguration {name} counts instead of {}", flags.join(", ")))
}

impl Resolved {
    /// Every setting, what it is, and who says so.
    pub fn explain(&self) -> Vec<Explained> {
        keys::all().map(|key| self.explain_one(key)).collect()
    }

    fn explain_one(&self, key: &Key) -> Explained {
        let setting = self.settings.get(key);
        let file = key.file.map(str::to_owned);
        let spec = key.spec.map(|path| format!("spec.{path}"));
        let flag = key.flag.map(|flag| format!("--{}", flag.name));
        let name = match self.mode {
            Mode::File => file.or(flag),
            Mode::Spec => spec.or(file).or(flag),
        };
        Explained {
            key: name.unwrap_or_else(|| key.id().to_owned()),
            value: setting.map(|setting| setting.value.to_string()).unwrap_or_default(),
            origin: setting.map_or(&Origin::Default, |setting| &setting.origin).to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
