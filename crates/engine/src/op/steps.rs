//! A step program over time: what the record says. The loop is `sequence/steps.rs`.
//!
//! Attributes: `[program, flags, previous outputs, list of parts, list of (result, body output), steps of a segment]`; the last may be
//! missing. There is a [`Part`] for each input of the body; inputs whose axis 0 is symbol 0 have rows, the others are the same for
//! all rows. Inputs: one for each body input that has one by its part, the mask, the previous outputs; then those of [`Again`].
//! The body's outputs are the new states, in the order of the state inputs, then whatever results name.

use super::rows::{ROWS, has_rows};
use super::{Outputs, Rule, Site};
use crate::error::{Error, Result};
use crate::program::Program;
use crate::tensor::{ANY, Dtype, Shape, Type, unified};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Binding runs it: `program/bind_steps.rs`.
pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(super::steps_grad::gradient),
    ..Rule::new(shape, |_| Ok(()))
};

/// From the last step to the first.
pub(crate) const BACKWARD: u32 = 1;
/// Masked steps put out zeros.
pub(crate) const ZERO_OUTPUT: u32 = 2;
/// There is a mask, `[batch, time]`.
pub(crate) const MASK: u32 = 4;
/// The mask is `[time, batch]`.
pub(crate) const TIME_MAJOR_MASK: u32 = 8;
/// The mask is `[time]`: the same for all rows.
pub(crate) const STEP_MASK: u32 = 16;

/// Where a mask has the rows of a step and its steps, by these flags.
pub(crate) fn mask_axes(flags: u32) -> &'static [Axis] {
    match flags & (TIME_MAJOR_MASK | STEP_MASK) {
        0 => &[Axis::Batch, Axis::Time],
        TIME_MAJOR_MASK => &[Axis::Time, Axis::Batch],
        _ => &[Axis::Time],
    }
}

/// How far a row is from the next in a mask, and a step.
pub(crate) fn mask_strides(flags: u32, batch: usize, time: usize) -> [usize; 2] {
    match mask_axes(flags) {
        [Axis::Batch, _] => [time, 1],
        [_, _] => [1, batch],
        _ => [0, 1],
    }
}

layer_rnn_kernels::numbered! {
    /// What an input of the body is.
    pub enum Part {
        /// Its operand has an axis of time behind the rows: `[batch, time, …]`, or `[time, …]` without rows.
        X,
        /// The axis of time comes first: `[time, batch, …]`.
        TimeMajorX,
        /// A state that starts from its operand.
        State,
        /// A state that starts from zeros and has no operand.
        ZeroState,
        /// The same at every step.
        Capture,
        /// What the steps that run [`Again`] have put out; it has no operand.
        Tape,
    }
}

layer_rnn_kernels::numbered! {
    /// What becomes of an output of the body.
    pub enum Emit {
        /// Its value at the last step; a masked step repeats the one before, as Keras 2 `backend.rnn`.
        Last,
        /// All values `[batch, time, …]` in the order of processing, masked steps as in `Last`.
        All,
        /// The same, `[time, batch, …]`.
        TimeMajorAll,
        /// The state of this number at the end.
        FinalState,
        /// What a masked step would repeat next.
        NextPrevious,
        /// All values `[batch, time, …]` at the times they belong to, zeros where masked.
        Timed,
        /// The same, `[time, batch, …]`.
        TimeMajorTimed,
        /// The state of this number before the first step of each segment, `[segments, batch, …]`.
        Kept,
        /// All values of a segment, `[steps, batch, …]` at the times they belong to.
        Tape,
    }
}

/// Steps that run again, a segment at a time, from states that were [`Emit::Kept`], for those that are their gradient. What they put
/// out is in the order of the parts that read it, [`Part::Tape`]. Their operands are those of the steps, mask and all, with what
/// was kept of every state.
pub(crate) struct Again {
    pub attrs: Vec<u32>,
    pub body: Arc<Program>,
}

/// The record, read.
pub(crate) struct Record<'a> {
    pub body: &'a Program,
    pub flags: u32,
    pub previous: usize,
    pub parts: Vec<Part>,
    pub results: Vec<(Emit, usize)>,
    /// The inputs of the body that are states.
    pub states: Vec<u32>,
    /// Steps of a segment; 0 if there are none.
    pub segment: usize,
}

impl<'a> Record<'a> {
    pub fn read(site: &Site<'a>) -> Result<Record<'a>> {
        let body = site.body.ok_or(Error::Attribute { index: 0, value: 0 })?;
        let flags = site.attr(1)?;
        if flags & !(BACKWARD | ZERO_OUTPUT | MASK | TIME_MAJOR_MASK | STEP_MASK) != 0 {
            return Err(Error::Attribute { index: 1, value: flags }.into());
        }
        let words = site.list(3)?;
        let bad = |index: usize, value: u32| Error::Attribute { index: index as u32, value };
        let mut parts = Vec::new();
        for &word in words {
            parts.push(Part::from_u32(word).ok_or(bad(3, word))?);
        }
        if parts.len() != body.inputs.len() {
            return Err(bad(3, parts.len() as u32).into());
        }
        let at = 4 + words.len();
        let mut results = Vec::new();
        let pairs = site.list(at)?;
        let segment = site.attrs.get(at + 1 + pairs.len()).map_or(0, |&steps| steps as usize);
        let mut states = Vec::new();
        for (&value, part) in body.inputs.iter().zip(&parts) {
            if part.is_state() {
                states.push(value);
            }
        }
        if pairs.is_empty() {
            return Err(bad(at, 0).into());
        }
        let outputs = body.outputs.len();
        for pair in pairs.chunks(2) {
            let &[word, output] = pair else { return Err(bad(at, 1).into()) };
            let kind = Emit::from_u32(word).filter(|&kind| kind != Emit::Kept || segment > 0);
            let kind = kind.ok_or(bad(at, word))?;
            let output = output as usize;
            let of_state = matches!(kind, Emit::FinalState | Emit::Kept);
            if output >= if of_state { states.len() } else { outputs } {
                return Err(Error::Index { value: output as i32, limit: outputs as i32 }.into());
            }
            results.push((kind, output));
        }
        let previous = site.attr(2)? as usize;
        if outputs < states.len() || previous > outputs - states.len() {
            return Err(Error::Index { value: previous as i32, limit: outputs as i32 }.into());
        }
        if body.again.is_none() && parts.contains(&Part::Tape) {
            return Err(bad(3, Part::Tape as u32).into());
        }
        Ok(Record { body, flags, previous, parts, results, states, segment })
    }

    /// Such a record's attributes.
    pub fn attrs(
        flags: u32,
        previous: usize,
        parts: &[Part],
        results: &[(Emit, usize)],
        segment: usize,
    ) -> Vec<u32> {
        let mut attrs = alloc::vec![0, flags, previous as u32, parts.len() as u32];
        for &part in parts {
            attrs.push(part as u32);
        }
        attrs.push(2 * results.len() as u32);
        for &(kind, output) in results {
            attrs.extend_from_slice(&[kind as u32, output as u32]);
        }
        attrs.push(segment as u32);
        attrs
    }

    pub fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    /// The traced type of body input `index`.
    pub fn input(&self, index: usize) -> Result<&'a Type> {
        self.body.ty(self.body.inputs[index])
    }

    /// The traced type of body output `index`.
    pub fn output(&self, index: usize) -> Result<&'a Type> {
        self.body.ty(self.body.outputs[index])
    }

    /// For each body input the op's operand, if it has one.
    pub fn operands(&self) -> impl Iterator<Item = (Part, Option<usize>)> {
        let mut next = 0;
        self.parts.iter().map(move |&part| {
            let operand = part.is_given().then_some(next);
            next += operand.is_some() as usize;
            (part, operand)
        })
    }

    /// Operands of the body's inputs; the mask comes behind them.
    pub fn given(&self) -> usize {
        self.parts.iter().filter(|part| part.is_given()).count()
    }

    /// The first operand with a previous output.
    pub fn first_previous(&self) -> usize {
        self.given() + self.has(MASK) as usize
    }

    /// The number of the previous output for what an output of the body puts out, if one is given.
    pub fn previous_of(&self, output: usize) -> Option<usize> {
        output.checked_sub(self.states.len()).filter(|&own| own < self.previous)
    }

    /// The steps that run again.
    #[inline(always)]
    pub fn again(&self) -> Option<&'a Again> {
        self.body.again.as_deref().filter(|_| cfg!(feature = "full"))
    }
}

impl Again {
    /// The types of their operands, for the gradient at `site`: of what was kept, the states of one segment.
    pub fn types(&self, site: &Site, of: &Record) -> Result<Vec<Type>> {
        let mut types = site.inputs.get(of.first_previous() + of.previous..).unwrap_or(&[]).to_vec();
        for (part, operand) in Record::read(&self.site(&[]))?.operands() {
            if let Some(ty) = operand.filter(|_| part.is_state()).and_then(|at| types.get_mut(at)) {
                ty.shape = Part::TimeMajorX.without_time(&ty.shape, &Shape::SCALAR);
            }
        }
        Ok(types)
    }

    /// What they are used with.
    pub fn site<'s>(&'s self, inputs: &'s [Type]) -> Site<'s> {
        Site { attrs: &self.attrs, inputs, body: Some(&self.body) }
    }
}

impl Part {
    pub(crate) fn is_state(self) -> bool {
        matches!(self, Part::State | Part::ZeroState)
    }

    /// Has it an operand?
    pub(crate) fn is_given(self) -> bool {
        !matches!(self, Part::ZeroState | Part::Tape)
    }

    /// The shape of an operand at one step; `inner` is what it is called in the body.
    pub(crate) fn without_time(self, operand: &Shape, inner: &Shape) -> Shape {
        let time = match self {
            Part::X => has_rows(inner) as usize,
            Part::TimeMajorX => 0,
            _ => return *operand,
        };
        let mut shape = Shape::SCALAR;
        for (_, &dim) in operand.dims().iter().enumerate().filter(|&(axis, _)| axis != time) {
            shape.push(dim).unwrap_or_default();
        }
        shape
    }
}

/// The sizes that operands have outside for the dims of the body.
pub(crate) struct Sizes {
    pub batch: i32,
    pub time: i32,
    /// (dim in the body, dim outside).
    symbols: Vec<(i32, i32)>,
}

impl Sizes {
    /// Matches the operands' types with the body's inputs.
    pub fn of(site: &Site, record: &Record) -> Result<Sizes> {
        let mut sizes = Sizes { batch: ANY, time: ANY, symbols: Vec::new() };
        let mut timed = false;
        if let Some(again) = record.again() {
            let types = again.types(site, record)?;
            let site = again.site(&types);
            sizes = Sizes::of(&site, &Record::read(&site)?)?;
            timed = true;
        }
        for (index, (part, operand)) in record.operands().enumerate() {
            let inner = record.input(index)?;
            let Some(operand) = operand else { continue };
            let outer = site.shaped(operand, inner.dtype)?;
            let rows = has_rows(&inner.shape);
            let lead: &[Axis] = match (part, rows) {
                (Part::X, true) => &[Axis::Batch, Axis::Time],
                (Part::TimeMajorX, true) => &[Axis::Time, Axis::Batch],
                (Part::X | Part::TimeMajorX, false) => &[Axis::Time],
                (_, true) => &[Axis::Batch],
                (_, false) => &[],
            };
            timed |= lead.contains(&Axis::Time);
            sizes.match_operand(operand, outer, lead, &inner.shape)?;
        }
        if record.has(MASK) {
            timed = true;
            let mask = site.shaped(record.given(), Dtype::Bool)?;
            sizes.match_operand(record.given(), mask, mask_axes(record.flags), &Shape::SCALAR)?;
        }
        for index in 0..record.previous {
            let inner = record.output(record.states.len() + index)?;
            let operand = record.first_previous() + index;
            let outer = site.shaped(operand, inner.dtype)?;
            let lead: &[Axis] = if has_rows(&inner.shape) { &[Axis::Batch] } else { &[] };
            sizes.match_operand(operand, outer, lead, &inner.shape)?;
        }
        if record.again().is_none() {
            site.count(record.first_previous() + record.previous)?;
        }
        if !timed {
            return Err(Error::Inputs { expected: 1, actual: 0 }.into());
        }
        if sizes.time == 0 {
            return Err(Error::Shape { input: 0, axis: 1, expected: 1, actual: 0 }.into());
        }
        Ok(sizes)
    }

    fn match_operand(&mut self, operand: usize, outer: &Shape, lead: &[Axis], inner: &Shape) -> Result<()> {
        let input = operand as u32;
        let own = has_rows(inner) as usize;
        let expected = lead.len() + inner.rank() - own;
        if outer.rank() != expected {
            return Err(Error::Rank { input, expected: expected as u32, actual: outer.rank() as u32 }.into());
        }
        for (axis, &actual) in outer.dims().iter().enumerate() {
            let known = match lead.get(axis) {
                Some(Axis::Batch) => &mut self.batch,
                Some(Axis::Time) => &mut self.time,
                None => match inner.dim(axis - lead.len() + own) {
                    ANY => continue,
                    dim if dim >= 0 => {
                        unified(input, axis, dim, actual)?;
                        continue;
                    }
                    dim => self.symbol(dim),
                },
            };
            *known = unified(input, axis, *known, actual)?;
        }
        Ok(())
    }

    fn symbol(&mut self, dim: i32) -> &mut i32 {
        let at = self.symbols.iter().position(|&(symbol, _)| symbol == dim).unwrap_or_else(|| {
            self.symbols.push((dim, ANY));
            self.symbols.len() - 1
        });
        &mut self.symbols[at].1
    }

    /// A dim of the body, outside.
    fn outside(&self, dim: i32) -> i32 {
        let known = self.symbols.iter().find(|&&(symbol, _)| symbol == dim && symbol != ANY);
        if dim >= 0 { dim } else { known.map_or(ANY, |&(_, outside)| outside) }
    }

    /// A shape of the body outside, behind the axes of time and batch; without rows there is no batch.
    fn shape(&self, lead: &[Axis], rows: bool, inner: &Shape) -> Result<Shape> {
        let mut shape = Shape::SCALAR;
        for &axis in lead.iter().filter(|&&axis| rows || axis == Axis::Time) {
            shape.push(if axis == Axis::Batch { self.batch } else { self.time })?;
        }
        for &dim in inner.dims().iter().skip(rows as usize) {
            shape.push(self.outside(dim))?;
        }
        Ok(shape)
    }
}

/// The types of all values of the body for a step of all rows, where the sizes of the operands are known.
pub(crate) fn infer(site: &Site, record: &Record, sizes: &Sizes) -> Result<Vec<Type>> {
    let body = record.body;
    let mut types = body.values.clone();
    let mut tape = Vec::new();
    if let Some(again) = record.again() {
        let types = again.types(site, record)?;
        let site = again.site(&types);
        let again = Record::read(&site)?;
        let types = infer(&site, &again, sizes)?;
        for &(_, output) in again.results.iter().rev() {
            tape.push(types[again.body.outputs[output] as usize]);
        }
    }
    for (index, (&value, (part, operand))) in body.inputs.iter().zip(record.operands()).enumerate() {
        let inner = &record.input(index)?.shape;
        let taped = if part == Part::Tape { tape.pop() } else { None };
        let shape = match (operand, taped) {
            (_, Some(taped)) => taped.shape,
            (None, _) => sizes.shape(&[Axis::Batch], has_rows(inner), inner)?,
            (Some(operand), _) => part.without_time(&site.input(operand)?.shape, inner),
        };
        if !shape.known() {
            return Err(Error::Attribute { index: 3, value: index as u32 }.into());
        }
        types[value as usize].shape = shape;
    }
    for (record, _) in body.records.iter().zip(&body.live).filter(|(_, live)| **live) {
        record.infer(&mut types)?;
    }
    Ok(types)
}

/// The axes in front of a value of the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Axis {
    Batch,
    Time,
}

fn shape(site: &Site) -> Result<Outputs> {
    let record = Record::read(site)?;
    let sizes = Sizes::of(site, &record)?;
    let known = site.inputs.iter().all(|ty| ty.shape.known());
    let types = if known { infer(site, &record, &sizes)? } else { record.body.values.clone() };
    let states = record.parts.iter().enumerate().filter(|(_, part)| part.is_state());
    for (output, (index, _)) in states.enumerate() {
        let (old, new) = (record.input(index)?, record.output(output)?);
        let input = index as u32;
        if new.dtype != old.dtype {
            return Err(Error::Dtype { input, expected: old.dtype, actual: new.dtype }.into());
        }
        let unified = old.shape.unify(&new.shape, input)?;
        let rows = has_rows(&old.shape);
        if rows != has_rows(if rows { &unified } else { &new.shape }) {
            return Err(Error::Shape { input, axis: 0, expected: ROWS, actual: unified.dim(0) }.into());
        }
        let [old, new] = [record.body.inputs[index], record.body.outputs[output]];
        types[old as usize].shape.unify(&types[new as usize].shape, input)?;
    }
    let mut outputs = Outputs(Vec::new());
    for &(kind, output) in &record.results {
        let ty = types[record.body.outputs[output] as usize];
        let rows = has_rows(&record.output(output)?.shape);
        let lead: &[Axis] = match kind {
            Emit::All | Emit::Timed => &[Axis::Batch, Axis::Time],
            Emit::TimeMajorAll | Emit::TimeMajorTimed | Emit::Kept | Emit::Tape => &[Axis::Time, Axis::Batch],
            Emit::Last | Emit::FinalState | Emit::NextPrevious => &[Axis::Batch],
        };
        let mut shape = sizes.shape(lead, rows, &ty.shape)?;
        if kind == Emit::Kept {
            let time = &mut shape.dims_mut()[0];
            *time = if *time < 0 { ANY } else { (*time as usize).div_ceil(record.segment) as i32 };
        }
        outputs.push(ty.dtype, shape);
    }
    Ok(outputs)
}
