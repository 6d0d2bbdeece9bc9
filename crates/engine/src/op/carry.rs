//! The gradients of a sequence's results, each at the step that made it: a masked step repeats the output before it, so what
//! reaches it belongs to the last active step before, or to the given previous output if there is none.
//!
//! Attributes: flags of `op/steps.rs`, which gradients are given (bits of [`given`]), an axis. Inputs: a value whose axis of this
//! number is the time, the gradients in the order of their bits, the mask.
//! Outputs: `[time, batch, …]` at the times they belong to, zeros where masked; what is left for the previous output.

use super::rows::ROWS;
use super::steps::{Axis, BACKWARD, Emit, MASK, Part, Record, ZERO_OUTPUT, mask_axes, mask_strides};
use super::{Backward, Outputs, Rule, Run, Site, out_f32};
use crate::error::{Error, Result};
use crate::program::Builder;
use crate::sequence::Order;
use crate::tensor::{Dtype, Shape, Type};
use alloc::vec::Vec;
use layer_rnn_kernels::vector::axpy;

/// Which gradients are given.
pub(crate) mod given {
    /// Of all outputs `[batch, time, …]` in the order of processing.
    pub const ALL: u32 = 1;
    /// The same `[time, batch, …]`.
    pub const TIME_MAJOR_ALL: u32 = 2;
    /// Of all values `[batch, time, …]` at their times.
    pub const TIMED: u32 = 4;
    /// The same `[time, batch, …]`.
    pub const TIME_MAJOR_TIMED: u32 = 8;
    /// Of the last output.
    pub const LAST: u32 = 16;
    /// Of what a masked step would repeat next.
    pub const NEXT: u32 = 32;

    /// The results, by bit.
    pub const KINDS: [super::Emit; 6] = [
        super::Emit::All,
        super::Emit::TimeMajorAll,
        super::Emit::Timed,
        super::Emit::TimeMajorTimed,
        super::Emit::Last,
        super::Emit::NextPrevious,
    ];

    /// The bit of a result's gradient; states have none.
    pub fn bit(kind: super::Emit) -> Option<usize> {
        KINDS.iter().position(|&other| other == kind)
    }
}

pub(crate) const RULE: Rule = Rule { gradient: Some(gradient), ..Rule::new(shape, run) };

/// The inputs of the gradients given, by bit; the one behind them is the mask.
fn inputs(site: &Site) -> Result<([Option<usize>; 6], usize)> {
    let bits = site.attr(1)?;
    let mut next = 1;
    let inputs = core::array::from_fn(|bit| {
        let given = bits & 1 << bit != 0;
        let input = given.then_some(next);
        next += given as usize;
        input
    });
    Ok((inputs, next))
}

fn shape(site: &Site) -> Result<Outputs> {
    let flags = site.attr(0)?;
    let (given, mask) = inputs(site)?;
    let timed = &site.input(0)?.shape;
    let time = timed.dim(site.axis(site.attr(2)?, timed.rank())?);
    // [time, batch, …]
    let mut all: Option<Shape> = None;
    for (bit, input) in given.into_iter().enumerate() {
        let Some(input) = input else { continue };
        let mut shape = *site.shaped(input, Dtype::Float32)?;
        let least = if bit < 4 { 2 } else { 1 };
        if shape.rank() < least {
            return Err(Error::Rank {
                input: input as u32,
                expected: least as u32,
                actual: shape.rank() as u32,
            }
            .into());
        }
        if 1 << bit & (given::ALL | given::TIMED) != 0 {
            shape.dims_mut().swap(0, 1);
        } else if bit >= 4 {
            let mut with_time = Shape::new(&[time])?;
            for &dim in shape.dims() {
                with_time.push(dim)?;
            }
            shape = with_time;
        }
        all = Some(match all {
            Some(all) => all.unify(&shape, input as u32)?,
            None => shape,
        });
    }
    let all = all.ok_or(Error::Attribute { index: 1, value: 0 })?;
    if flags & MASK != 0 {
        let mut expected = Shape::SCALAR;
        for &axis in mask_axes(flags) {
            expected.push(all.dim((axis == Axis::Batch) as usize))?;
        }
        expected.unify(site.shaped(mask, Dtype::Bool)?, mask as u32)?;
    }
    site.count(mask + (flags & MASK != 0) as usize)?;
    let mut outputs = Outputs::one(Dtype::Float32, &all)?;
    outputs.push(Dtype::Float32, Shape::new(&all.dims()[1..])?);
    Ok(outputs)
}

fn run(run: &mut Run) -> Result<()> {
    let flags = run.site.attr(0)?;
    let (given, mask) = inputs(&run.site)?;
    let all = &run.outputs[0].shape;
    let (time, batch, width) = (all.size(0), all.size(1), all.product(2..all.rank()));
    let order = Order {
        batch,
        time,
        backward: flags & BACKWARD != 0,
        mask: (flags & MASK != 0).then(|| run.bool(mask)),
        strides: mask_strides(flags, batch, time),
    };
    let zero = flags & ZERO_OUTPUT != 0;
    let dys = given.map(|input| input.map(|input| run.f32(input)));
    let (first, second) = run.out.split_at_mut(1);
    let all = out_f32(first, &run.made[..1], 0);
    let left = out_f32(second, &run.made[1..], 0);
    left.fill(0.0);
    for step in (0..time).rev() {
        let at = order.time_of(step);
        for row in 0..batch {
            let carried = &mut left[row * width..][..width];
            let active = order.active(row, at);
            let (last, counts) = (step + 1 == time, active || !zero);
            for (bit, index, adds) in [
                (given::NEXT, row, last),
                (given::LAST, row, last && counts),
                (given::ALL, row * time + step, counts),
                (given::TIME_MAJOR_ALL, step * batch + row, counts),
                (given::TIMED, row * time + at, active),
                (given::TIME_MAJOR_TIMED, at * batch + row, active),
            ] {
                if let Some(dy) = dys[bit.trailing_zeros() as usize].filter(|_| adds) {
                    axpy(1.0, &dy[index * width..][..width], carried);
                }
            }
            let all = &mut all[(at * batch + row) * width..][..width];
            if active {
                all.copy_from_slice(carried);
                carried.fill(0.0);
            } else {
                all.fill(0.0);
            }
        }
    }
    Ok(())
}

/// Linear. The other way round it is a sequence whose steps put out what they are given, and repeat it where they are masked.
fn gradient(back: &mut Backward) -> Result<()> {
    let site = back.site();
    let (given, mask) = inputs(&site)?;
    let all = back.ty(back.output(0))?.shape;
    let mut dys = [0; 2];
    for (index, dy) in dys.iter_mut().enumerate() {
        *dy = match back.dy(index)? {
            Some(dy) => dy,
            None => back.zeros(back.output(index))?,
        };
    }
    let mut shape = Shape::new(&[ROWS])?;
    for (symbol, &dim) in (1..).zip(&all.dims()[2..]) {
        shape.push(if dim < 0 { ROWS - symbol } else { dim })?;
    }
    let mut step = Builder::new();
    let x = step.input(Type { dtype: Dtype::Float32, shape });
    let step = step.finish(&[x], &[])?;
    let mut results = Vec::new();
    for (bit, input) in given.iter().enumerate() {
        if input.is_some() {
            results.push((given::KINDS[bit], 0));
        }
    }
    let attrs = Record::attrs(site.attr(0)?, 1, &[Part::TimeMajorX], &results, 0);
    let mut operands = alloc::vec![dys[0]];
    if mask < site.inputs.len() {
        operands.push(back.input(mask));
    }
    operands.push(dys[1]);
    let made = back.steps(&operands, &attrs, step)?;
    for (&input, &gradient) in given.iter().flatten().zip(&made) {
        back.give(input, gradient);
    }
    Ok(())
}
