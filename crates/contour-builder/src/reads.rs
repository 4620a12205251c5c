//! Which unit asked what, in both directions.

use std::collections::{BTreeMap, HashMap};

use crate::reader::Read;
use crate::unit::Unit;

/// Which unit asked what, in both directions. Nobody writes dependencies down by hand; forgetting one is impossible.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    by_unit: BTreeMap<Unit, Vec<Read>>,
    readers: HashMap<Read, Vec<Unit>>, // each vector sorted
}

impl Reads {
    /// Replaces what `unit` asked by `reads`, which are sorted and unique.
    pub(crate) fn replace(&mut self, unit: &Unit, reads: Vec<Read>) {
        let old = self.by_unit.remove(unit).unwrap_or_default();
        for read in &old {
            if reads.binary_search(read).is_err() {
                self.forget(unit, read);
            }
        }
        for read in &reads {
            if old.binary_search(read).is_err() {
                let readers = self.readers.entry(read.clone()).or_default();
                if let Err(at) = readers.binary_search(unit) {
                    readers.reserve_exact(usize::from(readers.is_empty())); // mostly there is one
                    readers.insert(at, unit.clone());
                }
            }
        }
        if !reads.is_empty() {
            self.by_unit.insert(unit.clone(), reads);
        }
    }

    /// The units that asked this.
    pub(crate) fn readers_of(&self, read: &Read) -> &[Unit] {
        self.readers.get(read).map_or(&[], Vec::as_slice)
    }

    /// What a unit asked, sorted.
    pub(crate) fn of(&self, unit: &Unit) -> &[Read] {
        self.by_unit.get(unit).map_or(&[], Vec::as_slice)
    }

    /// How many different questions were asked.
    pub(crate) fn len(&self) -> usize {
        self.readers.len()
    }

    fn forget(&mut self, unit: &Unit, read: &Read) {
        let Some(readers) = self.readers.get_mut(read) else { return };
        if let Ok(at) = readers.binary_search(unit) {
            readers.remove(at);
        }
        if readers.is_empty() {
            self.readers.remove(read);
        }
    }
}
