//! The loop over time. It goes through the steps in chunks: the input products of a chunk's active rows in one go (they
//! depend on no state), then step by step the recurrent half. Masked rows are not computed at all: a step works on its active
//! rows, gathered and scattered back when some are missing.
//!
//! Masks as Keras 2 `backend.rnn`: a masked step repeats the previous output, zeros before the first; states carry over.

use super::layout::{Layout, Scratch};
use crate::cell::{States, Weights};
use layer_rnn_kernels::copy::{gather_rows, scatter_rows};

/// What goes into a sequence. Shapes: x `[batch, time, features]`, mask `[batch, time]`, states and previous `[batch, units]`.
pub(crate) struct Operands<'a> {
    pub x: &'a [f32],
    pub mask: Option<&'a [u8]>,
    /// Initial states, zeros if not given.
    pub states: [Option<&'a [f32]>; 2],
    /// What a masked first step outputs, zeros if not given.
    pub previous: Option<&'a [f32]>,
    pub backward: bool,
    pub zero_output: bool,
}

/// Where the wanted results go; `all` is `[batch, time, units]` in the order of processing.
pub(crate) struct Results<'a> {
    pub last: Option<&'a mut [f32]>,
    pub all: Option<&'a mut [f32]>,
    pub states: [Option<&'a mut [f32]>; 2],
    pub previous: Option<&'a mut [f32]>,
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

    for begin in (0..layout.time).step_by(layout.steps) {
        let steps = layout.steps.min(layout.time - begin);
        let rows = list_active(layout, &operands, begin, steps, &mut scratch);
        let x = if layout.direct {
            &operands.x[begin * layout.batch * layout.features..]
        } else {
            let sources = &scratch.sources[..rows];
            gather_rows(operands.x, layout.features, layout.features, sources, scratch.x, layout.features);
            &*scratch.x
        };
        layout.cell.project(rows, x, layout.features, weights, scratch.z);
        let mut done = 0;
        for step in 0..steps {
            let active = scratch.counts[step] as usize;
            step_rows(layout, weights, &mut scratch, done, active);
            let rows = &scratch.rows[done..done + active];
            let emitted = Emitted { rows, masked: operands.mask.is_some(), zero: operands.zero_output };
            if let Some(all) = results.all.as_deref_mut() {
                let stride = layout.time * units;
                emitted.write(
                    layout,
                    scratch.h,
                    scratch.previous,
                    &mut all[(begin + step) * units..],
                    stride,
                );
            }
            if let Some(last) = results.last.as_deref_mut().filter(|_| begin + step + 1 == layout.time) {
                emitted.write(layout, scratch.h, scratch.previous, last, units);
            }
            if emitted.masked {
                for &row in rows {
                    let at = row as usize * padded;
                    scratch.previous[at..at + padded].copy_from_slice(&scratch.h[at..at + padded]);
                }
            }
            done += active;
        }
    }

    let repeated = if operands.mask.is_some() { &*scratch.previous } else { &*scratch.h };
    store(repeated, padded, results.previous, units);
    let [h, c] = results.states;
    store(scratch.h, padded, h, units);
    store(scratch.c, padded, c, units);
}

/// Lists the active rows of a chunk, step by step in the order of processing; gives their number.
fn list_active(
    layout: &Layout,
    operands: &Operands,
    begin: usize,
    steps: usize,
    scratch: &mut Scratch,
) -> usize {
    let mut rows = 0;
    for step in 0..steps {
        let t = if operands.backward { layout.time - 1 - begin - step } else { begin + step };
        let before = rows;
        for row in 0..layout.batch {
            let at = row * layout.time + t;
            if operands.mask.is_none_or(|mask| mask[at] != 0) {
                scratch.sources[rows] = at as i32;
                scratch.rows[rows] = row as i32;
                rows += 1;
            }
        }
        scratch.counts[step] = (rows - before) as i32;
    }
    rows
}

/// One step of the `active` rows that are listed from `done` on.
fn step_rows(layout: &Layout, weights: &Weights, scratch: &mut Scratch, done: usize, active: usize) {
    let (cell, padded) = (&layout.cell, layout.cell.padded());
    if active == 0 {
        return;
    }
    let z = &mut scratch.z[done * cell.width()..][..active * cell.width()];
    if active == layout.batch {
        cell.step(active, weights, z, &mut States { h: scratch.h, c: scratch.c });
        return;
    }
    let rows = &scratch.rows[done..done + active];
    gather_rows(scratch.h, padded, padded, rows, scratch.active_h, padded);
    gather_rows(scratch.c, padded, padded, rows, scratch.active_c, padded);
    cell.step(active, weights, z, &mut States { h: scratch.active_h, c: scratch.active_c });
    scatter_rows(scratch.active_h, padded, padded, rows, scratch.h, padded);
    scatter_rows(scratch.active_c, padded, padded, rows, scratch.c, padded);
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
fn load(from: Option<&[f32]>, units: usize, to: &mut [f32], padded: usize) {
    to.fill(0.0);
    for (from, to) in from.unwrap_or(&[]).chunks_exact(units).zip(to.chunks_exact_mut(padded)) {
        to[..units].copy_from_slice(from);
    }
}

/// Padded rows into `[batch, units]`.
fn store(from: &[f32], padded: usize, to: Option<&mut [f32]>, units: usize) {
    for (from, to) in from.chunks_exact(padded).zip(to.unwrap_or_default().chunks_exact_mut(units)) {
        to.copy_from_slice(&from[..units]);
    }
}
