//! A cell over time: what the sequence op's record says. The loop itself is `sequence/driver.rs`, the equations `cell/`.
//!
//! Attributes: cell kind, activation, recurrent activation, units, flags, operands, results, steps of a segment.
//! Inputs: x `[batch, time, features]`, kernel, recurrent kernel, then as `operands` says: bias, mask `[batch, time]`, the
//! initial states, the previous output `[batch, units]`. Outputs, as `results` says: last `[batch, units]`,
//! all `[batch, time, units]`, the final states, the last output as the next run's previous output, the tape for the gradient
//! (`sequence/tape.rs`). With the flag for it time comes before batch in x, all and the mask.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Needs, Outputs, Prepared, Rule, Run, Site, out_f32};
use crate::cell::{Cell, CellKind, Weights};
use crate::error::{Error, Result};
use crate::sequence::{Layout, Operands, Results, drive};
use crate::tensor::{ANY, Dtype, Shape};
use alloc::boxed::Box;
use alloc::vec::Vec;
use layer_rnn_kernels::activation::Activation;

pub(crate) const RULE: Rule = Rule {
    shape,
    needs,
    run,
    #[cfg(feature = "full")]
    gradient: Some(gradient),
};

const BACKWARD: u32 = 1;
const ZERO_OUTPUT: u32 = 2;
const TIME_MAJOR: u32 = 4;

pub(super) const BIAS: u32 = 1;
pub(super) const MASK: u32 = 2;
pub(super) const STATES: u32 = 4;
pub(super) const PREVIOUS: u32 = 8;

pub(super) const LAST: u32 = 1;
pub(super) const ALL: u32 = 2;
pub(super) const FINAL_STATES: u32 = 4;
pub(super) const NEXT_PREVIOUS: u32 = 8;
pub(super) const TAPE: u32 = if cfg!(feature = "full") { 16 } else { 0 };

/// Attributes: which results there are, and the last one, which may be left out.
pub(super) const RESULTS: usize = 6;
pub(super) const SEGMENT: usize = 7;

/// The record, read.
pub(super) struct Record {
    pub cell: Cell,
    backward: bool,
    zero_output: bool,
    time_major: bool,
    operands: u32,
    pub results: u32,
    /// Steps between the states that are kept for a gradient; 0: all is kept.
    pub segment: usize,
}

impl Record {
    pub fn read(site: &Site) -> Result<Record> {
        let word = |index| site.attr(index);
        let known = |index: usize, all: u32| -> Result<u32> {
            match site.attr(index)? {
                value if value & !all == 0 => Ok(value),
                value => Err(Error::Attribute { index: index as u32, value }.into()),
            }
        };
        let units = word(3)?;
        if units == 0 || units > 1 << 20 {
            return Err(Error::Attribute { index: 3, value: units }.into());
        }
        let flags = known(4, BACKWARD | ZERO_OUTPUT | TIME_MAJOR)?;
        let results = known(RESULTS, LAST | ALL | FINAL_STATES | NEXT_PREVIOUS | TAPE)?;
        if results == 0 {
            return Err(Error::Attribute { index: RESULTS as u32, value: results }.into());
        }
        Ok(Record {
            cell: Cell {
                kind: site.kind(CellKind::from_u32)?,
                activation: site.kind_at(1, Activation::from_u32)?,
                recurrent_activation: site.kind_at(2, Activation::from_u32)?,
                units: units as usize,
            },
            backward: flags & BACKWARD != 0,
            zero_output: flags & ZERO_OUTPUT != 0,
            time_major: flags & TIME_MAJOR != 0,
            operands: known(5, BIAS | MASK | STATES | PREVIOUS)?,
            results,
            segment: site.attrs.get(SEGMENT).map_or(0, |&steps| steps as usize),
        })
    }

    pub fn has(&self, operand: u32) -> bool {
        self.operands & operand != 0
    }

    /// Index of an operand's first input.
    pub fn at(&self, operand: u32) -> usize {
        let states = self.cell.kind.states();
        [(BIAS, 1), (MASK, 1), (STATES, states), (PREVIOUS, 1)]
            .iter()
            .take_while(|&&(bit, _)| bit != operand)
            .filter(|&&(bit, _)| self.has(bit))
            .fold(3, |at, &(_, count)| at + count)
    }

    /// `[batch, time]`, and the other way round if that is how they come; it is its own inverse.
    fn order<T>(&self, [batch, time]: [T; 2]) -> [T; 2] {
        if self.time_major { [time, batch] } else { [batch, time] }
    }

    /// The number of each result's values, in the order of the outputs.
    pub fn counts(&self) -> impl Iterator<Item = (u32, usize)> {
        let (states, results) = (self.cell.kind.states(), self.results);
        [(LAST, 1), (ALL, 1), (FINAL_STATES, states), (NEXT_PREVIOUS, 1), (TAPE, 1)]
            .into_iter()
            .filter(move |&(result, _)| results & result != 0)
    }

    /// The bound sequence's layout.
    pub fn layout(&self, x: &Shape) -> Layout {
        let [batch, time] = self.order([x.size(0), x.size(1)]);
        let masked = self.has(MASK);
        Layout::new(self.cell, [batch, time, x.size(2)], masked, self.backward, self.time_major)
    }

    /// What goes in, in a run of the op or of its gradient.
    pub fn given<'r>(&self, run: &Run<'r>) -> Operands<'r> {
        let given = |operand: u32, index: usize| self.has(operand).then(|| run.f32(self.at(operand) + index));
        let two = self.cell.kind.states() > 1;
        Operands {
            x: run.f32(0),
            mask: self.has(MASK).then(|| run.bool(self.at(MASK))),
            states: [given(STATES, 0), if two { given(STATES, 1) } else { None }],
            previous: given(PREVIOUS, 0),
            zero_output: self.zero_output,
            segment: self.segment,
        }
    }
}

pub(super) fn shape(site: &Site) -> Result<Outputs> {
    let record = Record::read(site)?;
    let units = record.cell.units as i32;
    let gates = record.cell.kind.gates() as i32;
    let x = site.shaped(0, Dtype::Float32)?;
    if x.rank() != 3 {
        return Err(Error::Rank { input: 0, expected: 3, actual: x.rank() as u32 }.into());
    }
    let ([mut batch, mut time], features) = (record.order([x.dim(0), x.dim(1)]), x.dim(2));
    let expect = |input: usize, dtype, dims: &[i32]| -> Result<Shape> {
        Shape::new(dims)?.unify(site.shaped(input, dtype)?, input as u32)
    };
    expect(1, Dtype::Float32, &[features, gates * units])?;
    expect(2, Dtype::Float32, &[units, gates * units])?;
    if record.has(BIAS) {
        match record.cell.kind {
            CellKind::GruResetAfter => expect(record.at(BIAS), Dtype::Float32, &[2, gates * units])?,
            _ => expect(record.at(BIAS), Dtype::Float32, &[gates * units])?,
        };
    }
    if record.has(MASK) {
        let mask = expect(record.at(MASK), Dtype::Bool, &record.order([batch, time]))?;
        [batch, time] = record.order([mask.dim(0), mask.dim(1)]);
    }
    let states = record.cell.kind.states();
    if record.has(STATES) {
        for state in 0..states {
            batch = expect(record.at(STATES) + state, Dtype::Float32, &[batch, units])?.dim(0);
        }
    }
    if record.has(PREVIOUS) {
        batch = expect(record.at(PREVIOUS), Dtype::Float32, &[batch, units])?.dim(0);
    }
    site.count(record.at(0))?;
    if time == 0 {
        let axis = u32::from(!record.time_major);
        return Err(Error::Shape { input: 0, axis, expected: 1, actual: 0 }.into());
    }
    let row = Shape::new(&[batch, units])?;
    let mut outputs = Outputs(Vec::new());
    for (result, count) in record.counts() {
        let shape = match result {
            ALL => {
                let [outer, inner] = record.order([batch, time]);
                Shape::new(&[outer, inner, units])?
            }
            TAPE => tape(&record, batch, time)?,
            _ => row,
        };
        (0..count).for_each(|_| outputs.push(Dtype::Float32, shape));
    }
    Ok(outputs)
}

/// The tape's shape: a row for each step of each row of the batch, or the states at the start of each segment.
fn tape(record: &Record, batch: i32, time: i32) -> Result<Shape> {
    if record.segment == 0 {
        return Shape::new(&[batch, time, record.cell.tape_words() as i32]);
    }
    let segments = if time < 0 { ANY } else { (time as usize).div_ceil(record.segment) as i32 };
    Shape::new(&[segments, record.cell.kind.states() as i32, batch, record.cell.padded() as i32])
}

/// A sequence whose sizes are known.
pub(crate) struct Bound {
    pub(super) record: Record,
    pub(super) layout: Layout,
}

fn needs(site: &Site) -> Result<Needs> {
    let record = Record::read(site)?;
    let mut needs = Needs::default();
    let bias = record.has(BIAS).then(|| record.at(BIAS));
    record.cell.packs(bias, &mut |input, role| needs.pack(input, role));
    let layout = record.layout(&site.input(0)?.shape);
    needs.scratch = layout.words();
    needs.prepared = Prepared::Sequence(Box::new(Bound { record, layout }));
    Ok(needs)
}

/// The packed weights that were asked for as number `first` and the next.
pub(super) fn weights<'r>(run: &Run<'r>, kind: CellKind, bias: bool, first: usize) -> Weights<'r> {
    Weights::of(kind, bias, |index| run.packed(first + index))
}

fn run(run: &mut Run) -> Result<()> {
    let Prepared::Sequence(bound) = run.prepared else {
        return Ok(()); // `needs` prepares it
    };
    let Bound { record, layout } = &**bound;
    let weights = weights(run, record.cell.kind, record.has(BIAS), 0);
    let two = record.cell.kind.states() > 1;
    let operands = record.given(run);
    let mut outs = run.out.iter_mut().zip(run.made);
    let mut result = |wanted: bool| {
        let (buffer, located) = if wanted { outs.next()? } else { return None };
        Some(out_f32(core::slice::from_mut(buffer), core::slice::from_ref(located), 0))
    };
    let wants = |bit: u32| record.results & bit != 0;
    let results = Results {
        last: result(wants(LAST)),
        all: result(wants(ALL)),
        states: [result(wants(FINAL_STATES)), result(wants(FINAL_STATES) && two)],
        previous: result(wants(NEXT_PREVIOUS)),
        tape: result(wants(TAPE)),
    };
    drive(layout, &weights, operands, results, run.scratch);
    Ok(())
}

/// The sequence gets a tape, unless it has one, and one op makes all the gradients.
#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let site = back.site();
    let record = Record::read(&site)?;
    let mut results = 0;
    for (_, count) in record.counts().filter(|&(result, _)| result != TAPE) {
        results += count;
    }
    let mut attrs = site.attrs.to_vec();
    attrs.resize(SEGMENT + 1, 0);
    attrs[RESULTS] |= TAPE;
    if record.results & TAPE == 0 && back.segment() > 0 {
        attrs[SEGMENT] = back.segment();
    }
    let tape = match record.results & TAPE {
        0 => *back.extend(&attrs, None)?.last().ok_or(back.unsupported())?,
        _ => back.output(results),
    };
    let (mut values, mut given, mut wanted) = (Vec::new(), 0, 0);
    for index in 0..site.inputs.len() {
        values.push(back.input(index));
        wanted |= u32::from(back.wants(index)) << index;
    }
    values.push(tape);
    for index in 0..results {
        if let Some(dy) = back.dy(index)? {
            given |= 1 << index;
            values.push(dy);
        }
    }
    attrs.extend_from_slice(&[given, wanted]);
    let first = back.op(Op::SequenceGrad, &values, &attrs)?;
    for (value, index) in (first..).zip((0..site.inputs.len()).filter(|index| wanted >> index & 1 == 1)) {
        back.give(index, value);
    }
    Ok(())
}
