//! Where the ops of a step program run: what depends on captures alone moves out of the loop when the step program is used; what
//! depends on no state runs ahead, on the rows of many steps at once; what feeds no state runs after, on stacked values.

use super::{Builder, Program, Record, is_among, types_of};
use crate::error::Result;
use crate::op::rows::{Treats, accumulates, treats};
use crate::op::steps::{self, Part};
use crate::op::{Op, Site};
use alloc::vec::Vec;

/// When a record of a step program runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Phase {
    /// Before the steps of a chunk, for the rows of all of them.
    Ahead,
    /// In each step.
    Loop,
    /// Behind the steps of a chunk, for the rows of all of them.
    After,
}

/// The phases of a step program's records.
pub(crate) struct Distribution {
    /// By record; inputs and what is dead have none.
    pub phases: Vec<Option<Phase>>,
    /// Is there an op that mixes rows, so that a step can only run for all of them?
    pub whole: bool,
    /// By state: is it only added to, so that this can wait for the end of a chunk?
    pub late: Vec<bool>,
}

impl Distribution {
    /// Everything into the loop but sums over rows, which wait for steps that are done in any case.
    pub fn gather(&mut self, program: &Program) {
        let rows = |&value: &u32| program.has_rows(value);
        for (phase, record) in self.phases.iter_mut().zip(&program.records) {
            if phase.is_some() && record.outputs.iter().all(rows) {
                *phase = Some(Phase::Loop);
            }
        }
    }
}

/// How a record treats rows, by the types as they were traced.
fn treatment(program: &Program, record: &Record) -> Treats {
    let inputs = types_of(&program.values, &record.inputs);
    let site = Site { attrs: &record.attrs, inputs: &inputs, body: record.body.as_deref() };
    treats(record.op, &site, &types_of(&program.values, &record.outputs))
}

/// Gives every record its phase.
pub(crate) fn distribute(record: &steps::Record) -> Distribution {
    let program = record.body;
    let rows = |value: u32| program.has_rows(value);
    // values that exist only step by step, and those that are the same at every step
    let mut stepwise = alloc::vec![false; program.values.len()];
    let mut fixed = alloc::vec![false; program.values.len()];
    for (&value, &part) in program.inputs.iter().zip(&record.parts) {
        let at = value as usize;
        fixed[at] = part == Part::Capture;
        stepwise[at] = part.is_state() || (!rows(value) && !fixed[at]);
    }
    let mut phases = alloc::vec![None; program.records.len()];
    let mut whole = false;
    let late = accumulated(record);
    let runs = |index: usize| program.live[index] && program.records[index].op != Op::Input;
    let by_rows = |record: &Record| {
        treatment(program, record) == Treats::Each && record.outputs.iter().all(|&value| rows(value))
    };
    for (index, record) in program.records.iter().enumerate().filter(|(index, _)| runs(*index)) {
        let ahead = by_rows(record) && record.inputs.iter().all(|&value| !stepwise[value as usize]);
        record.outputs.iter().for_each(|&value| stepwise[value as usize] = !ahead);
        phases[index] = Some(if ahead { Phase::Ahead } else { Phase::Loop });
    }
    // from the end: what only later records read, and no state, can wait
    let mut waits = alloc::vec![true; program.values.len()];
    for (&value, late) in program.outputs[..record.states.len()].iter().zip(&late) {
        waits[value as usize] &= late.is_some();
    }
    for (index, record) in program.records.iter().enumerate().rev().filter(|(index, _)| runs(*index)) {
        let accumulates = late.contains(&Some(index));
        let in_loop = phases[index] == Some(Phase::Loop);
        // an operand that only lends its shape may be the state itself
        let stacked = |(at, &value): (usize, &u32)| {
            let continued = accumulates && (at == START || !record.op.reads(at));
            rows(value) || fixed[value as usize] || continued
        };
        if in_loop
            && (accumulates || by_rows(record))
            && record.outputs.iter().all(|&value| waits[value as usize])
            && record.inputs.iter().enumerate().all(stacked)
        {
            phases[index] = Some(Phase::After);
        } else {
            record.inputs.iter().for_each(|&value| waits[value as usize] = false);
            whole |= in_loop && treatment(program, record) == Treats::Mixed;
        }
    }
    let mut waiting = Vec::new();
    for record in late {
        waiting.push(record.is_some_and(|index| phases[index] == Some(Phase::After)));
    }
    Distribution { late: waiting, phases, whole }
}

/// The input of an accumulating op that it continues.
const START: usize = 2;

/// For each state the record that does nothing but add to it, if all that is read of the state is what that record continues.
fn accumulated(record: &steps::Record) -> Vec<Option<usize>> {
    let mut adders = Vec::new();
    for (&state, &next) in record.states.iter().zip(&record.body.outputs) {
        adders.push(if record.body.has_rows(state) { None } else { adder(record.body, state, next) });
    }
    adders
}

/// The record that makes `next` of a state by adding, if nothing else reads the one or the other.
fn adder(program: &Program, state: u32, next: u32) -> Option<usize> {
    let mut adder = None;
    for (index, record) in program.records.iter().enumerate() {
        if is_among(next, &record.inputs) {
            return None;
        }
        if !program.live[index] || !is_among(state, &record.inputs) {
            continue;
        }
        let reads = |at: usize| record.op.reads(at) && record.inputs[at] == state;
        let adds = accumulates(record.op) && (0..record.inputs.len()).all(|at| reads(at) == (at == START));
        if !adds || record.outputs[..] != [next] || adder.is_some() {
            return None;
        }
        adder = Some(index);
    }
    let outputs = |value: u32| program.outputs.iter().filter(|&&output| output == value).count();
    adder.filter(|_| outputs(next) == 1 && outputs(state) == 0)
}

/// Does the record draw random numbers, which are others at every step?
fn draws(record: &Record) -> bool {
    record.op == Op::Random || record.body.as_ref().is_some_and(|body| body.records.iter().any(draws))
}

/// A step program without the records that depend on captures alone, and how it is used then.
pub(super) struct Lifted {
    pub body: Program,
    pub attrs: Vec<u32>,
    pub inputs: Vec<u32>,
}

impl Builder {
    /// Records here what `body` computes from captures alone; it captures the results instead.
    pub(super) fn lift(&mut self, body: &Program, attrs: &[u32], inputs: &[u32]) -> Result<Lifted> {
        let types = self.types(inputs)?;
        let site = Site { attrs, inputs: &types, body: Some(body) };
        let record = steps::Record::read(&site)?;
        steps::Sizes::of(&site, &record)?;
        let given = record.given();
        // the value out here of each value that depends on captures alone
        let mut outside: Vec<Option<u32>> = alloc::vec![None; body.values.len()];
        for (&value, (part, operand)) in body.inputs.iter().zip(record.operands()) {
            if let (Part::Capture, Some(operand)) = (part, operand) {
                outside[value as usize] = inputs.get(operand).copied();
            }
        }
        let mut lifted = Lifted { body: body.clone(), attrs: attrs.into(), inputs: inputs.into() };
        let captured = lifted.body.inputs.len();
        let mut records = Vec::new();
        let mut captures = Vec::new();
        for (index, record) in body.records.iter().enumerate() {
            let mut operands = Vec::new();
            for &value in &record.inputs {
                operands.extend(outside[value as usize]);
            }
            let depends = operands.len() < record.inputs.len();
            if depends || record.op == Op::Input || draws(record) || !body.live[index] {
                records.push(record.clone());
                continue;
            }
            let made = self.append(record.op, &operands, &record.attrs, record.body.clone())?;
            for (&value, outer) in record.outputs.iter().zip(made) {
                outside[value as usize] = Some(outer);
                captures.push(outer);
                lifted.body.inputs.push(value);
                records.push(Program::given(value));
            }
        }
        lifted.body.records = records;
        lifted.body.mark_live();
        // only what is still read is captured
        let read = lifted.body.read();
        let mut kept = 0;
        for outer in captures {
            let value = lifted.body.inputs[captured + kept];
            if read[value as usize] {
                lifted.inputs.insert(given + kept, outer);
                lifted.attrs.insert(4 + captured + kept, Part::Capture as u32);
                kept += 1;
            } else {
                lifted.body.inputs.remove(captured + kept);
            }
        }
        lifted.attrs[3] += kept as u32;
        Ok(lifted)
    }
}
