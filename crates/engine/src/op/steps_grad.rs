//! The gradient of a step program over time is a step program too, from the last step to the first: the gradients of the states
//! are its states, what the forward steps made comes in step by step as the tape, and what captures get is added up from step to
//! step. Its body is the forward body with the gradient's records behind it; what is taped is no longer computed there.

use super::carry::given;
use super::reshape::{COPY, LITERAL};
use super::rows::{ROWS, accumulates, has_rows};
use super::steps::{Again, Axis, BACKWARD, Emit, MASK, Part, Record, STEP_MASK, ZERO_OUTPUT, mask_axes};
use super::{Backward, Op, Site};
use crate::error::Result;
use crate::program::{Builder, Program, distribute, is_among};
use crate::tensor::{ANY, Dtype, Type};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use layer_rnn_kernels::elementwise::Binary;
use layer_rnn_kernels::reduce::Reduce;

pub(crate) fn gradient(back: &mut Backward) -> Result<()> {
    let site = back.site();
    let record = Record::read(&site)?;
    if record.again().is_some() {
        return Err(back.unsupported()); // steps that run again give no gradient to what they work on
    }
    let mut body = Body::new(&record);
    let incoming = body.incoming(back)?;
    let mut wanted = Vec::new();
    for (index, (part, operand)) in record.operands().enumerate() {
        let wants = part.is_state() || operand.is_some_and(|operand| back.wants(operand));
        if wants && body.is_float(index) {
            wanted.push(record.body.inputs[index]);
        }
    }
    let gradients = body
        .builder
        .contributions(&incoming.ys, &incoming.dys, &wanted, 0)
        .map_err(|failure| failure.error)?;

    // the new states, in the order of the state inputs, then what captures get, then what goes out step by step
    let mut made = Vec::new();
    for class in [Part::State, Part::Capture, Part::X] {
        for (index, (part, operand)) in record.operands().enumerate() {
            let value = record.body.inputs[index];
            let parts = if is_among(value, &wanted) { &gradients[value as usize][..] } else { &[] };
            match part {
                Part::State | Part::ZeroState if class == Part::State && body.is_float(index) => {
                    let total = match body.builder.sum(parts)? {
                        Some(total) => total,
                        None => body.builder.zeros(value)?,
                    };
                    made.push((operand, Emit::FinalState, total));
                }
                Part::Capture if class == part => {
                    for &gradient in parts {
                        let sum = body.accumulate(gradient, *record.input(index)?)?;
                        made.push((operand, Emit::FinalState, sum));
                    }
                }
                Part::X | Part::TimeMajorX if class == Part::X => {
                    let kind = if part == Part::X { Emit::Timed } else { Emit::TimeMajorTimed };
                    if let Some(gradient) = body.builder.sum(parts)? {
                        made.push((operand, kind, gradient));
                    }
                }
                _ => {}
            }
        }
    }
    let (mut outputs, mut results) = (Vec::new(), Vec::new());
    for &(_, kind, gradient) in &made {
        results.push((kind, outputs.len()));
        outputs.push(gradient);
    }

    let tape = body.tape(&outputs);
    // all gradients of a sequence have the segments of the first
    let segment = match (tape.is_empty(), back.segment() as usize, record.segment) {
        (true, ..) | (_, 0, _) => 0,
        (_, wanted, 0) => wanted,
        (.., known) => known,
    };
    let (mut forward, mut taped) = (Some(body.forward()), Vec::new());
    if segment == 0
        && let Some(mut forward) = forward.take()
    {
        let first = forward.outputs.len();
        forward.put_out(&tape);
        let more = first..forward.outputs.len();
        let attrs = with_results(&record, Emit::TimeMajorTimed, more, record.segment);
        taped = back.extend(&attrs, Some(Arc::new(forward)))?;
    }
    let (mut program, inputs) = body.finish(back, outputs, &tape, &taped);
    let mask = (record.flags & MASK != 0).then(|| back.input(record.given()));
    let (mut operands, mut parts, mut tape) = (Vec::new(), Vec::new(), Vec::new());
    for &(value, part, operand) in &inputs {
        operands.extend(operand);
        parts.push(part);
        if part == Part::Tape {
            tape.push(value);
        }
    }
    operands.extend(mask);
    if let Some(forward) = forward {
        let attrs = with_results(&record, Emit::Kept, 0..record.states.len(), segment);
        let mut kept = back.extend(&attrs, None)?.into_iter();
        for (part, operand) in record.operands() {
            let operand = operand.map(|operand| back.input(operand));
            operands.extend(if part.is_state() { kept.next() } else { operand });
        }
        operands.extend(mask);
        program.again = Some(Arc::new(again(&record, forward, &tape, segment)));
    }
    let flags = (record.flags ^ BACKWARD) | ZERO_OUTPUT;
    let attrs = Record::attrs(flags, 0, &parts, &results, segment);
    let site = Site { attrs: &attrs, inputs: &[], body: Some(&program) };
    if flags & (MASK | STEP_MASK) == MASK && distribute(&Record::read(&site)?).whole {
        return Err(back.unsupported()); // a gradient that mixes rows where nothing else did
    }
    let gradients = back.steps(&operands, &attrs, program)?;
    for (&(operand, ..), &gradient) in made.iter().zip(&gradients) {
        if let Some(operand) = operand.filter(|&operand| back.wants(operand)) {
            back.give(operand, gradient);
        }
    }
    for (operand, gradient) in incoming.previous {
        back.give(operand, gradient);
    }
    Ok(())
}

impl Program {
    /// Puts out more.
    fn put_out(&mut self, values: &[u32]) {
        self.outputs.extend_from_slice(values);
        self.mark_live();
    }
}

/// The attributes of forward steps with more results: this of some outputs.
fn with_results(record: &Record, kind: Emit, outputs: Range<usize>, segment: usize) -> Vec<u32> {
    let mut results = record.results.clone();
    results.extend(outputs.map(|output| (kind, output)));
    Record::attrs(record.flags, record.previous, &record.parts, &results, segment)
}

/// Forward steps that put out their tape and nothing else.
fn again(record: &Record, mut body: Program, tape: &[u32], segment: usize) -> Again {
    let states = record.states.len();
    body.outputs.truncate(states);
    body.put_out(tape);
    let mut parts = record.parts.clone();
    for part in parts.iter_mut().filter(|part| part.is_state()) {
        *part = Part::State;
    }
    let mut results = Vec::new();
    results.extend((states..body.outputs.len()).map(|output| (Emit::Tape, output)));
    Again { attrs: Record::attrs(record.flags, 0, &parts, &results, segment), body: Arc::new(body) }
}

/// A value with one more axis, of one row, or without one.
fn reshape(back: &mut Backward, x: u32, at: u32, more: bool) -> Result<u32> {
    let rank = back.ty(x)?.shape.rank() as u32;
    let mut codes = alloc::vec![0];
    for axis in 0..=rank {
        if axis == at && more {
            codes.extend_from_slice(&[LITERAL, 1]);
        }
        if axis < rank && (axis != at || more) {
            codes.extend_from_slice(&[COPY, axis]);
        }
    }
    codes[0] = codes.len() as u32 - 1;
    back.op(Op::Reshape, &[x], &codes)
}

/// The gradients that reach the body's outputs, as values of the body; and those of previous outputs, by operand.
#[derive(Default)]
struct Incoming {
    ys: Vec<u32>,
    dys: Vec<Option<u32>>,
    previous: Vec<(usize, u32)>,
}

/// The backward body in the making.
struct Body<'a> {
    record: &'a Record<'a>,
    builder: Builder,
    /// Records of the forward body; those behind are the gradient's.
    forward: usize,
    /// Inputs besides those of the forward body: value, part, operand.
    inputs: Vec<(u32, Part, Option<u32>)>,
}

impl<'a> Body<'a> {
    fn new(record: &'a Record<'a>) -> Body<'a> {
        let builder = Builder::of(record.body.clone());
        Body { record, builder, forward: record.body.records.len(), inputs: Vec::new() }
    }

    fn is_float(&self, input: usize) -> bool {
        self.record.input(input).is_ok_and(|ty| ty.dtype == Dtype::Float32)
    }

    fn input(&mut self, ty: Type, part: Part, operand: Option<u32>) -> u32 {
        let value = self.builder.input(ty);
        self.inputs.push((value, part, operand));
        value
    }

    /// Gives the body's outputs their gradients as inputs: emitted values step by step, states from behind the last step.
    fn incoming(&mut self, back: &mut Backward) -> Result<Incoming> {
        let record = self.record;
        let mut incoming = Incoming::default();
        let mut final_states = alloc::vec![None; record.states.len()];
        for (output, &value) in record.body.outputs.iter().enumerate() {
            let mut dys = [None; 6];
            for (index, &(kind, of)) in record.results.iter().enumerate() {
                let dy = if of == output { back.dy(index)? } else { None };
                let Some(dy) = dy else { continue };
                if matches!(kind, Emit::Kept | Emit::Tape) {
                    return Err(back.unsupported());
                }
                let sum = match given::bit(kind) {
                    None => &mut final_states[output],
                    Some(bit) => &mut dys[bit],
                };
                *sum = Some(match *sum {
                    Some(other) => back.binary(Binary::Add, other, dy)?,
                    None => dy,
                });
            }
            if dys.iter().all(Option::is_none) {
                continue;
            }
            let ty = record.output(output)?;
            let rows = has_rows(&ty.shape);
            if !rows {
                // one row: behind the time or in front
                for (bit, dy) in dys.iter_mut().enumerate() {
                    let place = 1 << bit & (given::TIME_MAJOR_ALL | given::TIME_MAJOR_TIMED) != 0;
                    if let Some(dy) = dy {
                        *dy = reshape(back, *dy, place as u32, true)?;
                    }
                }
            }
            let (mut all, mut left) = self.carry(back, dys, rows)?;
            let own = record.previous_of(output).map(|own| record.first_previous() + own);
            if !rows {
                all = reshape(back, all, 1, false)?;
                if let Some(operand) = own {
                    left = back.reshape_like(left, back.input(operand))?;
                }
            }
            let dy = self.input(*ty, Part::TimeMajorX, Some(all));
            incoming.ys.push(value);
            incoming.dys.push(Some(dy));
            if let Some(operand) = own {
                incoming.previous.push((operand, left));
            }
        }
        for (index, &state) in record.states.iter().enumerate() {
            let ty = *record.body.ty(state)?;
            if ty.dtype == Dtype::Float32 {
                let operand = final_states[index];
                let part = if operand.is_some() { Part::State } else { Part::ZeroState };
                let carried = self.input(ty, part, operand);
                incoming.ys.push(record.body.outputs[index]);
                incoming.dys.push(Some(carried));
            }
        }
        Ok(incoming)
    }

    /// Brings the gradients of a sequence's outputs to the steps that made them.
    fn carry(&self, back: &mut Backward, dys: [Option<u32>; 6], rows: bool) -> Result<(u32, u32)> {
        let record = self.record;
        let (mut flags, mut mask) = (record.flags, None);
        if record.has(MASK) {
            let given = back.input(record.given());
            mask = Some(match mask_axes(flags).iter().position(|&axis| axis == Axis::Batch) {
                // what has no rows is masked where all rows are
                Some(axis) if !rows => {
                    flags |= STEP_MASK;
                    back.op(Op::Reduce, &[given], &[Reduce::Any as u32, 0, 1, axis as u32])?
                }
                _ => given,
            });
        }
        let timed = record.operands().enumerate().find_map(|(index, (part, operand))| match part {
            Part::X => Some((back.input(operand?), has_rows(&record.input(index).ok()?.shape) as u32)),
            Part::TimeMajorX => Some((back.input(operand?), 0)),
            _ => None,
        });
        let by_mask = mask.map(|mask| (mask, (mask_axes(flags)[0] == Axis::Batch) as u32));
        let Some((like, axis)) = timed.or(by_mask) else { return Err(back.unsupported()) };
        let (mut inputs, mut bits) = (alloc::vec![like], 0);
        for (bit, dy) in dys.into_iter().enumerate() {
            inputs.extend(dy);
            bits |= (dy.is_some() as u32) << bit;
        }
        inputs.extend(mask);
        let made = back.all(Op::Carry, &inputs, &[flags, bits, axis])?;
        Ok((made[0], made[1]))
    }

    /// Adds to a state of its own, step by step, what a capture gets.
    fn accumulate(&mut self, gradient: u32, ty: Type) -> Result<u32> {
        let sum = self.input(ty, Part::ZeroState, None);
        let records = &self.builder.program().records[self.forward..];
        let made = records.iter().find(|record| is_among(gradient, &record.outputs));
        let continued =
            made.filter(|made| accumulates(made.op) && made.inputs.len() == 2 && !has_rows(&ty.shape));
        let Some(made) = continued else {
            return self.builder.one(Op::Binary, &[sum, gradient], &[Binary::Add as u32]);
        };
        let (op, inputs, attrs) = (made.op, [made.inputs[0], made.inputs[1], sum], made.attrs.clone());
        self.builder.one(op, &inputs, &attrs)
    }

    /// The forward values that the backward body needs and does not compute: all but inputs that come again, and what costs
    /// nothing.
    fn tape(&mut self, outputs: &[u32]) -> Vec<u32> {
        let program = self.builder.program();
        let mut makers = alloc::vec![usize::MAX; program.values.len()];
        for (index, record) in program.records.iter().enumerate() {
            record.outputs.iter().for_each(|&value| makers[value as usize] = index);
        }
        let mut seen = alloc::vec![false; program.values.len()];
        let mut taped = seen.clone();
        let mut open = outputs.to_vec();
        while let Some(value) = open.pop() {
            if core::mem::replace(&mut seen[value as usize], true) {
                continue;
            }
            let index = makers[value as usize];
            let maker = &program.records[index];
            let free = maker.op.renames();
            if is_among(value, &self.record.states)
                || (index < self.forward && maker.op != Op::Input && !free)
            {
                taped[value as usize] = true;
            } else {
                open.extend(maker.op.read(&maker.inputs));
            }
        }
        let mut tape = Vec::new();
        for (value, _) in (0..).zip(taped).filter(|&(_, taped)| taped) {
            tape.push(value);
        }
        self.relike(&seen, &mut tape);
        tape
    }

    /// Where only the sizes of a forward value are wanted, another of its type will do; one that is not there is taped.
    fn relike(&mut self, seen: &[bool], tape: &mut Vec<u32>) {
        let forward = self.forward;
        let program = self.builder.program_mut();
        let own = self.record.body.inputs.len();
        for index in forward..program.records.len() {
            for position in 0..program.records[index].inputs.len() {
                let record = &program.records[index];
                let value = record.inputs[position];
                let needed = record.outputs.iter().any(|&value| seen[value as usize]);
                if !needed || record.op.reads(position) || seen[value as usize] {
                    continue;
                }
                let ty = program.values[value as usize];
                let same = |&other: &u32| program.values[other as usize] == ty;
                let other = tape.iter().chain(&program.inputs[own..]).copied().find(same);
                let other = other.unwrap_or_else(|| {
                    tape.push(value);
                    value
                });
                program.records[index].inputs[position] = other;
            }
        }
    }

    /// The forward body. Rules may have given its records more outputs, so they are taken from where the gradient was made.
    fn forward(&self) -> Program {
        let mut program = self.builder.program().clone();
        program.records.truncate(self.forward);
        program.inputs.truncate(self.record.body.inputs.len());
        program
    }

    /// The backward body, and its inputs as [`Body::inputs`]. What is taped is given by value, or it is that of a segment.
    fn finish(
        self,
        back: &Backward,
        outputs: Vec<u32>,
        tape: &[u32],
        taped: &[u32],
    ) -> (Program, Vec<(u32, Part, Option<u32>)>) {
        let part = if taped.is_empty() { Part::Tape } else { Part::TimeMajorX };
        let body = self.record.body;
        let mut inputs = Vec::new();
        for (&value, (part_of, operand)) in body.inputs.iter().zip(self.record.operands()) {
            if let Some(at) = tape.iter().position(|&taped| taped == value) {
                inputs.push((value, part, taped.get(at).copied()));
            } else if !part_of.is_state() {
                inputs.push((value, part_of, operand.map(|operand| back.input(operand))));
            }
        }
        inputs.extend_from_slice(&self.inputs);
        for (at, &value) in tape.iter().enumerate() {
            if !is_among(value, &body.inputs) {
                inputs.push((value, part, taped.get(at).copied()));
            }
        }
        let mut program = self.builder.into_program();
        program.outputs = outputs;
        // what is given is not computed
        let mut records = Vec::new();
        for &(value, ..) in &inputs {
            records.push(Program::given(value));
        }
        for record in program.records {
            if record.op != Op::Input && !record.outputs.iter().any(|&value| is_among(value, tape)) {
                records.push(record);
            }
        }
        program.records = records;
        program.mark_live();
        retain_needed(&program, &mut inputs, self.record.has(MASK));
        program.inputs.clear();
        for &(value, ..) in &inputs {
            program.inputs.push(value);
        }
        (program, inputs)
    }
}

/// Leaves out inputs of the backward body that nothing reads: they would only be copied. But some bring sizes that nothing else does.
fn retain_needed(program: &Program, inputs: &mut Vec<(u32, Part, Option<u32>)>, masked: bool) {
    const STEPS: u32 = 0;
    let read = program.read();
    let is_read = |&(value, part, _): &(u32, Part, Option<u32>)| read[value as usize] || part.is_state();
    let mut known = if masked { alloc::vec![STEPS, ROWS as u32] } else { Vec::new() };
    // the forward operands bring theirs
    let again = inputs.iter().any(|&(_, part, _)| part == Part::Tape);
    let mut brings = |&(value, part, operand): &(u32, Part, Option<u32>)| {
        let mut news = false;
        let mut learn = |size: u32| {
            news |= !is_among(size, &known);
            known.push(size);
        };
        if operand.is_some() && !again {
            let dims = program.values[value as usize].shape.dims().iter();
            dims.filter(|&&dim| dim < 0 && dim != ANY).for_each(|&dim| learn(dim as u32));
            if matches!(part, Part::X | Part::TimeMajorX) {
                learn(STEPS);
            }
        }
        news
    };
    inputs.iter().filter(|input| is_read(input)).for_each(|input| {
        brings(input);
    });
    inputs.retain(|input| is_read(input) || brings(input));
}
