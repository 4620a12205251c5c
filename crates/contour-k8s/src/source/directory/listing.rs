//! Which manifests lie below a directory.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The manifests below a directory at one moment. Two that are equal mean that nothing changed in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The files, by their path relative to the directory.
    pub(super) files: BTreeMap<PathBuf, Stamp>,
    /// What could not be looked into, and why. Below such a path, what is not listed is perhaps still there.
    pub(super) unreadable: BTreeMap<PathBuf, String>,
    /// Where a change of the above would show, by absolute path.
    pub(super) places: BTreeMap<PathBuf, Names>,
}

/// Which entries of a directory matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Names {
    All,
    Only(BTreeSet<OsString>),
}

/// What tells one version of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    file: Identity,
    size: u64,
    /// Seconds and nanoseconds of the last change of the content,
    modified: (i64, i64),
    /// and of the content or the metadata.
    changed: (i64, i64),
}

/// A file or directory, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    fn of(metadata: &Metadata) -> Identity {
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            file: Identity::of(metadata),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// How many bytes the file has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// The second of the last change, since 1970.
    pub(super) fn second(&self) -> i64 {
        self.modified.0.max(self.changed.0)
    }
}

impl Listing {
    /// Lists `*.yaml`, `*.yml` and `*.json` below `root`, which is absolute. Entries whose name begins with a dot are
    /// skipped; symbolic links are followed. That suits mounted ConfigMaps, whose visible names are links to `..data/…`.
    ///
    /// # Errors
    /// Why `root` itself cannot be listed.
    pub(super) fn of(root: &Path) -> io::Result<Listing> {
        let mut walk = Walk {
            listing: Listing::default(),
            entered: BTreeSet::new(),
            targets: BTreeMap::new(),
        };
        walk.directory(root, Path::new(""))?;
        Ok(walk.finish(root))
    }
}

struct Walk {
    listing: Listing,
    /// Each directory is entered once, by the first of its paths: links can form circles.
    entered: BTreeSet<Identity>,
    /// What links lead to, by directory.
    targets: BTreeMap<PathBuf, BTreeSet<OsString>>,
}

impl Walk {
    fn directory(&mut self, path: &Path, relative: &Path) -> io::Result<()> {
        if !self.entered.insert(Identity::of(&fs::metadata(path)?)) {
            return Ok(());
        }
        self.listing.places.insert(path.to_owned(), Names::All);
        let mut names = fs::read_dir(path)?
            .map(|entry| Ok(entry?.file_name()))
            .collect::<io::Result<Vec<OsString>>>()?;
        names.sort();
        for name in names.iter().filter(|name| !is_hidden(name)) {
            let (path, relative) = (path.join(name), relative.join(name));
            match self.entry(&path, &relative) {
                // Gone since the names were read, or a link to nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    self.listing.unreadable.insert(relative, error.to_string());
                }
                Ok(()) => {}
            }
        }
        Ok(())
    }

    fn entry(&mut self, path: &Path, relative: &Path) -> io::Result<()> {
        let own = fs::symlink_metadata(path)?;
        if !(own.is_dir() || own.is_symlink() || is_manifest(path)) {
            return Ok(());
        }
        let metadata = if own.is_symlink() { self.target(path)? } else { own };
        if metadata.is_dir() {
            return self.directory(path, relative);
        }
        // A pipe or socket has no content of its own, and opening it would wait for somebody to write.
        if metadata.is_file() && is_manifest(path) {
            self.listing.files.insert(relative.to_owned(), Stamp::of(&metadata));
        }
        Ok(())
    }

    /// Follows a link, and remembers what it leads to: a change there shows nowhere else.
    fn target(&mut self, link: &Path) -> io::Result<Metadata> {
        let target = fs::canonicalize(link)?;
        self.remember(&target);
        fs::metadata(target)
    }

    fn remember(&mut self, target: &Path) {
        if let (Some(parent), Some(name)) = (target.parent(), target.file_name()) {
            self.targets.entry(parent.to_owned()).or_default().insert(name.to_owned());
        }
    }

    fn finish(mut self, root: &Path) -> Listing {
        // Replacing the root shows in its parent.
        if let (Some(parent), Some(name)) = (root.parent(), root.file_name())
            && let Ok(parent) = fs::canonicalize(parent)
        {
            self.remember(&parent.join(name));
        }
        for (directory, names) in self.targets {
            // One that is listed under another path is watched as a whole.
            let listed = fs::metadata(&directory)
                .is_ok_and(|found| self.entered.contains(&Identity::of(&found)));
            if !listed {
                self.listing.places.insert(directory, Names::Only(names));
            }
        }
        self.listing
    }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml" || extension == "json")
}
