//! `contour version`: what this program was built from.

use std::io;
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;

use super::output::print;
use crate::serve::metrics::Build;

/// Prints what this program was built from.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// How it is printed.
    #[arg(long, short, value_enum, value_name = "FORM", default_value_t)]
    output: Form,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Form {
    #[default]
    Yaml,
    Json,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, io::Error> {
    print(&text(args.output, Build::THIS))?;
    Ok(ExitCode::SUCCESS)
}

fn text(form: Form, Build { branch, revision, version }: Build) -> String {
    match form {
        Form::Yaml => format!("branch: {branch}\nsha: {revision}\nversion: {version}\n"),
        Form::Json => {
            format!("{:#}\n", json!({ "branch": branch, "sha": revision, "version": version }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILD: Build = Build { branch: "main", revision: "5a7f3c1", version: "1.2.3" };

    #[test]
    fn it_is_the_same_in_both_forms() {
        let yaml: serde_json::Value =
            serde_yaml_ng::from_str(&text(Form::Yaml, BUILD)).expect("YAML");
        let json: serde_json::Value = serde_json::from_str(&text(Form::Json, BUILD)).expect("JSON");
        assert_eq!(yaml, json);
        assert_eq!(yaml["version"], "1.2.3");
    }
}
