//! Writes the definitions of our own kinds into a directory, one file each, named after the plural.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use contour_api::crd;

fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let (Some(directory), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: crds DIRECTORY");
        return ExitCode::FAILURE;
    };
    let directory = PathBuf::from(directory);
    for definition in crd::all() {
        let path = directory.join(format!("{}.yaml", definition.spec.names.plural));
        if let Err(error) = fs::write(&path, crd::manifest(&definition)) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
