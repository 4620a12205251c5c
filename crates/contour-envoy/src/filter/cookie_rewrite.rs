//! `envoy.filters.http.lua`: rewrites attributes of the cookies that services set.

use contour_dag::{CookieRewrite, SameSite};
use envoy_types::pb::envoy::config::core::v3::{DataSource, data_source};
use envoy_types::pb::envoy::extensions::filters::http::lua::v3::{Lua, LuaPerRoute, lua_per_route};
use envoy_types::pb::google::protobuf::{Any, Struct};

use crate::protobuf::{
    Field, Maps, STRUCT_MAPS, any_with_maps, boolean, object, string, structure,
};

/// What routes select the script by. The key is upstream's.
const NAME: &str = "cookie_rewrite.lua";

static LUA_PER_ROUTE_MAPS: Maps = Maps(&[(4, Field::Message(&STRUCT_MAPS))]);

/// The filter with the script, which runs for routes whose own configuration selects it.
pub(super) fn lua() -> Lua {
    let script =
        data_source::Specifier::InlineString(include_str!("cookie_rewrite.lua").to_owned());
    let source = DataSource { specifier: Some(script), ..Default::default() };
    Lua { source_codes: [(NAME.to_owned(), source)].into(), ..Default::default() }
}

/// What the script does with these cookies, which are data to it and never a part of it. `None` if there are none.
pub(super) fn rules(cookies: &[CookieRewrite]) -> Option<Any> {
    if cookies.is_empty() {
        return None;
    }
    let rules = cookies.iter().map(|cookie| (cookie.name.to_string(), object(rule(cookie))));
    let rules = object(structure(rules));
    let route = LuaPerRoute {
        filter_context: Some(structure([("cookie_rewrite_rules".to_owned(), rules)])),
        r#override: Some(lua_per_route::Override::Name(NAME.to_owned())),
        ..Default::default()
    };
    Some(any_with_maps(&route, &LUA_PER_ROUTE_MAPS))
}

/// The attributes that are set, under the names that they have in cookies.
fn rule(cookie: &CookieRewrite) -> Struct {
    let same_site = cookie.same_site.map(|same_site| match same_site {
        SameSite::Strict => "Strict",
        SameSite::Lax => "Lax",
        SameSite::None => "None",
    });
    let attributes = [
        ("Path", cookie.path.as_deref().map(string)),
        ("Domain", cookie.domain.as_deref().map(string)),
        ("Secure", cookie.secure.map(boolean)),
        ("SameSite", same_site.map(string)),
    ];
    structure(attributes.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::json::show;

    #[test]
    fn the_script_runs_for_no_route_by_itself() {
        let script = include_str!("cookie_rewrite.lua");
        let expect = json!({ "source_codes": { NAME: { "inline_string": script } } });
        assert_eq!(show(&lua()), expect);
    }

    fn cookie(name: &str) -> CookieRewrite {
        CookieRewrite { name: name.into(), path: None, domain: None, secure: None, same_site: None }
    }

    #[track_caller]
    fn check(cookies: &[CookieRewrite], expect: Option<&Value>) {
        let expect = expect.map(|rules| {
            json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.LuaPerRoute",
                "name": "cookie_rewrite.lua",
                "filter_context": { "cookie_rewrite_rules": rules },
            })
        });
        assert_eq!(rules(cookies).map(|any| show(&any)), expect);
    }

    #[test]
    fn the_script_does_not_run_without_cookies() {
        check(&[], None);
    }

    #[test]
    fn only_attributes_that_are_set_are_rules() {
        let all = CookieRewrite {
            path: Some("/x".into()),
            domain: Some("d".into()),
            secure: Some(true),
            same_site: Some(SameSite::Strict),
            ..cookie("all")
        };
        let expect = json!({
            "all": { "Path": "/x", "Domain": "d", "Secure": true, "SameSite": "Strict" },
            "bare": { "Secure": false },
        });
        check(&[all, CookieRewrite { secure: Some(false), ..cookie("bare") }], Some(&expect));
    }

    #[test]
    fn a_site_is_strict_lax_or_none() {
        let with =
            |name: &str, same_site| CookieRewrite { same_site: Some(same_site), ..cookie(name) };
        let expect = json!({ "a": { "SameSite": "Lax" }, "b": { "SameSite": "None" } });
        check(&[with("a", SameSite::Lax), with("b", SameSite::None)], Some(&expect));
    }

    #[test]
    fn names_and_values_are_never_a_part_of_the_script() {
        let quote = "\"]] os.exit() --";
        let given = CookieRewrite { path: Some(quote.into()), ..cookie(quote) };
        check(&[given], Some(&json!({ quote: { "Path": quote } })));
    }
}
