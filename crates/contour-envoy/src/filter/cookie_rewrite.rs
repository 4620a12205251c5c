//! `envoy.filters.http.lua`: rewrites attributes of the cookies that services set.

use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source};
use envoy_types::pb::envoy::extensions::filters::http::lua::v3::Lua;

/// What routes select the script by. The key is upstream's.
const NAME: &str = "cookie_rewrite.lua";

/// The filter with the script, which runs for routes whose own configuration selects it.
pub(super) fn lua() -> Lua {
    let script =
        data_source::Specifier::InlineString(include_str!("cookie_rewrite.lua").to_owned());
    let source = DataSource { specifier: Some(script), ..Default::default() };
    Lua { source_codes: [(NAME.to_owned(), source)].into(), ..Default::default() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json::show;

    #[test]
    fn the_script_runs_for_no_route_by_itself() {
        let script = include_str!("cookie_rewrite.lua");
        let expect = json!({ "source_codes": { NAME: { "inline_string": script } } });
        assert_eq!(show(&lua()), expect);
    }
}
