//! How long to wait before something is tried again.

use std::time::Duration;

/// The first pause; each after it is twice as long,
const FIRST: Duration = Duration::from_millis(250);

/// up to this.
pub(super) const LONGEST: Duration = Duration::from_secs(10);

/// Pauses that grow, each a random part shorter, so that what was cut off at once does not come back at once.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    times: u32,
}

impl Pause {
    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let doubled = FIRST.saturating_mul(1_u32.checked_shl(self.times).unwrap_or(u32::MAX));
        self.times = self.times.saturating_add(1);
        doubled.min(LONGEST).mul_f64(fastrand::f64().mul_add(0.5, 0.5))
    }

    /// Whether there was none yet.
    pub(crate) const fn is_first(&self) -> bool {
        self.times == 0
    }

    /// It went well.
    pub(crate) fn reset(&mut self) {
        self.times = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_begin_anew() {
        let mut pause = Pause::default();
        for expect in [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, 32 * FIRST] {
            let found = pause.next();
            assert!(expect / 2 <= found && found <= expect, "{found:?} of {expect:?}");
        }
        for _ in 0..40 {
            assert!(pause.next() <= LONGEST);
        }
        pause.reset();
        assert!(pause.next() <= FIRST);
    }
}
