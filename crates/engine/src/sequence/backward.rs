//! The loop over time backward, in the same chunks: step by step the gradient of z, then the products of all of a chunk's active
//! rows. The gradients of weights are one chain each over the active rows, the last processed step first, rows of the batch ascending.
//!
//! Where a step was masked the gradient of its output, a repeated one, goes to the last step before that counts (with zero output
//! to nothing), or to what was put out before the first; the states' gradients pass through.

use super::driver::{Operands, advance, load, store};
use super::layout::{Active, Layout, divide, words};
use super::tape::Tape;
use crate::cell::{CellKind, Grads, Kept, Weights};
use core::ops::Range;
use layer_rnn_kernels::copy::{gather_rows, scatter_rows};
use layer_rnn_kernels::gates_grad::{self, add_rows};
use layer_rnn_kernels::gemm::{Start, gemm, gemm_tn, gemm_tn_scratch};

/// The gradients of a sequence's results, shaped like these.
#[derive(Default)]
pub(crate) struct ResultGrads<'a> {
    pub last: Option<&'a [f32]>,
    pub all: Option<&'a [f32]>,
    pub states: [Option<&'a [f32]>; 2],
    pub previous: Option<&'a [f32]>,
}

/// Where the wanted gradients of a sequence's operands go, shaped like these.
#[derive(Default)]
pub(crate) struct OperandGrads<'a> {
    pub x: Option<&'a mut [f32]>,
    pub kernel: Option<&'a mut [f32]>,
    pub recurrent: Option<&'a mut [f32]>,
    pub bias: Option<&'a mut [f32]>,
    pub states: [Option<&'a mut [f32]>; 2],
    pub previous: Option<&'a mut [f32]>,
}

/// The weights of both directions; those forward only for segments.
pub(crate) struct BothWeights<'a> {
    pub turned: Weights<'a>,
    pub forward: Weights<'a>,
}

/// The parts of the scratch.
struct Scratch<'a> {
    /// Gradients of the states of all rows, and of a step's active ones.
    h: &'a mut [f32],
    c: &'a mut [f32],
    active_h: &'a mut [f32],
    active_c: &'a mut [f32],
    /// Gradients of outputs on their way to the step that made them.
    pending: &'a mut [f32],
    /// Rows of a chunk, in the order of the chains: gradients of z, inputs, states before, r∘h, and gradients of inputs.
    z: &'a mut [f32],
    x: &'a mut [f32],
    before: &'a mut [f32],
    rh: &'a mut [f32],
    dx: &'a mut [f32],
    /// Gradients of the weights, in planes.
    kernel: &'a mut [f32],
    recurrent: &'a mut [f32],
    bias: &'a mut [f32],
    product: &'a mut [f32],
    active: Active<'a>,
    /// A segment's tape, and what the steps forward take.
    tape: &'a mut [f32],
    forward: &'a mut [f32],
}

/// Words of scratch that [`differentiate`] takes.
pub(crate) fn backward_words(layout: &Layout, segment: usize) -> usize {
    words(&parts(layout, segment))
}

fn parts(layout: &Layout, segment: usize) -> [usize; 19] {
    let (cell, features) = (&layout.cell, layout.features);
    let (padded, width) = (cell.padded(), cell.width());
    let states = layout.batch.saturating_mul(padded);
    let rows = layout.batch.saturating_mul(layout.steps);
    let planes = cell.kind.gates() * padded;
    let product = gemm_tn_scratch(rows, features.max(cell.units), planes);
    let kept = layout.batch.saturating_mul(segment.min(layout.time)).saturating_mul(cell.tape_words());
    [
        states,
        states,
        states,
        states,
        states,
        rows.saturating_mul(width),
        rows.saturating_mul(features),
        rows.saturating_mul(padded),
        if cell.kind == CellKind::GruResetBefore { rows.saturating_mul(padded) } else { 0 },
        rows.saturating_mul(features),
        features.saturating_mul(planes),
        cell.units.saturating_mul(planes),
        width,
        product,
        rows,
        rows,
        layout.steps,
        kept,
        if segment > 0 { layout.words() } else { 0 },
    ]
}

fn scratch<'a>(layout: &Layout, segment: usize, scratch: &'a mut [f32]) -> Scratch<'a> {
    let parts = divide(scratch, parts(layout, segment));
    let [h, c, active_h, active_c, pending, z, x, before, rh, dx, kernel, recurrent, bias, product, ..] =
        parts;
    let [.., sources, rows, counts, tape, forward] = parts;
    let active = Active {
        sources: bytemuck::cast_slice_mut(sources),
        rows: bytemuck::cast_slice_mut(rows),
        counts: bytemuck::cast_slice_mut(counts),
    };
    Scratch {
        h,
        c,
        active_h,
        active_c,
        pending,
        z,
        x,
        before,
        rh,
        dx,
        kernel,
        recurrent,
        bias,
        product,
        active,
        tape,
        forward,
    }
}

/// The gradients of the operands from those of the results and the tape that the sequence left.
pub(crate) fn differentiate(
    layout: &Layout,
    weights: &BothWeights,
    operands: Operands,
    tape: &[f32],
    given: ResultGrads,
    mut wanted: OperandGrads,
    words: &mut [f32],
) {
    let (cell, segment) = (&layout.cell, operands.segment);
    let (units, padded) = (cell.units, cell.padded());
    let mut scratch = scratch(layout, segment, words);
    load(given.states[0], units, scratch.h, padded);
    load(given.states[1], units, scratch.c, padded);
    load(given.previous, units, scratch.pending, padded);
    for sums in [&mut *scratch.kernel, scratch.recurrent, scratch.bias] {
        sums.fill(0.0);
    }
    if let Some(x) = wanted.x.as_deref_mut() {
        x.fill(0.0); // what is masked stays so
    }
    let mut run = Run { layout, weights, operands: &operands, given: &given, wanted: &mut wanted };
    if layout.batch == 0 {
    } else if segment > 0 {
        let starts = tape.chunks_exact(layout.start_words());
        for (index, start) in starts.enumerate().rev() {
            let begin = index * segment;
            let steps = begin..layout.time.min(begin.saturating_add(segment));
            run.replay(start, steps.clone(), &mut scratch);
            let words = core::mem::take(&mut scratch.tape);
            run.steps(steps, &cell.tape(words), &mut scratch);
            scratch.tape = words;
        }
    } else {
        run.steps(0..layout.time, &cell.tape(tape), &mut scratch);
    }
    store(scratch.pending, padded, wanted.previous, units);
    let [h, c] = wanted.states;
    store(scratch.h, padded, h, units);
    store(scratch.c, padded, c, units);
    let gates = cell.input_planes();
    in_order(scratch.kernel, padded, gates, wanted.kernel, units);
    let keras = [0, 1, 2, 3];
    let keras = &keras[..gates.len()];
    in_order(scratch.recurrent, padded, keras, wanted.recurrent, units);
    let Some(bias) = wanted.bias else { return };
    let planes = gates.len() * padded;
    let (input, recurrent) = bias.split_at_mut(gates.len() * units);
    in_order(&scratch.bias[..planes], padded, gates, Some(input), units);
    if cell.kind == CellKind::GruResetAfter {
        in_order(&scratch.bias[padded..], padded, keras, Some(recurrent), units);
    }
}

/// Rows of planes, plane p being gate `gates[p]`, into rows in the order of the gates.
fn in_order(from: &[f32], padded: usize, gates: &[usize], to: Option<&mut [f32]>, units: usize) {
    let rows = to.unwrap_or_default().chunks_exact_mut(gates.len() * units);
    for (from, to) in from.chunks_exact(gates.len() * padded).zip(rows) {
        for (plane, gate) in from.chunks_exact(padded).zip(gates) {
            to[gate * units..][..units].copy_from_slice(&plane[..units]);
        }
    }
}

/// What a run works with.
struct Run<'r, 'a, 'w> {
    layout: &'r Layout,
    weights: &'r BothWeights<'a>,
    operands: &'r Operands<'a>,
    given: &'r ResultGrads<'a>,
    wanted: &'r mut OperandGrads<'w>,
}

impl Run<'_, '_, '_> {
    /// Runs a segment forward again, for its tape.
    fn replay(&self, start: &[f32], steps: Range<usize>, scratch: &mut Scratch) {
        let layout = self.layout;
        let mut forward = layout.divide(scratch.forward);
        let (h, c) = start.split_at(layout.batch * layout.cell.padded());
        forward.h.copy_from_slice(h);
        forward.c[..c.len()].copy_from_slice(c);
        let tape = Some(layout.cell.tape_mut(scratch.tape));
        advance(layout, &self.weights.forward, self.operands, steps, &mut forward, tape, &mut |_, _, _| {});
    }

    /// The steps backward, whose rows the tape holds from its start.
    fn steps(&mut self, steps: Range<usize>, tape: &Tape<&[f32]>, scratch: &mut Scratch) {
        let layout = self.layout;
        let mut end = steps.end;
        let mut kept = self.active(steps.clone());
        // the same chunks as forward
        while end > steps.start {
            let count = (end - steps.start - 1) % layout.steps + 1;
            end -= count;
            let rows = layout.list(self.operands.mask, end, count, true, &mut scratch.active);
            let mut done = 0;
            for index in 0..count {
                let step = end + count - 1 - index;
                let active = done..done + scratch.active.counts[index] as usize;
                kept -= active.len();
                done = active.end;
                self.outputs(step, &scratch.active.rows[active.clone()], scratch.h, scratch.pending);
                self.step(active, kept, tape, scratch);
            }
            self.products(rows, scratch);
        }
    }

    /// The number of active rows of some steps.
    fn active(&self, steps: Range<usize>) -> usize {
        let order = self.layout.order(self.operands.mask);
        let of = |step| (0..order.batch).filter(|&row| order.active(row, order.time_of(step))).count();
        steps.map(of).sum()
    }

    /// Takes the gradients of a step's outputs; those of its active rows (all that is pending) join the states'.
    fn outputs(&self, step: usize, rows: &[i32], h: &mut [f32], pending: &mut [f32]) {
        let (layout, given) = (self.layout, self.given);
        let (units, padded) = (layout.cell.units, layout.cell.padded());
        let (all, stride) = layout.outputs(step);
        let last = given.last.filter(|_| step + 1 == layout.time);
        let mut active = rows.iter().peekable();
        for row in 0..layout.batch {
            let here = row * padded..row * padded + units;
            let is_active = active.next_if(|&&r| r as usize == row).is_some();
            let pending = &mut pending[here.clone()];
            if is_active || !self.operands.zero_output {
                for (dy, at) in [(last, row * units), (given.all, all + row * stride)] {
                    for (sum, dy) in pending.iter_mut().zip(dy.map_or(&[][..], |dy| &dy[at..][..units])) {
                        *sum += dy;
                    }
                }
            }
            if is_active {
                for (h, pending) in h[here].iter_mut().zip(pending) {
                    *h += *pending;
                    *pending = 0.0;
                }
            }
        }
    }

    /// One step of some of the chunk's rows, which are on the tape from row `kept` on.
    fn step(&self, active: Range<usize>, kept: usize, tape: &Tape<&[f32]>, scratch: &mut Scratch) {
        let (cell, padded, count) = (&self.layout.cell, self.layout.cell.padded(), active.len());
        if count == 0 {
            return;
        }
        let rows = &scratch.active.rows[active.clone()];
        let whole = count == self.layout.batch;
        if !whole {
            gather_rows(scratch.h, padded, padded, rows, scratch.active_h, padded);
            gather_rows(scratch.c, padded, padded, rows, scratch.active_c, padded);
        }
        let part = |width: usize| kept * width..(kept + count) * width;
        let (states, planes) = (part(padded), part(cell.width()));
        let here = active.start * padded..active.end * padded;
        let before = &tape.h[states.clone()];
        scratch.before[here.clone()].copy_from_slice(before);
        let kept = Kept {
            gates: gates_grad::Kept { z: &tape.z[planes.clone()], pre: tape.pre.get(planes).unwrap_or(&[]) },
            h: before,
            c: tape.c.get(states).unwrap_or(&[]),
        };
        let (h, c) = if whole {
            (&mut *scratch.h, &mut *scratch.c)
        } else {
            (&mut *scratch.active_h, &mut *scratch.active_c)
        };
        let z = &mut scratch.z[active.start * cell.width()..active.end * cell.width()];
        let rh = scratch.rh.get_mut(here).unwrap_or_default();
        cell.backward(count, &self.weights.turned, &kept, &mut Grads { z, h, c, rh });
        if !whole {
            scatter_rows(scratch.active_h, padded, padded, rows, scratch.h, padded);
            scatter_rows(scratch.active_c, padded, padded, rows, scratch.c, padded);
        }
    }

    /// The products of a chunk's rows: gradients of x and of the weights.
    fn products(&mut self, rows: usize, scratch: &mut Scratch) {
        let (layout, cell) = (self.layout, &self.layout.cell);
        let (features, units, padded, width) = (layout.features, cell.units, cell.padded(), cell.width());
        let planes = cell.kind.gates() * padded;
        let sources = &scratch.active.sources[..rows];
        let Scratch { z, x, before, rh, dx, product, .. } = scratch;
        if let Some(to) = self.wanted.x.as_deref_mut() {
            gemm(rows, planes, features, z, width, self.weights.turned.kernel, dx, features, Start::Zero);
            scatter_rows(dx, features, features, sources, to, features);
        }
        if self.wanted.kernel.is_some() {
            gather_rows(self.operands.x, features, features, sources, x, features);
            let sums = &mut *scratch.kernel;
            gemm_tn(rows, features, planes, x, features, z, width, sums, planes, product, Start::Continue);
        }
        if self.wanted.recurrent.is_some() {
            let mut add = |a: &[f32], first: usize, planes_of: usize, to: usize| {
                let (b, sums) = (&z[first * padded..], &mut scratch.recurrent[to * padded..]);
                let n = planes_of * padded;
                gemm_tn(rows, units, n, a, padded, b, width, sums, planes, product, Start::Continue);
            };
            match cell.kind {
                CellKind::SimpleRnn => add(before, 0, 1, 0),
                CellKind::Lstm => add(before, 0, 4, 0),
                CellKind::GruResetAfter => add(before, 1, 3, 0),
                CellKind::GruResetBefore => {
                    add(before, 1, 2, 0);
                    add(rh, 0, 1, 2);
                }
            }
        }
        if self.wanted.bias.is_some() {
            add_rows(rows, width, z, width, scratch.bias);
        }
    }
}
