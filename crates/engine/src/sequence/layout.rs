//! How a sequence divides its scratch, and how many steps it takes at once.

use crate::cell::Cell;

/// Words of z that are computed ahead: half of a 1 MB second-level cache, so that the steps find them there.
const AHEAD: usize = 64 * 1024;

/// Sizes of a bound sequence.
pub(crate) struct Layout {
    pub cell: Cell,
    pub batch: usize,
    pub time: usize,
    pub features: usize,
    /// Steps whose input products are computed in one go.
    pub steps: usize,
    /// Can x be read where it stands: all rows of a chunk in the order of processing?
    pub direct: bool,
}

/// The parts of the scratch.
pub(crate) struct Scratch<'a> {
    /// States of all rows, and of a step's active rows where some are masked.
    pub h: &'a mut [f32],
    pub c: &'a mut [f32],
    pub active_h: &'a mut [f32],
    pub active_c: &'a mut [f32],
    /// The output that a masked step repeats.
    pub previous: &'a mut [f32],
    /// Gathered rows of x, time by time.
    pub x: &'a mut [f32],
    pub z: &'a mut [f32],
    /// Where in x each active row of the chunk is, and its place in the batch.
    pub sources: &'a mut [i32],
    pub rows: &'a mut [i32],
    /// Active rows of each step of the chunk.
    pub counts: &'a mut [i32],
}

impl Layout {
    /// `ordered`: time runs forward and nothing is masked.
    pub fn new(cell: Cell, batch: usize, time: usize, features: usize, ordered: bool) -> Layout {
        let steps = (AHEAD / batch.saturating_mul(cell.width()).max(1)).clamp(1, time.max(1));
        Layout { cell, batch, time, features, steps, direct: ordered && (batch == 1 || time == 1) }
    }

    fn parts(&self) -> [usize; 10] {
        // what is too large to count is too large to have: the allocation fails
        let states = self.batch.saturating_mul(self.cell.padded());
        let rows = self.batch.saturating_mul(self.steps);
        let x = if self.direct { 0 } else { rows.saturating_mul(self.features) };
        [
            states,
            states,
            states,
            states,
            states,
            x,
            rows.saturating_mul(self.cell.width()),
            rows,
            rows,
            self.steps,
        ]
    }

    /// Words of scratch.
    pub fn words(&self) -> usize {
        self.parts().into_iter().map(whole_lines).fold(0, usize::saturating_add)
    }

    /// Divides the scratch.
    pub fn divide<'a>(&self, mut scratch: &'a mut [f32]) -> Scratch<'a> {
        let mut parts = self.parts().into_iter();
        let mut take = || -> &'a mut [f32] {
            let all = core::mem::take(&mut scratch);
            let length = parts.next().unwrap_or(0);
            let (part, rest) = all.split_at_mut(whole_lines(length).min(all.len()));
            scratch = rest;
            part.get_mut(..length).unwrap_or_default()
        };
        Scratch {
            h: take(),
            c: take(),
            active_h: take(),
            active_c: take(),
            previous: take(),
            x: take(),
            z: take(),
            sources: bytemuck::cast_slice_mut(take()),
            rows: bytemuck::cast_slice_mut(take()),
            counts: bytemuck::cast_slice_mut(take()),
        }
    }
}

/// Parts start at cache lines.
fn whole_lines(words: usize) -> usize {
    words.checked_next_multiple_of(16).unwrap_or(usize::MAX)
}
