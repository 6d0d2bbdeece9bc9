//! The gradient of a step program over time is a step program too, from the last step to the first: the gradients of the states
//! are its states, what the forward steps made comes in step by step as the tape, and what captures get is added up from step to
//! step. Its body is the forward body with the gradient's records behind it; what is taped is no longer computed there.

use super::carry::given;
use super::reshape::{COPY, LITERAL};
use super::rows::{ROWS, accumulates, has_rows};
use super::steps::{Again, Axis, BACKWARD, Emit, MASK, Part, Record, STEP_MASK, ZERO_OUTPUT, mask_axes};
use super::{Backward, Op, Site};
use crate::error::Result;
use crate::program::{Builder, Program, distribute};
use crate::tensor::{ANY, Dtype, Type};
use alloc::sync::Arc;
use alloc::vec::Vec;
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
    let wanted: Vec<u32> = record
        .operands()
        .enumerate()
        .filter(|&(index, (part, operand))| {
            let wanted = part.is_state() || operand.is_some_and(|operand| back.wants(operand));
            wanted && body.is_float(index)
        })
        .map(|(index, _)| record.body.inputs[index])
        .collect();
    let gradients = body
        .builder
        .contributions(&incoming.ys, &incoming.dys, &wanted, 0)
        .map_err(|failure| failure.error)?;
    let parts_of = |index: usize| {
        let at = wanted.iter().position(|&value| value == record.body.inputs[index]);
        at.map(|at| gradients[at].as_slice()).unwrap_or(&[])
    };

    // outputs: the new states, in the order of the state inputs, then what goes out step by step
    let (mut outputs, mut results) = (Vec::new(), Vec::new());
    for (index, (part, operand)) in record.operands().enumerate() {
        if part.is_state() && body.is_float(index) {
            results.push((operand, Emit::FinalState, outputs.len()));
            let total = body.builder.sum(parts_of(index))?;
            outputs.push(match total {
                Some(total) => total,
                None => body.zeros(record.body.inputs[index])?,
            });
        }
    }
    for (index, (part, operand)) in record.operands().enumerate() {
        if part == Part::Capture {
            for &gradient in parts_of(index) {
                results.push((operand, Emit::FinalState, outputs.len()));
                outputs.push(body.accumulate(gradient, *record.input(index)?)?);
            }
        }
    }
    for (index, (part, operand)) in record.operands().enumerate() {
        let kind = match part {
            Part::X => Emit::Timed,
            Part::TimeMajorX => Emit::TimeMajorTimed,
            _ => continue,
        };
        if let Some(gradient) = body.builder.sum(parts_of(index))? {
            results.push((operand, kind, outputs.len()));
            outputs.push(gradient);
        }
    }

    let tape = body.tape(&outputs);
    let mut forward = body.forward();
    // all gradients of a sequence have the segments of the first
    let wanted = if tape.is_empty() { 0 } else { back.segment() };
    let segment = if wanted > 0 && record.segment > 0 { record.segment as u32 } else { wanted };
    let mut taped = Vec::new();
    if segment == 0 {
        let first = forward.outputs.len();
        put_out(&mut forward, &tape);
        let attrs =
            with_results(&record, site.attrs, Emit::TimeMajorTimed, first, tape.len(), record.segment);
        taped = back.extend(&attrs, Some(Arc::new(forward.clone())))?;
    }
    let (mut program, inputs) = body.finish(back, outputs, &tape, &taped);
    let mask = (record.flags & MASK != 0).then(|| back.input(record.given()));
    let mut operands: Vec<u32> = inputs.iter().filter_map(|&(_, operand)| operand).chain(mask).collect();
    if segment > 0 {
        let attrs = with_results(&record, site.attrs, Emit::Kept, 0, record.states, segment as usize);
        let mut kept = back.extend(&attrs, None)?.into_iter();
        for (part, operand) in record.operands() {
            let operand = operand.map(|operand| back.input(operand));
            operands.extend(if part.is_state() { kept.next() } else { operand });
        }
        operands.extend(mask);
        let mut tape = program.inputs.clone();
        let mut parts = inputs.iter();
        tape.retain(|_| parts.next().is_some_and(|&(part, _)| part == Part::Tape));
        program.again = Some(Arc::new(again(&record, forward, &tape, segment as usize)));
    }
    let flags = (record.flags ^ BACKWARD) | ZERO_OUTPUT;
    let mut attrs = alloc::vec![0, flags, 0, inputs.len() as u32];
    attrs.extend(inputs.iter().map(|&(part, _)| part as u32));
    attrs.push(2 * results.len() as u32);
    for &(_, kind, output) in &results {
        attrs.extend_from_slice(&[kind as u32, output as u32]);
    }
    attrs.push(segment);
    let site = Site { attrs: &attrs, inputs: &[], body: Some(&program) };
    if flags & (MASK | STEP_MASK) == MASK && distribute(&Record::read(&site)?).whole {
        return Err(back.unsupported()); // a gradient that mixes rows where nothing else did
    }
    let made = back.steps(&operands, &attrs, program)?;
    for (&(operand, ..), &gradient) in results.iter().zip(&made) {
        if let Some(operand) = operand.filter(|&operand| back.wants(operand)) {
            back.give(operand, gradient);
        }
    }
    for (operand, gradient) in incoming.previous {
        back.give(operand, gradient);
    }
    Ok(())
}

/// The attributes of forward steps with more results: this of some outputs.
#[inline(never)]
fn with_results(
    record: &Record,
    attrs: &[u32],
    kind: Emit,
    first: usize,
    count: usize,
    segment: usize,
) -> Vec<u32> {
    let at = 4 + record.parts.len();
    let mut attrs = attrs[..=at + attrs[at] as usize].to_vec();
    attrs[at] += 2 * count as u32;
    for output in first..first + count {
        attrs.extend_from_slice(&[kind as u32, output as u32]);
    }
    attrs.push(segment as u32);
    attrs
}

/// Lets a program put out more.
#[inline(never)]
fn put_out(program: &mut Program, values: &[u32]) {
    program.outputs.extend_from_slice(values);
    program.mark_live();
}

/// Forward steps that put out their tape and nothing else.
fn again(record: &Record, mut body: Program, tape: &[u32], segment: usize) -> Again {
    body.outputs.truncate(record.states);
    put_out(&mut body, tape);
    let mut attrs = alloc::vec![0, record.flags, 0, record.parts.len() as u32];
    for &part in &record.parts {
        attrs.push(if part.is_state() { Part::State } else { part } as u32);
    }
    attrs.push(0);
    let attrs = with_results(record, &attrs, Emit::Tape, record.states, tape.len(), segment);
    Again { attrs, body: Arc::new(body) }
}

/// One more axis, of one row.
fn with_row(back: &mut Backward, x: u32, axis: usize) -> Result<u32> {
    let rank = back.ty(x)?.shape.rank() as u32;
    let mut codes: Vec<u32> = (0..rank).flat_map(|axis| [COPY, axis]).collect();
    codes.splice(2 * axis..2 * axis, [LITERAL, 1]);
    reshape(back, x, &codes)
}

/// The only row of `[time, 1, …]`.
fn without_row(back: &mut Backward, x: u32) -> Result<u32> {
    let rank = back.ty(x)?.shape.rank() as u32;
    let codes: Vec<u32> = (0..rank).filter(|&axis| axis != 1).flat_map(|axis| [COPY, axis]).collect();
    reshape(back, x, &codes)
}

fn reshape(back: &mut Backward, x: u32, codes: &[u32]) -> Result<u32> {
    let attrs: Vec<u32> = [codes.len() as u32].iter().chain(codes).copied().collect();
    back.op(Op::Reshape, &[x], &attrs)
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

    fn zeros(&mut self, like: u32) -> Result<u32> {
        let rank = self.builder.program().ty(like)?.shape.rank() as u32;
        let mut attrs = alloc::vec![Dtype::Float32 as u32, 0, 3 * rank];
        for axis in 0..rank {
            attrs.extend_from_slice(&[super::dims::COPY, axis, 0]);
        }
        Ok(self.builder.append(Op::Fill, &[like], &attrs, None)?[0])
    }

    /// Gives the body's outputs their gradients as inputs: emitted values step by step, states from behind the last step.
    fn incoming(&mut self, back: &mut Backward) -> Result<Incoming> {
        let record = self.record;
        let mut incoming = Incoming::default();
        let mut final_states = alloc::vec![None; record.states];
        for (output, &value) in record.body.outputs.iter().enumerate() {
            let mut dys = [None; 6];
            for (index, &(kind, _)) in record.results.iter().enumerate().filter(|(_, of)| of.1 == output) {
                let Some(dy) = back.dy(index)? else { continue };
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
                    *dy = dy.map(|dy| with_row(back, dy, place as usize)).transpose()?;
                }
            }
            let (mut all, mut left) = self.carry(back, dys, rows)?;
            let own = output.checked_sub(record.states).filter(|&own| own < record.previous);
            let own = own.map(|own| record.first_previous() + own);
            if !rows {
                all = without_row(back, all)?;
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
        let states = record.parts.iter().enumerate().filter(|(_, part)| part.is_state());
        for (state, (index, _)) in states.enumerate() {
            if self.is_float(index) {
                let operand = final_states[state];
                let part = if operand.is_some() { Part::State } else { Part::ZeroState };
                let carried = self.input(*record.input(index)?, part, operand);
                incoming.ys.push(record.body.outputs[state]);
                incoming.dys.push(Some(carried));
            }
        }
        Ok(incoming)
    }

    /// Brings the gradients of a sequence's outputs to the steps that made them.
    fn carry(&self, back: &mut Backward, dys: [Option<u32>; 6], rows: bool) -> Result<(u32, u32)> {
        let record = self.record;
        let bits = (0..6).filter(|&bit| dys[bit].is_some()).fold(0, |bits, bit| bits | 1 << bit);
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
        let mut inputs = alloc::vec![like];
        inputs.extend(dys.into_iter().flatten().chain(mask));
        let made = back.all(Op::Carry, &inputs, &[flags, bits, axis])?;
        Ok((made[0], made[1]))
    }

    /// Adds to a state of its own, step by step, what a capture gets.
    fn accumulate(&mut self, gradient: u32, ty: Type) -> Result<u32> {
        let sum = self.input(ty, Part::ZeroState, None);
        let records = &self.builder.program().records[self.forward..];
        let made = records.iter().find(|record| record.outputs.contains(&gradient));
        let continued =
            made.filter(|made| accumulates(made.op) && made.inputs.len() == 2 && !has_rows(&ty.shape));
        let (op, inputs, attrs) = match continued {
            Some(made) => (made.op, alloc::vec![made.inputs[0], made.inputs[1], sum], made.attrs.to_vec()),
            None => (Op::Binary, alloc::vec![sum, gradient], alloc::vec![Binary::Add as u32]),
        };
        Ok(self.builder.append(op, &inputs, &attrs, None)?[0])
    }

    /// The forward values that the backward body needs and does not compute: all but inputs that come again, and what costs
    /// nothing.
    fn tape(&mut self, outputs: &[u32]) -> Vec<u32> {
        let program = self.builder.program();
        let mut makers = alloc::vec![usize::MAX; program.values.len()];
        for (index, record) in program.records.iter().enumerate() {
            record.outputs.iter().for_each(|&value| makers[value as usize] = index);
        }
        let states = self.record.body.inputs.iter().zip(&self.record.parts);
        let states: Vec<u32> = states.filter(|(_, part)| part.is_state()).map(|(&value, _)| value).collect();
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
            if states.contains(&value) || (index < self.forward && maker.op != Op::Input && !free) {
                taped[value as usize] = true;
            } else {
                open.extend(maker.op.read(&maker.inputs));
            }
        }
        let mut tape: Vec<u32> =
            (0..).zip(taped).filter(|&(_, taped)| taped).map(|(value, _)| value).collect();
        self.relike(&seen, &mut tape);
        tape
    }

    /// Where only the sizes of a forward value are wanted, another of its type will do; one that is not there is taped.
    fn relike(&mut self, seen: &[bool], tape: &mut Vec<u32>) {
        let forward = self.forward;
        let program = self.builder.program_mut();
        let own = program.inputs.iter().skip(self.record.body.inputs.len());
        let others: Vec<u32> = own.copied().collect();
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
                let other = tape.iter().chain(&others).copied().find(same);
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

    /// The backward body, and what its inputs are. What is taped is given by value, or it is that of a segment.
    fn finish(
        self,
        back: &Backward,
        outputs: Vec<u32>,
        tape: &[u32],
        taped: &[u32],
    ) -> (Program, Vec<(Part, Option<u32>)>) {
        let part = if taped.is_empty() { Part::Tape } else { Part::TimeMajorX };
        let kept = |value: u32| {
            tape.iter().position(|&taped| taped == value).map(|at| (value, part, taped.get(at).copied()))
        };
        let mut program = self.builder.into_program();
        let mut inputs = Vec::new();
        for (&value, (part, operand)) in self.record.body.inputs.iter().zip(self.record.operands()) {
            match kept(value) {
                Some(input) => inputs.push(input),
                None if part.is_state() => {}
                None => inputs.push((value, part, operand.map(|operand| back.input(operand)))),
            }
        }
        inputs.extend(self.inputs);
        inputs.extend(
            tape.iter().filter(|value| !self.record.body.inputs.contains(value)).copied().filter_map(kept),
        );
        program.outputs = outputs;
        // what is given is not computed
        let mut records = Vec::new();
        for record in core::mem::take(&mut program.records) {
            let given = record.outputs.iter().any(|&value| kept(value).is_some());
            if !given && record.op != Op::Input {
                records.push(record);
            }
        }
        program.inputs = inputs.iter().map(|&(value, ..)| value).collect();
        program.records = program.inputs.iter().map(|&value| Program::given(value)).collect();
        program.records.extend(records);
        program.mark_live();
        let mut needed = needed(&program, &inputs, self.record.has(MASK)).into_iter();
        inputs.retain(|_| needed.next() == Some(true));
        program.inputs.retain(|value| inputs.iter().any(|(input, ..)| input == value));
        (program, inputs.into_iter().map(|(_, part, operand)| (part, operand)).collect())
    }
}

/// Which inputs of the backward body are needed: what nothing reads would only be copied, but for sizes that nothing else brings.
fn needed(program: &Program, inputs: &[(u32, Part, Option<u32>)], masked: bool) -> Vec<bool> {
    const STEPS: i32 = 0;
    let read = program.read();
    let mut known = if masked { alloc::vec![STEPS, ROWS] } else { Vec::new() };
    let mut needed: Vec<bool> =
        inputs.iter().map(|&(value, part, _)| read[value as usize] || part.is_state()).collect();
    if inputs.iter().any(|&(_, part, _)| part == Part::Tape) {
        return needed; // the forward operands come with it
    }
    for wanted in [true, false] {
        for (needed, &(value, part, operand)) in needed.iter_mut().zip(inputs) {
            if *needed != wanted || operand.is_none() {
                continue;
            }
            let timed = matches!(part, Part::X | Part::TimeMajorX);
            let dims = program.values[value as usize].shape.dims().iter().copied();
            let sizes: Vec<i32> =
                dims.filter(|&dim| dim < 0 && dim != ANY).chain(timed.then_some(STEPS)).collect();
            *needed |= sizes.iter().any(|size| !known.contains(size));
            known.extend(sizes);
        }
    }
    needed
}
