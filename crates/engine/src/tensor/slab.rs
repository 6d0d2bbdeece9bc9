//! Things behind ids: index and generation in 32 bits, never 0, never another thing's.

use crate::error::{Error, Result};
use alloc::boxed::Box;
use alloc::vec::Vec;

const INDEX_BITS: u32 = 20;
// one bit is left free: ids are positive numbers for JavaScript, which sees signed ones
const MAX_GENERATION: u32 = (1 << (31 - INDEX_BITS)) - 1;

/// A store whose ids become invalid when their thing is removed.
pub(crate) struct Slab<T> {
    ids: Ids,
    values: Vec<Option<T>>,
}

impl<T> Slab<T> {
    /// An empty store.
    pub const fn new() -> Self {
        Slab { ids: Ids { generations: Vec::new(), free: Vec::new(), live: 0 }, values: Vec::new() }
    }

    /// Number of things alive.
    pub fn live(&self) -> usize {
        self.ids.live
    }

    /// Stores a thing; fails when 2²⁰ places are taken.
    pub fn insert(&mut self, value: T) -> Result<u32> {
        self.values.try_reserve(1).map_err(|_| FULL)?;
        let id = self.ids.take()?;
        match self.values.get_mut(index(id)) {
            Some(place) => *place = Some(value),
            None => self.values.push(Some(value)),
        }
        Ok(id)
    }

    /// The thing behind an id.
    #[inline(always)]
    pub fn get(&self, id: u32) -> Result<&T> {
        let value = self.values.get(index(id)).filter(|_| self.ids.holds(id));
        value.and_then(Option::as_ref).ok_or_else(|| stale(id))
    }

    /// The thing behind an id, to be changed.
    #[inline(always)]
    pub fn get_mut(&mut self, id: u32) -> Result<&mut T> {
        let value = self.values.get_mut(index(id)).filter(|_| self.ids.holds(id));
        value.and_then(Option::as_mut).ok_or_else(|| stale(id))
    }

    /// Id of the first thing that fits.
    pub fn find(&self, fits: impl Fn(&T) -> bool) -> Option<u32> {
        let at = self.values.iter().position(|value| value.as_ref().is_some_and(&fits))?;
        Some(self.ids.at(at as u32))
    }

    /// Takes the thing out; its id is stale from now on.
    pub fn remove(&mut self, id: u32) -> Result<T> {
        let value = self.values.get_mut(index(id)).filter(|_| self.ids.holds(id));
        let value = value.and_then(Option::take).ok_or_else(|| stale(id))?;
        self.ids.give_back(id);
        Ok(value)
    }
}

const FULL: Error = Error::Memory { words: 1 };

/// The generation of each place of a store, and which are free.
struct Ids {
    generations: Vec<u32>,
    free: Vec<u32>,
    live: usize,
}

impl Ids {
    /// The id of a place that nothing has.
    fn take(&mut self) -> Result<u32> {
        let index = match self.free.pop() {
            Some(index) => index,
            None => {
                let index = self.generations.len() as u32;
                if index >= 1 << INDEX_BITS {
                    return Err(FULL.into());
                }
                self.generations.try_reserve(1).map_err(|_| FULL)?;
                // giving back must never have to allocate
                self.free.try_reserve(index as usize + 1).map_err(|_| FULL)?;
                self.generations.push(1);
                index
            }
        };
        self.live += 1;
        Ok(self.at(index))
    }

    /// The id of the thing at a place.
    fn at(&self, index: u32) -> u32 {
        self.generations[index as usize] << INDEX_BITS | index
    }

    /// Is this the id of a place as it is now?
    #[inline(always)]
    fn holds(&self, id: u32) -> bool {
        self.generations.get(index(id)) == Some(&(id >> INDEX_BITS))
    }

    /// Frees the place of an id.
    fn give_back(&mut self, id: u32) {
        self.live -= 1;
        let generation = &mut self.generations[index(id)];
        // a place whose generation would wrap is retired
        if *generation < MAX_GENERATION {
            *generation += 1;
            self.free.push(index(id) as u32);
        }
    }
}

#[cold]
#[inline(never)]
fn stale(id: u32) -> Box<Error> {
    Error::Stale { id }.into()
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
        assert_eq!(slab.values.len(), 3);
    }
}
