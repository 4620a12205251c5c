//! From what is given to what it comes to.

mod files;
mod precedence;
mod reload;
mod sense;

use contour_api::v1alpha1::ContourConfigurationSpec;

use super::{Base, Environment, Problems, Resolved, Settings, file, resolve};

/// What a configuration file comes to.
fn resolved(text: &str) -> Result<Resolved, Problems> {
    with_flags(text, &[])
}

/// The same with flags.
fn with_flags(text: &str, flags: &[&str]) -> Result<Resolved, Problems> {
    let settings = file::parse("c.yaml", text)?;
    resolve(&given(flags), Base::File(&settings), &Environment::default())
}

/// What a `ContourConfiguration` comes to.
fn of_spec(spec: &str, flags: &[&str], environment: &Environment) -> Result<Resolved, Problems> {
    let spec: ContourConfigurationSpec = serde_json::from_str(spec).expect("a spec");
    resolve(&given(flags), Base::Spec { name: "n/c", spec: &spec }, environment)
}

fn given(flags: &[&str]) -> Settings {
    crate::cli::settings(flags.iter().copied()).expect("flags")
}

/// Checks all that is wrong with a configuration file, a line each.
#[track_caller]
fn check_problems(text: &str, expect: &[&str]) {
    let problems = resolved(text).expect_err("something is wrong").to_string();
    assert_eq!(problems.lines().collect::<Vec<_>>(), expect);
}
