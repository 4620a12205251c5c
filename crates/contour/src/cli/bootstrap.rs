//! `contour bootstrap`: writes the configuration that an Envoy starts with.

use std::net::IpAddr;
use std::num::{NonZeroI64, NonZeroU16, NonZeroU64};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use contour_envoy::bootstrap::{Bootstrap, Host, Overload, Reading, SocketPath, Tls, json};
use contour_envoy::config::DnsLookupFamily;
use contour_xds::resource::Dialect;

use super::output::print;
use crate::private::{self, write};

/// Writes the configuration that an Envoy starts with.
///
/// Which Envoy it is the file leaves open: `envoy --config-path FILE --service-node NAME --service-cluster NAME`.
#[derive(Debug, clap::Args)]
#[command(next_display_order = None)]
pub(super) struct Args {
    /// The file to write; `-` is standard output.
    path: PathBuf,

    /// Where Contour serves xDS: an address or a name; none: 127.0.0.1.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST")]
    xds_address: String,

    /// On which port Contour serves xDS; 0: 8001.
    #[arg(long, default_value = "8001", value_name = "PORT")]
    xds_port: u16,

    /// How xDS is spoken: `aggregated` is one incremental stream; `separate` is upstream's form, a stream for each type
    /// and resource.
    #[arg(long, value_enum, default_value_t)]
    xds_protocol: Protocol,

    /// The version of xDS; there is one.
    #[arg(long, default_value = "v3", value_name = "VERSION", value_parser = ["v3"])]
    xds_resource_version: String,

    /// Which addresses of Contour's name are used.
    #[arg(long, value_parser = family, default_value = "auto", value_name = "auto|v4|v6|all")]
    dns_lookup_family: Family,

    /// The unix socket of Envoy's admin interface.
    #[arg(long, default_value = "/admin/admin.sock", value_name = "PATH")]
    admin_address: String,

    /// A number that appears in the name of the cluster `envoy-admin` in statistics; nothing listens on it. 0: 9001.
    #[arg(long, default_value = "9001", value_name = "PORT")]
    admin_port: u16,

    /// A name that appears in the names of clusters in statistics.
    #[arg(long, default_value = "projectcontour", env = "CONTOUR_NAMESPACE")]
    namespace: String,

    /// What Contour's certificate must be signed by. With the other two files, xDS is encrypted.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENVOY_CAFILE",
        default_value = "",
        hide_default_value = true
    )]
    envoy_cafile: String,

    /// The certificate that Envoy shows to Contour.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENVOY_CERT_FILE",
        default_value = "",
        hide_default_value = true
    )]
    envoy_cert_file: String,

    /// The key of that certificate.
    #[arg(
        long,
        value_name = "FILE",
        env = "ENVOY_KEY_FILE",
        default_value = "",
        hide_default_value = true
    )]
    envoy_key_file: String,

    /// A directory for files by which Envoy notices new certificates; without it, it reads them once. Made if need be.
    #[arg(long, value_name = "DIRECTORY", default_value = "", hide_default_value = true)]
    resources_dir: String,

    /// How many bytes Envoy's heap may have before it refuses requests; 0: any number.
    #[arg(long, value_name = "BYTES", default_value = "0")]
    overload_max_heap: u64,

    /// How many connections Envoy's clients may have open; 0: any number.
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = clap::value_parser!(i64).range(0..))]
    overload_downstream_max_conn: i64,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Protocol {
    #[default]
    Aggregated,
    Separate,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Family {
    #[default]
    Auto,
    V4,
    V6,
    All,
}

/// The word of a family. An empty one, as upstream's default is written, is `auto`.
fn family(word: &str) -> Result<Family, String> {
    if word.is_empty() {
        return Ok(Family::Auto);
    }
    Family::from_str(word, false).map_err(|_| "give auto, v4, v6 or all".to_owned())
}

/// Why no bootstrap configuration was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(
        "--admin-address {0:?} cannot be the path of a unix socket: give a path of 1 to 107 bytes, no address"
    )]
    Socket(String),
    #[error(
        "{missing} not given: TLS needs --envoy-cafile, --envoy-cert-file and --envoy-key-file; without any of them xDS is plain text"
    )]
    HalfTls { missing: String },
    #[error("cannot read {path} ({flag}): {source}")]
    Unreadable { flag: &'static str, path: String, source: std::io::Error },
    #[error("{path} ({flag}) is empty")]
    Empty { flag: &'static str, path: String },
    #[error(transparent)]
    Write(#[from] private::Error),
    #[error("cannot write to standard output: {0}")]
    Print(#[source] std::io::Error),
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Error> {
    let bootstrap = bootstrap(args)?;
    let text = json(&bootstrap);
    if let Some(tls) = &bootstrap.tls {
        // Before the file that refers to them.
        for file in tls.resource_files() {
            let path = Path::new(&args.resources_dir).join(file.path);
            if let Some(directory) = path.parent() {
                private::create_directory(directory)?;
            }
            write(&path, &file.text)?;
        }
    }
    if args.path == Path::new("-") {
        print(&text).map_err(Error::Print)?;
    } else {
        write(&args.path, &text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn bootstrap(args: &Args) -> Result<Bootstrap, Error> {
    let default = Bootstrap::default();
    Ok(Bootstrap {
        dialect: match args.xds_protocol {
            Protocol::Aggregated => Dialect::Aggregated,
            Protocol::Separate => Dialect::Separate,
        },
        xds_host: Host::parse(&args.xds_address).unwrap_or(default.xds_host),
        xds_port: NonZeroU16::new(args.xds_port).unwrap_or(default.xds_port),
        dns_lookup_family: match args.dns_lookup_family {
            Family::Auto => DnsLookupFamily::Auto,
            Family::V4 => DnsLookupFamily::V4Only,
            Family::V6 => DnsLookupFamily::V6Only,
            Family::All => DnsLookupFamily::All,
        },
        tls: tls(args)?,
        overload: Overload {
            max_heap: NonZeroU64::new(args.overload_max_heap),
            max_connections: NonZeroI64::new(args.overload_downstream_max_conn),
        },
        admin_socket: admin_socket(&args.admin_address)?,
        admin_port: NonZeroU16::new(args.admin_port).unwrap_or(default.admin_port),
        // An empty variable of the environment counts as none.
        namespace: match args.namespace.as_str() {
            "" => default.namespace,
            given => given.to_owned(),
        },
        ..default
    })
}

/// An address of the network would open Envoy's admin interface to it.
fn admin_socket(path: &str) -> Result<SocketPath, Error> {
    let is_address = path == "localhost" || path.parse::<IpAddr>().is_ok();
    let socket = SocketPath::new(path).filter(|_| !is_address);
    socket.ok_or_else(|| Error::Socket(path.to_owned()))
}

/// All three files, or none. They are looked at here, so that an init container waits for a Secret visibly.
fn tls(args: &Args) -> Result<Option<Tls>, Error> {
    let files = [
        ("--envoy-cert-file", &args.envoy_cert_file),
        ("--envoy-key-file", &args.envoy_key_file),
        ("--envoy-cafile", &args.envoy_cafile),
    ];
    let missing: Vec<&str> =
        files.iter().filter(|(_, path)| path.is_empty()).map(|(flag, _)| *flag).collect();
    match missing.len() {
        3 => return Ok(None),
        0 => {}
        _ => return Err(Error::HalfTls { missing: missing.join(", ") }),
    }
    for (flag, path) in files {
        let read = std::fs::metadata(path);
        let metadata =
            read.map_err(|source| Error::Unreadable { flag, path: path.clone(), source })?;
        if metadata.len() == 0 {
            return Err(Error::Empty { flag, path: path.clone() });
        }
    }
    Ok(Some(Tls {
        ca_file: args.envoy_cafile.clone(),
        cert_file: args.envoy_cert_file.clone(),
        key_file: args.envoy_key_file.clone(),
        reading: match args.resources_dir.as_str() {
            "" => Reading::AtStart,
            directory => Reading::WhenChanged(directory.trim_end_matches('/').to_owned()),
        },
    }))
}
