//! `contour certgen`: makes the certificates by which Contour and Envoys know each other.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use contour_k8s::client::{self, Access};
use contour_k8s::secret::{self, Secret, Secrets};

use super::output::print;
use crate::certificates::secrets::{Format, Names, files, secrets};
use crate::certificates::{self, Bundle, InvalidName, KeyType, Namespace, Request, issue};
use crate::private;

/// How long certificates are valid if nobody says.
const LIFETIME_DAYS: u32 = 365;

const DAY: Duration = Duration::from_hours(24);

/// Makes the certificates by which Contour and Envoys know each other.
///
/// They are those of a new authority, whose key is not kept, and one for each side. Where they are put is said by --pem,
/// --yaml and --kube, one or several of them; without any, nothing happens.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
pub(super) struct Args {
    /// The directory of the files that are written. Made if need be.
    #[arg(default_value = "certs")]
    outputdir: PathBuf,

    /// How many days certificates are valid; 0: 365.
    #[arg(long, value_name = "DAYS", default_value = "365", value_parser = clap::value_parser!(u32).range(0..=365_000))]
    certificate_lifetime: u32,

    /// Whether the API server is found as in a pod of the cluster.
    #[arg(long)]
    incluster: bool,

    /// What keys are made of.
    #[arg(long, value_enum, default_value_t)]
    key_type: KeyType,

    /// The file that says where the API server is, outside of the cluster. [default: $HOME/.kube/config]
    #[arg(long, value_name = "PATH")]
    kubeconfig: Option<PathBuf>,

    /// Where Contour and Envoy run: the namespace of the Secrets, and a part of the names in certificates.
    #[arg(long, default_value = "projectcontour", env = "CONTOUR_NAMESPACE")]
    namespace: String,

    /// Replace the files and Secrets that are there.
    #[arg(long)]
    overwrite: bool,

    /// How certificates are spread over Secrets: `compact` is what `contour serve` and the manifests expect.
    #[arg(long, value_enum, default_value_t)]
    secrets_format: Format,

    /// What is added to the names of Secrets.
    #[arg(long, value_name = "SUFFIX", default_value = "", hide_default_value = true)]
    secrets_name_suffix: String,

    #[command(flatten)]
    targets: Targets,
}

/// Where certificates are put.
#[derive(Clone, Copy, Debug, clap::Args)]
struct Targets {
    /// Write Secrets to the API server.
    #[arg(long)]
    kube: bool,

    /// Write certificates and keys as PEM files.
    #[arg(long)]
    pem: bool,

    /// Write Secrets as YAML files.
    #[arg(long)]
    yaml: bool,
}

/// Why certificates are not where they should be.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Generate(#[from] certificates::Error),
    #[error("{} there already, and nothing was written; --overwrite replaces what is there", listed(.0))]
    FilesExist(Vec<String>),
    #[error(transparent)]
    Write(#[from] private::Error),
    #[error("cannot write to standard output: {0}")]
    Print(#[from] io::Error),
    #[error(transparent)]
    Client(#[from] client::Error),
    #[error("secret/{name} is not written: {source}{}", unfinished(.written))]
    Secret { name: String, written: Vec<String>, source: secret::Error },
    #[error(
        "secret/{name} has another type than {type_}, which cannot be changed, and it cannot be deleted ({source}); delete it, and run this again"
    )]
    OtherType { name: String, type_: String, source: secret::Error },
    #[error(
        "{} there already and others of the set are not, and nothing was written: certificates of two authorities do not go together; --overwrite replaces all of them",
        listed(.0)
    )]
    SomeExist(Vec<String>),
}

fn listed(names: &[String]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", names.join(", "))
}

/// What to do about a set of which these are written.
fn unfinished(written: &[String]) -> String {
    if written.is_empty() {
        return String::new();
    }
    let written = listed(written);
    format!(
        "; {written} written, and certificates of two authorities do not go together: run this again with --overwrite"
    )
}

/// A file that is to be written.
struct File {
    path: PathBuf,
    text: String,
}

pub(super) async fn run(args: Args) -> Result<ExitCode, Error> {
    let Targets { kube, pem, yaml } = args.targets;
    if !(kube || pem || yaml) {
        return Ok(ExitCode::SUCCESS);
    }
    let namespace = match args.namespace.as_str() {
        "" => "projectcontour", // a variable that is empty is as good as none
        namespace => namespace,
    };
    let names = Names::new(Namespace::new(namespace)?, &args.secrets_name_suffix)?;
    // Before anything is written: what is said of the cluster may be wrong.
    let target = if kube { Some(target(&args, names.namespace()).await?) } else { None };
    let days =
        if args.certificate_lifetime == 0 { LIFETIME_DAYS } else { args.certificate_lifetime };
    let bundle = issue(&Request {
        namespace: names.namespace(),
        lifetime: DAY * days,
        key_type: args.key_type,
        now: SystemTime::now(),
    })?;
    let made = secrets(&bundle, args.secrets_format, &names);
    write_files(&args, &bundle, &made)?;
    if let Some(target) = target {
        let format = args.secrets_format.as_str();
        say(&format!("Writing \"{format}\" format Secrets to namespace \"{namespace}\""))?;
        if args.overwrite {
            replace(&target, &made).await?;
        } else {
            create(&target, &made).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Where Secrets go.
async fn target(args: &Args, namespace: &Namespace) -> Result<Secrets, Error> {
    let kubeconfig = args.kubeconfig.clone().or_else(|| {
        let home = std::env::var_os("HOME").filter(|home| !home.is_empty())?;
        Some(Path::new(&home).join(".kube/config"))
    });
    let access = Access::new(args.incluster, &kubeconfig.unwrap_or_default());
    let client = client::connect(&client::Settings::new(access), |_| {}).await?;
    Ok(Secrets::new(&client, namespace.as_str()))
}

fn write_files(args: &Args, bundle: &Bundle, made: &[Secret]) -> Result<(), Error> {
    let directory = &args.outputdir;
    let file = |name: &str, text: String| File { path: directory.join(name), text };
    let pem: Vec<File> =
        files(bundle).into_iter().map(|(name, text)| file(name, text.to_owned())).collect();
    let yaml: Vec<File> = made
        .iter()
        .map(|secret| file(&format!("{}.yaml", secret.name()), secret.manifest()))
        .collect();
    let (shown, format) = (directory.display(), args.secrets_format.as_str());
    let pem =
        args.targets.pem.then(|| (format!("Writing certificates to PEM files in {shown}/"), pem));
    let words = format!("Writing \"{format}\" format Secrets to YAML files in {shown}/");
    let yaml = args.targets.yaml.then_some((words, yaml));
    let sets: Vec<(String, Vec<File>)> = pem.into_iter().chain(yaml).collect();
    if !args.overwrite {
        let files = sets.iter().flat_map(|(_, files)| files);
        let there = files.filter(|file| fs::symlink_metadata(&file.path).is_ok());
        let there: Vec<String> = there.map(|file| file.path.display().to_string()).collect();
        if !there.is_empty() {
            return Err(Error::FilesExist(there));
        }
    }
    for (words, files) in sets {
        say(&words)?;
        private::create_directory(directory)?;
        for File { path, text } in files {
            if args.overwrite {
                private::write(&path, &text)?;
            } else {
                private::write_new(&path, &text)?;
            }
            say(&format!("{} created", path.display()))?;
        }
    }
    Ok(())
}

/// Makes Secrets: all, or none if any is there.
async fn create(target: &Secrets, made: &[Secret]) -> Result<(), Error> {
    let mut there = Vec::new();
    for secret in made {
        match target.could_create(secret).await {
            Ok(()) => {}
            Err(secret::Error::Exists) => there.push(format!("secret/{}", secret.name())),
            Err(source) => return Err(failed(secret, Vec::new(), source)),
        }
    }
    if there.len() == made.len() {
        return there.iter().try_for_each(|name| say(&format!("{name} already exists")));
    }
    if !there.is_empty() {
        return Err(Error::SomeExist(there));
    }
    let mut written = Vec::new();
    for secret in made {
        if let Err(source) = target.create(secret).await {
            return Err(failed(secret, written, source));
        }
        say(&format!("secret/{} created", secret.name()))?;
        written.push(format!("secret/{}", secret.name()));
    }
    Ok(())
}

/// Makes Secrets, in the place of those that are there.
async fn replace(target: &Secrets, made: &[Secret]) -> Result<(), Error> {
    let mut written = Vec::new();
    for secret in made {
        let what = match make_or_replace(target, secret).await {
            Ok(what) => what,
            Err(secret::Error::OtherType) => {
                delete(target, secret).await?;
                if let Err(source) = target.create(secret).await {
                    return Err(failed(secret, written, source));
                }
                "deleted and created, since it had another type"
            }
            Err(source) => return Err(failed(secret, written, source)),
        };
        say(&format!("secret/{} {what}", secret.name()))?;
        written.push(format!("secret/{}", secret.name()));
    }
    Ok(())
}

async fn make_or_replace(target: &Secrets, secret: &Secret) -> Result<&'static str, secret::Error> {
    match target.create(secret).await {
        Ok(()) => Ok("created"),
        Err(secret::Error::Exists) => target.replace(secret).await.map(|()| "updated"),
        Err(error) => Err(error),
    }
}

/// Deletes the one of the same name, which has another type.
async fn delete(target: &Secrets, secret: &Secret) -> Result<(), Error> {
    let (name, type_) = (secret.name().to_owned(), secret.type_().to_owned());
    let deleted = target.delete(secret.name()).await;
    deleted.map_err(|source| Error::OtherType { name, type_, source })
}

fn failed(secret: &Secret, written: Vec<String>, source: secret::Error) -> Error {
    Error::Secret { name: secret.name().to_owned(), written, source }
}

fn say(line: &str) -> Result<(), Error> {
    Ok(print(&format!("{line}\n"))?)
}
