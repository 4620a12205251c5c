//! `contour`: see `contour help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    contour::cli::main()
}
