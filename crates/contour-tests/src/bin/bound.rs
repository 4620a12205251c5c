//! Becomes a program that is killed when the test that started it is gone: `bound exec-bound PARENT PROGRAM …`.
//!
//! `contour` can do the same for its Envoy; its executable is not built along with the tests of this package, but
//! this one is.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use contour::envoy::bound;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let [_, subcommand, parent, program, arguments @ ..] = words.as_slice() else {
        eprintln!("usage: bound {} PARENT PROGRAM [ARGUMENT …]", bound::SUBCOMMAND);
        return ExitCode::FAILURE;
    };
    let parent = parent.to_str().and_then(|parent| parent.parse().ok());
    let (true, Some(parent)) = (*subcommand == *bound::SUBCOMMAND, parent) else {
        eprintln!("{} PARENT is needed, with a process ID", bound::SUBCOMMAND);
        return ExitCode::FAILURE;
    };
    let program = Path::new(program);
    eprintln!("{}: {}", program.display(), bound::exec(parent, program, arguments));
    ExitCode::FAILURE
}
