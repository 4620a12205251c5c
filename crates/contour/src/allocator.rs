//! The allocator of this process, and of the benchmark, which measures what runs.
//!
//! jemalloc rather than the system's: it tells what it holds, gives memory back after a burst, and does not depend on the C
//! library, whose own is slow where it is linked statically.

use tikv_jemalloc_ctl::{epoch, stats};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// What the allocator holds, in bytes, by the names of its manual: `allocated` is what the program asked for, `active` the
/// pages that hold that, `metadata` its own book-keeping, `resident` all of that and what is kept for the next requests,
/// `retained` addresses without memory behind them. A figure that it does not tell is left out.
pub fn figures() -> Vec<(&'static str, usize)> {
    // Figures are of the moment in which this is called.
    if epoch::advance().is_err() {
        return Vec::new();
    }
    let figures = [
        ("allocated", stats::allocated::read()),
        ("active", stats::active::read()),
        ("metadata", stats::metadata::read()),
        ("resident", stats::resident::read()),
        ("retained", stats::retained::read()),
    ];
    figures.into_iter().filter_map(|(name, bytes)| Some((name, bytes.ok()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocated() -> usize {
        let (name, bytes) = figures()[0];
        assert_eq!(name, "allocated");
        bytes
    }

    #[test]
    fn what_is_asked_for_is_told() {
        const LARGE: usize = 1 << 30; // other tests ask for less meanwhile
        let before = allocated();
        let large = Vec::<u8>::with_capacity(LARGE);
        let after = allocated();
        assert!(after >= before + LARGE / 2, "{before} and then {after}");
        drop(large);
    }
}
