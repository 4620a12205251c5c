//! Files that only their owner may read.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::Builder;

/// What owners may do with files, and with directories.
const FILE: u32 = 0o600;
const DIRECTORY: u32 = 0o700;

/// Why a file is not there, or not as it should be. What was there before still is.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The directory cannot be made.
    #[error("cannot create the directory {}: {source}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// Writes a file, in the place of any that is there: whoever reads it finds all of it, the old or the new.
///
/// # Errors
/// [`Error::Write`].
pub fn write(path: &Path, text: &str) -> Result<(), Error> {
    put(path, text, Existing::Replace)
}

/// Writes a file that is not there yet.
///
/// # Errors
/// [`Error::Write`], also if it is there.
pub fn write_new(path: &Path, text: &str) -> Result<(), Error> {
    put(path, text, Existing::Keep)
}

#[derive(Clone, Copy)]
enum Existing {
    Replace,
    Keep,
}

fn put(path: &Path, text: &str, existing: Existing) -> Result<(), Error> {
    let failed = |source| Error::Write { path: path.to_owned(), source };
    // A name without a directory is in this one.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    // What is wrong with it is told better here than by the name of a temporary file.
    directory.metadata().map_err(failed)?;
    // Renaming would put a file in the place of a device, or of a link to one.
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(failed(io::Error::other("it is there, and no regular file")));
    }
    let permissions = Permissions::from_mode(FILE);
    let mut file =
        Builder::new().permissions(permissions).tempfile_in(directory).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    let persisted = match existing {
        Existing::Replace => file.persist(path),
        Existing::Keep => file.persist_noclobber(path),
    };
    persisted.map_err(|error| failed(error.error))?;
    Ok(())
}

/// Makes a directory and those above it, if they are not there.
///
/// # Errors
/// [`Error::Directory`].
pub fn create_directory(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(DIRECTORY).create(path);
    made.map_err(|source| Error::Directory { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn only_the_owner_may_read_what_is_written() {
        let scratch = tempfile::tempdir().expect("a directory");
        let directory = scratch.path().join("a/b");
        create_directory(&directory).expect("it can be made");
        create_directory(&directory).expect("it is there");
        assert_eq!(mode(&directory), 0o700);
        let file = directory.join("file");
        write(&file, "one").expect("it can be written");
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn a_file_that_others_could_read_is_replaced_by_one_that_they_cannot() {
        let scratch = tempfile::tempdir().expect("a directory");
        let file = scratch.path().join("file");
        std::fs::write(&file, "one").expect("it can be written");
        std::fs::set_permissions(&file, Permissions::from_mode(0o666)).expect("it is ours");
        write(&file, "two").expect("it can be written");
        assert_eq!(
            (mode(&file), std::fs::read_to_string(&file).expect("text")),
            (0o600, "two".to_owned())
        );
    }

    #[test]
    fn a_file_that_is_there_is_kept() {
        let scratch = tempfile::tempdir().expect("a directory");
        let file = scratch.path().join("file");
        write_new(&file, "one").expect("it can be written");
        let error = write_new(&file, "two").expect_err("it is there").to_string();
        assert!(error.starts_with("cannot write ") && error.contains("exists"), "{error}");
        assert_eq!(std::fs::read_to_string(&file).expect("text"), "one");
        assert_eq!(
            std::fs::read_dir(scratch.path()).expect("entries").count(),
            1,
            "nothing is left"
        );
    }

    #[test]
    fn what_is_no_regular_file_is_not_replaced() {
        let scratch = tempfile::tempdir().expect("a directory");
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).expect("it can be made");
        let error = write(&link, "one").expect_err("it is a link").to_string();
        assert!(error.ends_with("it is there, and no regular file"), "{error}");
        assert!(link.is_symlink());
    }

    #[test]
    fn a_file_in_no_directory_names_itself() {
        let error = write(Path::new("no/such/file"), "").expect_err("nowhere").to_string();
        assert!(error.starts_with("cannot write no/such/file: "), "{error}");
    }
}
