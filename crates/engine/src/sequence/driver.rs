//! The loop over time. It goes through the steps in chunks: the input products of a chunk's active rows in one go (they
//! depend on no state), then step by step the recurrent half. Masked rows are not computed at all: a step works on its active
//! rows, gathered and scattered back when some are missing.
//!
//! Masks as Keras 2 `backend.rnn`: a masked step repeats the previous output, zeros before the first; states carry over.

use super::layout::{Layout, Scratch};
use super::tape::Tape;
use crate::cell::{States, Weights};
use core::ops::Range;
use layer_rnn_kernels::copy::{gather_rows, scatter_rows};

/// What goes into a sequence. Shapes: x `[batch, time, features]`, mask `[batch, time]` (or time first, as the layout says),
/// states and previous `[batch, units]`.
pub(crate) struct Operands<'a> {
    pub x: &'a [f32],
    pub mask: Option<&'a [u8]>,
    /// Initial states, zeros if not given.
    pub states: [Option<&'a [f32]>; 2],
    /// What a masked first step outputs, zeros if not given.
    pub previous: Option<&'a [f32]>,
    pub zero_output: bool,
    /// Steps between the states that are kept for the gradient, or 0: everything is kept.
    pub segment: usize,
}

/// Where the wanted results go; `all` is `[batch, time, units]` (or time first) in the order of processing.
pub(crate) struct Results<'a> {
    pub last: Option<&'a mut [f32]>,
    pub all: Option<&'a mut [f32]>,
    pub states: [Option<&'a mut [f32]>; 2],
    pub previous: Option<&'a mut [f32]>,
    pub tape: Option<&'a mut [f32]>,
}

/// Runs the cell over all steps.
pub(crate) fn drive(
    layout: &Layout,
    weights: &Weights,
    operands: Operands,
    mut results: Results,
    scratch: &mut [f32],
) {
    if layout.batch == 0 {
        return; // nothing in, nothing out
    }
    let mut scratch = layout.divide(scratch);
    let (units, padded) = (layout.cell.units, layout.cell.padded());
    load(operands.states[0], units, scratch.h, padded);
    load(operands.states[1], units, scratch.c, padded);
    load(operands.previous, units, scratch.previous, padded);

    let masked = operands.mask.is_some();
    let mut emit = |step: usize, scratch: &mut Scratch, active: Range<usize>| {
        let rows = &scratch.active.rows[active];
        let emitted = Emitted { rows, masked, zero: operands.zero_output };
        if let Some(all) = results.all.as_deref_mut() {
            let (at, stride) = layout.outputs(step);
            emitted.write(layout, scratch.h, scratch.previous, &mut all[at..], stride);
        }
        if let Some(last) = results.last.as_deref_mut().filter(|_| step + 1 == layout.time) {
            emitted.write(layout, scratch.h, scratch.previous, last, units);
        }
        if emitted.masked {
            for &row in rows {
                let at = row as usize * padded;
                scratch.previous[at..at + padded].copy_from_slice(&scratch.h[at..at + padded]);
            }
        }
    };
    match results.tape {
        Some(starts) if operands.segment > 0 => {
            let starts = starts.chunks_exact_mut(layout.start_words());
            for (begin, start) in (0..layout.time).step_by(operands.segment).zip(starts) {
                let (h, c) = start.split_at_mut(layout.batch * padded);
                h.copy_from_slice(scratch.h);
                let length = c.len();
                c.copy_from_slice(&scratch.c[..length]);
                let steps = begin..layout.time.min(begin.saturating_add(operands.segment));
                advance(layout, weights, &operands, steps, &mut scratch, None, &mut emit);
            }
        }
        tape => {
            let tape = tape.map(|words| layout.cell.tape_mut(words));
            advance(layout, weights, &operands, 0..layout.time, &mut scratch, tape, &mut emit);
        }
    }

    let repeated = if masked { &*scratch.previous } else { &*scratch.h };
    store(repeated, padded, results.previous, units);
    let [h, c] = results.states;
    store(scratch.h, padded, h, units);
    store(scratch.c, padded, c, units);
}

/// Runs the cell over some steps, from the states in `scratch` to those after them; `emit` is called after each, with the range of
/// its rows among the chunk's active ones. What the gradient needs goes to `tape`.
pub(super) fn advance(
    layout: &Layout,
    weights: &Weights,
    operands: &Operands,
    steps: Range<usize>,
    scratch: &mut Scratch,
    mut tape: Option<Tape<&mut [f32]>>,
    emit: &mut dyn FnMut(usize, &mut Scratch, Range<usize>),
) {
    let width = layout.cell.width();
    let mut kept = 0;
    for begin in steps.clone().step_by(layout.steps) {
        let count = layout.steps.min(steps.end - begin);
        let rows = layout.list(operands.mask, begin, count, false, &mut scratch.active);
        let x = if layout.direct {
            &operands.x[begin * layout.batch * layout.features..]
        } else {
            let sources = &scratch.active.sources[..rows];
            gather_rows(operands.x, layout.features, layout.features, sources, scratch.x, layout.features);
            &*scratch.x
        };
        let z = match &mut tape {
            Some(tape) => &mut tape.z[kept * width..],
            None => &mut *scratch.z,
        };
        layout.cell.project(rows, x, layout.features, weights, z);
        let mut done = 0;
        for step in 0..count {
            let active = scratch.active.counts[step] as usize;
            step_rows(layout, weights, scratch, done..done + active, kept, &mut tape);
            emit(begin + step, scratch, done..done + active);
            done += active;
        }
        kept += rows;
    }
}

/// One step of some of the chunk's active rows; on the tape the chunk starts at row `kept`.
fn step_rows(
    layout: &Layout,
    weights: &Weights,
    scratch: &mut Scratch,
    active: Range<usize>,
    kept: usize,
    tape: &mut Option<Tape<&mut [f32]>>,
) {
    let (cell, padded, count) = (&layout.cell, layout.cell.padded(), active.len());
    if count == 0 {
        return;
    }
    let rows = &scratch.active.rows[active.clone()];
    let whole = count == layout.batch;
    if !whole {
        gather_rows(scratch.h, padded, padded, rows, scratch.active_h, padded);
        gather_rows(scratch.c, padded, padded, rows, scratch.active_c, padded);
    }
    let (h, c) = if whole {
        (&mut *scratch.h, &mut *scratch.c)
    } else {
        (&mut *scratch.active_h, &mut *scratch.active_c)
    };
    let (z, pre) = match tape {
        Some(tape) => {
            let first = kept + active.start;
            let part = |width: usize| first * width..(first + count) * width;
            tape.h[part(padded)].copy_from_slice(&h[..count * padded]);
            if !tape.c.is_empty() {
                tape.c[part(padded)].copy_from_slice(&c[..count * padded]);
            }
            let planes = part(cell.width());
            (&mut tape.z[planes.clone()], tape.pre.get_mut(planes).unwrap_or_default())
        }
        None => (&mut scratch.z[active.start * cell.width()..active.end * cell.width()], &mut [][..]),
    };
    cell.step(count, weights, z, pre, &mut States { h, c });
    if !whole {
        scatter_rows(scratch.active_h, padded, padded, rows, scratch.h, padded);
        scatter_rows(scratch.active_c, padded, padded, rows, scratch.c, padded);
    }
}

/// What a step puts out: h of the active rows, at masked ones zeros or the previous output.
struct Emitted<'a> {
    rows: &'a [i32],
    masked: bool,
    zero: bool,
}

impl Emitted<'_> {
    fn write(&self, layout: &Layout, h: &[f32], previous: &[f32], y: &mut [f32], stride: usize) {
        let (units, padded) = (layout.cell.units, layout.cell.padded());
        let mut active = self.rows.iter().peekable();
        for row in 0..layout.batch {
            let y = &mut y[row * stride..][..units];
            let at = row * padded;
            if active.next_if(|&&r| r as usize == row).is_some() {
                y.copy_from_slice(&h[at..at + units]);
            } else if self.zero {
                y.fill(0.0);
            } else {
                y.copy_from_slice(&previous[at..at + units]);
            }
        }
    }
}

/// `[batch, units]` into padded rows; zeros if there is nothing.
pub(super) fn load(from: Option<&[f32]>, units: usize, mut to: &mut [f32], padded: usize) {
    to.fill(0.0);
    let mut from = from.unwrap_or(&[]);
    while let Some((row, rows)) = from.split_at_checked(units) {
        let (place, places) = to.split_at_mut(padded);
        place[..units].copy_from_slice(row);
        (from, to) = (rows, places);
    }
}

/// Padded rows into `[batch, units]`.
pub(super) fn store(mut from: &[f32], padded: usize, to: Option<&mut [f32]>, units: usize) {
    let mut to = to.unwrap_or_default();
    while let Some((place, places)) = to.split_at_mut_checked(units) {
        let (row, rows) = from.split_at(padded);
        place.copy_from_slice(&row[..units]);
        (from, to) = (rows, places);
    }
}
