//! What was found, as a table for a terminal.

use std::fmt::Write as _;

/// How it stands with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// As it should be.
    Good,
    /// It works, and somebody should look at it.
    Doubtful,
    /// It has to be mended.
    Bad,
    /// It could not be found out, which is no fault.
    Unknown,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Doubtful => "warning",
            State::Bad => "mend",
            State::Unknown => "-",
        }
    }
}

/// One line of the table, and perhaps a second one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) state: State,
    about: &'static str,
    says: String,
    /// What to do about it.
    advice: Option<String>,
}

impl Finding {
    pub(super) fn good(about: &'static str, says: impl Into<String>) -> Finding {
        Finding { state: State::Good, about, says: says.into(), advice: None }
    }

    /// Anything else than good, and what to do about it.
    pub(super) fn other(
        state: State,
        about: &'static str,
        says: impl Into<String>,
        advice: impl Into<String>,
    ) -> Finding {
        Finding { state, about, says: says.into(), advice: Some(advice.into()) }
    }
}

/// Whether something has to be mended.
pub(super) fn is_bad(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.state == State::Bad)
}

/// A table of state, matter and finding; what to do stands below each.
pub(super) fn table(findings: &[Finding]) -> String {
    let wide = |cell: fn(&Finding) -> &str| {
        findings.iter().map(|finding| cell(finding).chars().count()).max().unwrap_or(0)
    };
    let (state, about) = (wide(|finding| finding.state.word()), wide(|finding| finding.about));
    let mut text = String::new();
    // Writing to a String cannot fail.
    for Finding { state: found, about: what, says, advice } in findings {
        let _ = writeln!(text, "{:state$}  {what:about$}  {says}", found.word());
        if let Some(advice) = advice {
            let _ = writeln!(text, "{:state$}  {:about$}    -> {advice}", "", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_stands_below_what_was_found() {
        let findings = [
            Finding::good("API server", "v1.36.3"),
            Finding::other(State::Bad, "kind", "there is none", "make one"),
        ];
        let expect = "\
ok    API server  v1.36.3
mend  kind        there is none
                    -> make one
";
        assert_eq!(table(&findings), expect);
        assert!(is_bad(&findings) && !is_bad(&findings[..1]));
    }
}
