//! `envoy.config.core.v3.RuntimeFractionalPercent`: how many of many.

use envoy_types::pb::envoy::config::core::v3::RuntimeFractionalPercent;
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;
use envoy_types::pb::envoy::r#type::v3::fractional_percent::DenominatorType;

/// So many in a hundred.
pub(crate) fn percent(numerator: u8) -> RuntimeFractionalPercent {
    let percent = FractionalPercent {
        numerator: numerator.into(),
        denominator: DenominatorType::Hundred.into(),
    };
    RuntimeFractionalPercent { default_value: Some(percent), ..Default::default() }
}
