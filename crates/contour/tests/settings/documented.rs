//! `docs/configuration.md` lists every setting.

use std::fmt::Write as _;
use std::path::Path;

use contour::config::key::{Effect, Key, Kind, Literal};
use contour::config::{file, keys};

const BEGIN: &str = "<!-- The table is checked by a test; UPDATE=1 writes it. -->\n";
const END: &str = "<!-- End of the table. -->\n";

#[test]
fn the_documentation_lists_every_setting() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(&path).expect("the document");
    let (before, rest) = text.split_once(BEGIN).expect("the table's begin");
    let (found, after) = rest.split_once(END).expect("the table's end");
    let expect = table();
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{expect}{END}{after}")).expect("a document");
        return;
    }
    assert!(found == expect, "UPDATE=1 writes the table anew; expected:\n{expect}");
}

#[test]
fn examples_in_the_documentation_are_configuration_files() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(path).expect("the document");
    let examples: Vec<&str> = text
        .split("```yml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("an end"))
        .collect();
    assert!(!examples.is_empty());
    for example in examples {
        file::parse("example", example).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

fn table() -> String {
    let mut table = "\n| key of the file | flag | field below `spec` | default | what it is |\n|---|---|---|---|---|\n"
        .to_owned();
    let mut keys: Vec<&Key> = keys::all().collect();
    keys.sort_by_key(|key| (key.file.is_none(), key.file, key.id()));
    for key in keys {
        row(&mut table, key, "");
    }
    table.push('\n');
    table
}

fn row(table: &mut String, key: &Key, outer: &str) {
    let code = |text: String| format!("`{text}`");
    let file = key.file.map(|file| code(format!("{outer}{file}"))).unwrap_or_default();
    let flag = key.flag.map(|flag| code(format!("--{}", flag.name))).unwrap_or_default();
    let field = if outer.is_empty() { key.spec.map(|spec| code(spec.to_owned())) } else { None };
    let field = field.unwrap_or_default();
    let about = about(key).replace('|', "\\|");
    let default = default(key).replace('|', "\\|");
    writeln!(table, "| {file} | {flag} | {field} | {default} | {about} |").expect("memory");
    if let (Kind::Blocks(inner), Some(file)) = (key.kind, key.file) {
        for key in inner {
            row(table, key, &format!("{outer}{file}[]."));
        }
    }
}

fn about(key: &Key) -> String {
    let words = match key.kind {
        Kind::Word(words) | Kind::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            format!(": {}", words.join(", "))
        }
        _ => String::new(),
    };
    let restart = if key.effect == Effect::Restart { " ↻" } else { "" };
    format!("{}{words}{restart}", key.about)
}

fn default(key: &Key) -> String {
    let default = literal(key.default);
    let environment = key.environment.map(|variable| format!("`${}`", variable.name()));
    let spec = key.spec_default.map(|other| match literal(other) {
        none if none.is_empty() => "in a ContourConfiguration none".to_owned(),
        some => format!("in a ContourConfiguration {some}"),
    });
    let parts = [environment, Some(default).filter(|text| !text.is_empty()), spec];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn literal(literal: Literal) -> String {
    match literal {
        Literal::Unset => String::new(),
        Literal::Boolean(value) => format!("`{value}`"),
        Literal::Integer(value) => format!("`{value}`"),
        Literal::Seconds(seconds) => format!("`{seconds}s`"),
        Literal::Text(text) => format!("`{text}`"),
        Literal::Texts(texts) => {
            texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
        }
    }
}
