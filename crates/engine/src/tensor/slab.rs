//! Things behind ids: index and generation in 32 bits, never 0, never another thing's.

use crate::error::{Error, Result};
use alloc::vec::Vec;

const INDEX_BITS: u32 = 20;
// one bit is left free: ids are positive numbers for JavaScript, which sees signed ones
const MAX_GENERATION: u32 = (1 << (31 - INDEX_BITS)) - 1;

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

/// A store whose ids become invalid when their thing is removed.
pub(crate) struct Slab<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    live: usize,
}

impl<T> Slab<T> {
    /// An empty store.
    pub const fn new() -> Self {
        Slab { entries: Vec::new(), free: Vec::new(), live: 0 }
    }

    /// Number of things alive.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Stores a thing; fails when 2²⁰ places are taken.
    pub fn insert(&mut self, value: T) -> Result<u32> {
        let full = Error::Memory { words: 1 };
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = self.entries.len() as u32;
                if index >= 1 << INDEX_BITS {
                    return Err(full.into());
                }
                self.entries.try_reserve(1).map_err(|_| full)?;
                // removing must never have to allocate
                self.free.try_reserve(self.entries.len() + 1).map_err(|_| full)?;
                self.entries.push(Entry { generation: 1, value: None });
                index
            }
        };
        let entry = self.entries.get_mut(index as usize).ok_or(full)?;
        entry.value = Some(value);
        self.live += 1;
        Ok(entry.generation << INDEX_BITS | index)
    }

    /// The thing behind an id.
    #[inline(always)]
    pub fn get(&self, id: u32) -> Result<&T> {
        let value = match self.entries.get(index(id)) {
            Some(entry) if entry.generation == id >> INDEX_BITS => entry.value.as_ref(),
            _ => None,
        };
        Ok(value.ok_or(Error::Stale { id })?)
    }

    /// The thing behind an id, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, id: u32) -> Result<&mut T> {
        let value = match self.entries.get_mut(index(id)) {
            Some(entry) if entry.generation == id >> INDEX_BITS => entry.value.as_mut(),
            _ => None,
        };
        Ok(value.ok_or(Error::Stale { id })?)
    }

    /// Id of the first thing that fits.
    pub fn find(&self, fits: impl Fn(&T) -> bool) -> Option<u32> {
        let at = self.entries.iter().position(|entry| entry.value.as_ref().is_some_and(&fits))?;
        self.entries.get(at).map(|entry| entry.generation << INDEX_BITS | at as u32)
    }

    /// Takes the thing out; its id is stale from now on.
    pub fn remove(&mut self, id: u32) -> Result<T> {
        let stale = Error::Stale { id };
        let entry = self.entries.get_mut(index(id)).ok_or(stale)?;
        if entry.generation != id >> INDEX_BITS {
            return Err(stale.into());
        }
        let value = entry.value.take().ok_or(stale)?;
        self.live -= 1;
        // a place whose generation would wrap is retired
        if entry.generation < MAX_GENERATION {
            entry.generation += 1;
            self.free.push(index(id) as u32);
        }
        Ok(value)
    }
}

fn index(id: u32) -> usize {
    (id & ((1 << INDEX_BITS) - 1)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_names_another_thing() {
        let mut slab = Slab::new();
        let first = slab.insert("first").unwrap();
        slab.remove(first).unwrap();
        let second = slab.insert("second").unwrap();
        assert_ne!(first, second);
        assert_eq!(slab.get(first), Err(Error::Stale { id: first }.into()));
        assert_eq!(slab.get(second), Ok(&"second"));
        assert_eq!(slab.get(0), Err(Error::Stale { id: 0 }.into()));
    }

    #[test]
    fn a_place_is_retired_before_its_generation_wraps() {
        let mut slab = Slab::new();
        let first = slab.insert(0).unwrap();
        slab.remove(first).unwrap();
        for i in 0..2 * MAX_GENERATION {
            let id = slab.insert(i).unwrap();
            assert_ne!(id, first);
            slab.remove(id).unwrap();
        }
        assert_eq!(slab.live(), 0);
        assert_eq!(slab.entries.len(), 3);
    }
}
