//! Arguments that stand in files: `@FILE` is each line of it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// How deep files may name files.
const DEPTH_LIMIT: usize = 8;

/// Why arguments cannot be had from a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read arguments from {} (@{}): {source}", path.display(), path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{} names itself, or files of arguments are nested deeper than {DEPTH_LIMIT}", path.display())]
    TooDeep { path: PathBuf },
}

/// The arguments with each `@FILE` before a `--` replaced by the lines of the file; empty lines, and those that begin with
/// `#`, are left out.
///
/// # Errors
/// The first file that cannot be read.
pub(super) fn expand(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Vec<OsString>, Error> {
    let mut expanded = Vec::new();
    let mut arguments = arguments.into_iter();
    expanded.extend(arguments.next()); // the program
    let mut literal = false;
    for argument in arguments {
        literal |= argument == "--";
        match file(&argument).filter(|_| !literal) {
            Some(path) => lines(path, 1, &mut expanded)?,
            None => expanded.push(argument),
        }
    }
    Ok(expanded)
}

fn file(argument: &OsStr) -> Option<&Path> {
    argument.to_str()?.strip_prefix('@').map(Path::new)
}

fn lines(path: &Path, depth: usize, expanded: &mut Vec<OsString>) -> Result<(), Error> {
    if depth > DEPTH_LIMIT {
        return Err(Error::TooDeep { path: path.to_owned() });
    }
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match file(line.as_ref()) {
            Some(path) => lines(path, depth + 1, expanded)?,
            None => expanded.push(line.into()),
        }
    }
    Ok(())
}
