//! What is true of objects, as a table for a terminal.

use std::fmt::Write as _;
use std::sync::Arc;

use contour_builder::{Conditions, Kind, ObjectRef, Verdict};
use contour_dag::Domain;

const HEADER: [&str; 4] = ["HOST", "OBJECT", "STATUS", "REASON"];

/// A table with a row for each object, and one more for each further reason: host, object, status, reason. What is not
/// valid comes last, where the eye is. Empty if there is no object.
///
/// An object without conditions is gone, is of another class now, or is of a kind that has them only while it cannot be
/// read: its status is a dash.
pub fn table<'a>(
    objects: impl IntoIterator<Item = (&'a ObjectRef, Option<&'a Arc<Conditions>>)>,
) -> String {
    let (good, bad): (Vec<_>, Vec<_>) = objects.into_iter().partition(|(_, conditions)| {
        conditions.is_none_or(|conditions| conditions.verdict() == Verdict::Valid)
    });
    if good.is_empty() && bad.is_empty() {
        return String::new();
    }
    let mut rows = vec![HEADER.map(str::to_owned)];
    for (reference, conditions) in good.into_iter().chain(bad) {
        match conditions {
            Some(conditions) => rows.extend(object_rows(reference, conditions)),
            None => rows.push(without_conditions(reference)),
        }
    }
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = String::new();
    for [host, object, status, reason] in &rows {
        let [first, second, third] = widths;
        let line = format!("{host:first$}  {object:second$}  {status:third$}  {reason}");
        let _ = writeln!(text, "{}", line.trim_end()); // writing to a String cannot fail
    }
    text
}

fn without_conditions(reference: &ObjectRef) -> [String; 4] {
    let why = match reference.kind {
        Kind::HttpProxy | Kind::Ingress => "gone, or of another class",
        Kind::Service | Kind::EndpointSlice | Kind::Secret => "readable again, or gone",
    };
    ["-".to_owned(), reference.to_string(), "-".to_owned(), why.to_owned()]
}

fn object_rows(reference: &ObjectRef, conditions: &Conditions) -> Vec<[String; 4]> {
    let hosts: Vec<&str> = conditions.hosts.iter().map(Domain::as_str).collect();
    let hosts = if hosts.is_empty() { "-".to_owned() } else { hosts.join(",") };
    let status = conditions.verdict().as_str();
    let mut reasons = conditions.errors.iter().map(|problem| {
        let (_, word) = problem.reason.words();
        format!("{word}: {}", problem.message)
    });
    let first = reasons.next().unwrap_or_else(|| conditions.reason().to_owned());
    let mut rows = vec![[hosts, reference.to_string(), status.to_owned(), first]];
    rows.extend(reasons.map(|reason| [String::new(), String::new(), String::new(), reason]));
    rows
}

#[cfg(test)]
mod tests {
    use contour_builder::{ObjectName, Problem, Reason};

    use super::*;

    fn reference(name: &str) -> ObjectRef {
        ObjectRef { kind: Kind::HttpProxy, name: ObjectName::new("default", name) }
    }

    #[test]
    fn without_objects_there_is_no_header() {
        assert_eq!(table([]), "");
    }

    #[test]
    fn columns_are_aligned_and_each_reason_has_a_row() {
        let errors = vec![
            Problem::new(Reason::IncludeNotFound, "one"),
            Problem::new(Reason::RootIncludesRoot, "two"),
        ];
        let invalid = Arc::new(Conditions { errors, ..Conditions::default() });
        let valid = Arc::new(Conditions::default());
        let (first, second, third) = (reference("a"), reference("longer"), reference("c"));
        let found = table([(&first, Some(&invalid)), (&second, Some(&valid)), (&third, None)]);
        let expect = "\
HOST  OBJECT                    STATUS   REASON
-     HTTPProxy default/longer  valid    Valid
-     HTTPProxy default/c       -        gone, or of another class
-     HTTPProxy default/a       invalid  IncludeNotFound: one
                                         RootIncludesRoot: two
";
        assert_eq!(found, expect);
    }
}
