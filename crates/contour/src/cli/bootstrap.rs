//! `contour bootstrap`: writes the configuration that an Envoy starts with.

use std::fs;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use contour_envoy::bootstrap::{Bootstrap, Host, SocketPath, json};
use contour_envoy::config::DnsLookupFamily;
use contour_xds::resource::Dialect;

use super::output::print;

/// Writes the configuration that an Envoy starts with.
///
/// Which Envoy it is the file leaves open: `envoy --config-path FILE --service-node NAME --service-cluster NAME`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to write; `-` is standard output.
    path: PathBuf,

    /// Where Contour serves xDS: an address or a name.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST")]
    xds_address: String,

    /// On which port Contour serves xDS.
    #[arg(long, default_value = "8001", value_name = "PORT")]
    xds_port: NonZeroU16,

    /// How xDS is spoken: `aggregated` is one incremental stream; `separate` is upstream's form, a stream for each type
    /// and resource.
    #[arg(long, value_enum, default_value_t)]
    xds_protocol: Protocol,

    /// Which addresses of Contour's name are used.
    #[arg(long, value_enum, default_value_t)]
    dns_lookup_family: Family,

    /// The unix socket of Envoy's admin interface.
    #[arg(long, default_value = "/admin/admin.sock", value_name = "PATH")]
    admin_address: String,

    /// A number that appears in the name of the cluster `envoy-admin` in statistics; nothing listens on it.
    #[arg(long, default_value = "9001", value_name = "PORT")]
    admin_port: NonZeroU16,

    /// A name that appears in the names of clusters in statistics.
    #[arg(long, default_value = "projectcontour", env = "CONTOUR_NAMESPACE")]
    namespace: String,
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

/// Why no bootstrap configuration was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("--xds-address is empty: give the address or the name of Contour")]
    NoAddress,
    #[error(
        "--admin-address {0:?} cannot be the path of a unix socket: give a path of 1 to 107 bytes"
    )]
    Socket(String),
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error("cannot write to standard output: {0}")]
    Print(#[source] std::io::Error),
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Error> {
    let bootstrap = Bootstrap {
        dialect: match args.xds_protocol {
            Protocol::Aggregated => Dialect::Aggregated,
            Protocol::Separate => Dialect::Separate,
        },
        xds_host: Host::parse(&args.xds_address).ok_or(Error::NoAddress)?,
        xds_port: args.xds_port,
        dns_lookup_family: match args.dns_lookup_family {
            Family::Auto => DnsLookupFamily::Auto,
            Family::V4 => DnsLookupFamily::V4Only,
            Family::V6 => DnsLookupFamily::V6Only,
            Family::All => DnsLookupFamily::All,
        },
        admin_socket: SocketPath::new(&args.admin_address)
            .ok_or_else(|| Error::Socket(args.admin_address.clone()))?,
        admin_port: args.admin_port,
        namespace: args.namespace.clone(),
        ..Bootstrap::default()
    };
    let text = json(&bootstrap);
    if args.path == Path::new("-") {
        print(&text).map_err(Error::Print)?;
    } else {
        let written = fs::write(&args.path, text);
        written.map_err(|source| Error::Write { path: args.path.clone(), source })?;
    }
    Ok(ExitCode::SUCCESS)
}
