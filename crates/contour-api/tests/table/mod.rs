//! The tables of upstream's schemas in `tests/data/schema`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What upstream's definition says of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `object`, `integer`, `int-or-string`, …, followed by `required` if it is.
    pub kind: String,
    /// Everything else, as `keyword=value` with the values as Python writes them.
    pub constraints: String,
}

/// The text of the table of one kind. Its first lines begin with `#`: names, scope, versions, columns.
pub fn read(kind: &str, version: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/data/schema/{kind}.{version}.tsv"));
    fs::read_to_string(path).expect("the table is there")
}

/// The rows of a table: path of a field to what is said of it.
pub fn rows(text: &str) -> BTreeMap<String, Row> {
    text.lines().filter(|line| !line.starts_with('#')).map(row).collect()
}

fn row(line: &str) -> (String, Row) {
    let mut cells = line.split('\t').map(str::to_owned);
    let path = cells.next().expect("a row has a path");
    let kind = cells.next().expect("a row has a type");
    (path, Row { kind, constraints: cells.next().unwrap_or_default() })
}
