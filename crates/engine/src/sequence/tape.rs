//! What a sequence keeps for its gradient.
//!
//! The active rows one after the other in the order of processing: the activated gates, the states before the step and, for activations
//! whose derivative needs them, the pre-activations. Or, with segments, only the states of all rows at the start of each.

use super::Layout;
use crate::cell::Cell;

/// The parts of a tape; a cell without a part has it empty.
pub(crate) struct Tape<T> {
    /// Activated gates, planes as in z.
    pub z: T,
    /// The states before the step.
    pub h: T,
    pub c: T,
    /// Pre-activations, planes as in z.
    pub pre: T,
}

impl Cell {
    /// Words that a row of the tape takes.
    pub fn tape_words(&self) -> usize {
        self.tape_parts().into_iter().sum()
    }

    fn tape_parts(&self) -> [usize; 4] {
        let padded = self.padded();
        let pre = if self.derives_from_input() { self.width() } else { 0 };
        [self.width(), padded, if self.kind.states() > 1 { padded } else { 0 }, pre]
    }

    /// Divides a tape of any number of rows.
    #[cfg(feature = "full")]
    pub fn tape<'a>(&self, mut words: &'a [f32]) -> Tape<&'a [f32]> {
        let rows = words.len() / self.tape_words();
        let [z, h, c, pre] = self.tape_parts().map(|part| {
            let (part, rest) = words.split_at(part * rows);
            words = rest;
            part
        });
        Tape { z, h, c, pre }
    }

    /// [`Cell::tape`] of a tape that is written.
    pub fn tape_mut<'a>(&self, mut words: &'a mut [f32]) -> Tape<&'a mut [f32]> {
        let rows = words.len() / self.tape_words();
        let [z, h, c, pre] = self.tape_parts().map(|part| {
            let (part, rest) = core::mem::take(&mut words).split_at_mut(part * rows);
            words = rest;
            part
        });
        Tape { z, h, c, pre }
    }
}

impl Layout {
    /// Words of the states that are kept at the start of a segment.
    pub fn start_words(&self) -> usize {
        self.cell.kind.states() * self.batch * self.cell.padded()
    }
}
