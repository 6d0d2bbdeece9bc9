//! How a sequence divides its scratch, how many steps it takes at once, and where its rows are.

use super::order::Order;
use crate::cell::Cell;

/// Words of z that are computed ahead: half of a 1 MB second-level cache, so that the steps find them there.
const AHEAD: usize = 64 * 1024;

/// A bound sequence: sizes and order.
pub(crate) struct Layout {
    pub cell: Cell,
    pub batch: usize,
    pub time: usize,
    pub features: usize,
    /// From the last step to the first.
    pub backward: bool,
    /// x, all outputs and the mask are `[time, batch, …]`.
    pub time_major: bool,
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
    pub active: Active<'a>,
}

/// The active rows of a chunk.
pub(crate) struct Active<'a> {
    /// Where in x each row is, and its place in the batch.
    pub sources: &'a mut [i32],
    pub rows: &'a mut [i32],
    /// The number of each step's rows.
    pub counts: &'a mut [i32],
}

impl Layout {
    /// The layout of x `[batch, time, features]`, whichever of batch and time comes first in memory.
    pub fn new(cell: Cell, sizes: [usize; 3], masked: bool, backward: bool, time_major: bool) -> Layout {
        let [batch, time, features] = sizes;
        let steps = (AHEAD / batch.saturating_mul(cell.width()).max(1)).clamp(1, time.max(1));
        let direct = !masked && !backward && (time_major || batch == 1 || time == 1);
        Layout { cell, batch, time, features, backward, time_major, steps, direct }
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
        words(&self.parts())
    }

    /// Divides the scratch.
    pub fn divide<'a>(&self, scratch: &'a mut [f32]) -> Scratch<'a> {
        let [h, c, active_h, active_c, previous, x, z, sources, rows, counts] = divide(scratch, self.parts());
        let active = Active {
            sources: bytemuck::cast_slice_mut(sources),
            rows: bytemuck::cast_slice_mut(rows),
            counts: bytemuck::cast_slice_mut(counts),
        };
        Scratch { h, c, active_h, active_c, previous, x, z, active }
    }

    /// The row of x, and of the mask, of a row of the batch at step `t` in the order of time.
    fn row(&self, row: usize, t: usize) -> usize {
        if self.time_major { t * self.batch + row } else { row * self.time + t }
    }

    /// Where all outputs of a step start, in the order of processing, and how far apart its rows are.
    pub fn outputs(&self, step: usize) -> (usize, usize) {
        let units = self.cell.units;
        (self.row(0, step) * units, self.row(1, 0) * units)
    }

    /// The order of the loop, with its mask.
    pub fn order<'m>(&self, mask: Option<&'m [u8]>) -> Order<'m> {
        let Layout { batch, time, backward, .. } = *self;
        Order { batch, time, backward, mask, strides: [self.row(1, 0), self.row(0, 1)] }
    }

    /// Lists the active rows of `steps` steps from `begin` on, step by step in the order of processing, or from the last step to
    /// the first; gives their number.
    pub fn list(
        &self,
        mask: Option<&[u8]>,
        begin: usize,
        steps: usize,
        descending: bool,
        active: &mut Active,
    ) -> usize {
        let order = self.order(mask);
        let mut rows = 0;
        for (index, count) in active.counts.iter_mut().take(steps).enumerate() {
            let t = order.time_of(begin + if descending { steps - 1 - index } else { index });
            let before = rows;
            for row in (0..self.batch).filter(|&row| order.active(row, t)) {
                active.sources[rows] = self.row(row, t) as i32;
                active.rows[rows] = row as i32;
                rows += 1;
            }
            *count = (rows - before) as i32;
        }
        rows
    }
}

/// Words of parts that [`divide`] gives.
pub(super) fn words(parts: &[usize]) -> usize {
    parts.iter().copied().map(whole_lines).fold(0, usize::saturating_add)
}

/// Divides scratch into parts of these lengths.
pub(super) fn divide<const N: usize>(mut scratch: &mut [f32], lengths: [usize; N]) -> [&mut [f32]; N] {
    lengths.map(|length| {
        let all = core::mem::take(&mut scratch);
        let (part, rest) = all.split_at_mut(whole_lines(length).min(all.len()));
        scratch = rest;
        part.get_mut(..length).unwrap_or_default()
    })
}

/// Parts start at cache lines.
fn whole_lines(words: usize) -> usize {
    words.checked_next_multiple_of(16).unwrap_or(usize::MAX)
}
