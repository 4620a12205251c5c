//! Our own mistakes, contained.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A bug of ours that was contained: the last good form stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was being built, read or encoded.
    pub at: String,
    /// What the panic said.
    pub message: String,
}

impl Fault {
    /// Does some work that has no effect but its result, and contains its panic.
    ///
    /// # Errors
    /// What the panic said, of the work that `at` names.
    pub fn contain<T>(at: impl FnOnce() -> String, work: impl FnOnce() -> T) -> Result<T, Fault> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Fault::new(at(), panic.as_ref()))
    }

    fn new(at: String, panic: &(dyn Any + Send)) -> Fault {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let message = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Fault { at, message: message.unwrap_or_else(|| "panic without a message".to_owned()) }
    }
}
