//! `envoy.filters.http.compressor`: compresses responses.

use envoy_types::pb::envoy::config::core::v3::TypedExtensionConfig;
use envoy_types::pb::envoy::extensions::compression::brotli::compressor::v3::Brotli;
use envoy_types::pb::envoy::extensions::compression::gzip::compressor::v3::Gzip;
use envoy_types::pb::envoy::extensions::compression::zstd::compressor::v3::Zstd;
use envoy_types::pb::envoy::extensions::filters::http::compressor::v3::Compressor;
use envoy_types::pb::envoy::extensions::filters::http::compressor::v3::compressor::{
    CommonDirectionConfig, ResponseDirectionConfig,
};

use crate::config::Compression;
use crate::protobuf::any;

/// What is compressed: Envoy's own list, more of its kind, and gRPC-Web.
const CONTENT_TYPES: [&str; 25] = [
    "text/html",
    "text/plain",
    "text/css",
    "application/javascript",
    "application/x-javascript",
    "text/javascript",
    "text/x-javascript",
    "text/ecmascript",
    "text/js",
    "text/jscript",
    "text/x-js",
    "application/ecmascript",
    "application/x-json",
    "application/xml",
    "application/json",
    "image/svg+xml",
    "text/xml",
    "application/xhtml+xml",
    "application/grpc-web",
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web+thrift",
    "application/grpc-web-text",
    "application/grpc-web-text+proto",
    "application/grpc-web-text+thrift",
];

pub(super) fn compressor(compression: Compression) -> Compressor {
    let (name, typed_config) = match compression {
        Compression::Gzip => ("gzip", any(&Gzip::default())),
        Compression::Brotli => ("brotli", any(&Brotli::default())),
        Compression::Zstd => ("zstd", any(&Zstd::default())),
    };
    let library = TypedExtensionConfig { name: name.to_owned(), typed_config: Some(typed_config) };
    #[expect(deprecated, reason = "its successor is newer than the oldest Envoy we support")]
    let common = CommonDirectionConfig {
        content_type: CONTENT_TYPES.map(str::to_owned).into(),
        ..Default::default()
    };
    Compressor {
        compressor_library: Some(library),
        response_direction_config: Some(ResponseDirectionConfig {
            common_config: Some(common),
            ..Default::default()
        }),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::show;

    #[track_caller]
    fn check(compression: Compression, name: &str, message: &str) {
        let expect = json!({
            "compressor_library": {
                "name": name,
                "typed_config": {
                    "@type": format!(
                        "type.googleapis.com/envoy.extensions.compression.{name}.compressor.v3.{message}"
                    ),
                },
            },
            "response_direction_config": { "common_config": { "content_type": CONTENT_TYPES } },
        });
        assert_eq!(show(&compressor(compression)), expect);
    }

    #[test]
    fn the_library_is_that_of_the_algorithm() {
        check(Compression::Gzip, "gzip", "Gzip");
        check(Compression::Brotli, "brotli", "Brotli");
        check(Compression::Zstd, "zstd", "Zstd");
    }
}
