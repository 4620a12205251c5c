//! What is wrong with the configuration.

use std::fmt;

use super::key::Key;
use super::settings::Origin;

/// One thing that is wrong with the configuration: a line that says where, what, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Who says what is wrong.
    pub origin: Origin,
    /// The key or field, as whoever said it calls it. Empty for flags, and if it is about the file as a whole.
    pub field: String,
    /// What is wrong, and what would mend it.
    pub message: String,
}

impl Problem {
    /// What is wrong with a setting.
    pub fn of(key: &Key, origin: &Origin, message: impl Into<String>) -> Problem {
        Problem::new(origin, origin.name_of(key), message)
    }

    /// What is wrong with this field.
    pub fn new(origin: &Origin, field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem { origin: origin.clone(), field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: ", self.origin)?;
        if !self.field.is_empty() {
            write!(out, "{}: ", self.field)?;
        }
        // One line, whatever was given.
        for each in self.message.chars() {
            if each.is_control() {
                write!(out, "{}", each.escape_default())?;
            } else {
                write!(out, "{each}")?;
            }
        }
        Ok(())
    }
}

/// Everything that is wrong with the configuration, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(Vec<Problem>); // private: never empty

impl Problems {
    /// `value`, if nothing is wrong.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check<T>(problems: Vec<Problem>, value: T) -> Result<T, Problems> {
        if problems.is_empty() { Ok(value) } else { Err(Problems(problems)) }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Problems {
        Problems(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(out, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
