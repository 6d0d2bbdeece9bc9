//! Sums and their like over axes, in one fixed order whatever the layout.

#[cfg(feature = "full")]
use super::{Backward, Op, reshape};
use super::{Needs, Outputs, Rule, Run, Site, out_bool, out_f32};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::copy::{Places, copy_strided};
#[cfg(feature = "full")]
use layer_rnn_kernels::elementwise::{Binary, Compare};
use layer_rnn_kernels::reduce::{Reduce, reduce, reduce_bool};

pub(crate) const RULE: Rule = Rule {
    shape,
    needs,
    run,
    #[cfg(feature = "full")]
    gradient: Some(gradient),
};

fn shape(site: &Site) -> Result<Outputs> {
    site.count(1)?;
    let kind = site.kind(Reduce::from_u32)?;
    let dtype = if matches!(kind, Reduce::Any | Reduce::All) { Dtype::Bool } else { Dtype::Float32 };
    let input = site.shaped(0, dtype)?;
    let keep_dims = site.attr(1)? != 0;
    let reduced = axes(site)?;
    let mut shape = Shape::SCALAR;
    for (axis, &dim) in input.dims().iter().enumerate() {
        if !reduced[axis] {
            shape.push(dim)?;
        } else if keep_dims {
            shape.push(1)?;
        }
    }
    Outputs::one(dtype, &shape)
}

/// For each axis: is it reduced?
pub(crate) type Reduced = [bool; MAX_RANK];

/// Which axes the attribute list names.
fn axes(site: &Site) -> Result<Reduced> {
    let rank = site.input(0)?.shape.rank();
    let mut reduced = [false; MAX_RANK];
    for &word in site.list(2)? {
        let axis = site.axis(word, rank)?;
        if core::mem::replace(&mut reduced[axis], true) {
            return Err(Error::Attribute { index: 2, value: word }.into());
        }
    }
    Ok(reduced)
}

/// (outer, n, inner) when the reduced axes stand side by side.
fn neighbours(input: &Shape, reduced: &Reduced) -> Option<(usize, usize, usize)> {
    let mut parts = [1usize; 3];
    let mut part = 0;
    for (axis, &dim) in input.dims().iter().enumerate() {
        match (part, reduced[axis]) {
            (0, true) => part = 1,
            (1, false) => part = 2,
            (2, true) => return None,
            _ => {}
        }
        parts[part] *= dim as usize;
    }
    Some((parts[0], parts[1], parts[2]))
}

fn needs(site: &Site) -> Result<Needs> {
    let input = site.input(0)?;
    let moved = neighbours(&input.shape, &axes(site)?).is_none();
    Ok(Needs { scratch: if moved { input.words()? } else { 0 }, ..Needs::default() })
}

fn run(run: &mut Run) -> Result<()> {
    let kind = run.site.kind(Reduce::from_u32)?;
    let input = run.shape(0);
    let reduced = axes(&run.site)?;
    if run.outputs[0].dtype == Dtype::Bool {
        let x = run.bool(0);
        let moved = bytemuck::cast_slice_mut(run.scratch);
        let y = out_bool(run.out, run.made, 0);
        over_axes(x, input, &reduced, moved, y, |x, [o, n, i], y| reduce_bool(kind, x, o, n, i, y));
    } else {
        let (x, y) = (run.f32(0), out_f32(run.out, run.made, 0));
        reduce_axes(kind, x, input, &reduced, run.scratch, y);
    }
    Ok(())
}

/// Reduces some axes of x; where they do not stand side by side, `moved` takes a copy of x in which they do.
pub(crate) fn reduce_axes(
    kind: Reduce,
    x: &[f32],
    shape: &Shape,
    reduced: &Reduced,
    moved: &mut [f32],
    y: &mut [f32],
) {
    over_axes(x, shape, reduced, moved, y, |x, [o, n, i], y| reduce(kind, x, o, n, i, y));
}

fn over_axes<T: Copy>(
    x: &[T],
    shape: &Shape,
    reduced: &Reduced,
    moved: &mut [T],
    y: &mut [T],
    kernel: impl Fn(&[T], [usize; 3], &mut [T]),
) {
    if let Some((outer, n, inner)) = neighbours(shape, reduced) {
        return kernel(x, [outer, n, inner], y);
    }
    // bring the reduced axes to the end first
    let own = shape.places();
    let (mut sizes, mut from) = ([1; MAX_RANK], own);
    let (mut at, mut outer, mut n) = (0, 1, 1);
    for last in [false, true] {
        for axis in (0..shape.rank()).filter(|&axis| reduced[axis] == last) {
            sizes[at] = shape.size(axis);
            from.strides[at] = own.strides[axis];
            *(if last { &mut n } else { &mut outer }) *= sizes[at];
            at += 1;
        }
    }
    let mut to = Places { first: 0, strides: [1; MAX_RANK] };
    for axis in (1..MAX_RANK).rev() {
        to.strides[axis - 1] = to.strides[axis] * sizes[axis] as isize;
    }
    copy_strided(&sizes, x, &from, moved, &to);
    kernel(&moved[..outer * n], [outer, n, 1], y);
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let site = back.site();
    let kind = site.kind(Reduce::from_u32)?;
    let dy = back.only_dy()?;
    let (x, y) = (back.input(0), back.output(0));
    let reduced = axes(&site)?;
    let dy = keep(back, dy, &reduced)?;
    let dx = match kind {
        Reduce::Sum => back.broadcast(dy, x)?,
        Reduce::Mean => {
            let count = back.op(Op::Size, &[x], &site.attrs[2..])?;
            let dy = back.binary(Binary::Div, dy, count)?;
            back.broadcast(dy, x)?
        }
        Reduce::Max | Reduce::Min => {
            // the largest share it
            let y = keep(back, y, &reduced)?;
            let largest = back.compare(Compare::Equal, x, y)?;
            let ones = back.op(Op::Cast, &[largest], &[Dtype::Float32 as u32])?;
            let count = over(back, Reduce::Sum, ones)?;
            let share = back.binary(Binary::Div, dy, count)?;
            let zero = back.number(0.0)?;
            back.select(largest, share, zero)?
        }
        // Of the others, zeros apart: one that stands among them is a factor (as a sum, which has its slope), two make the
        // slope nothing. So gradients of gradients are right too; third ones lose what three zeros share.
        Reduce::Prod => {
            let (zero, one) = (back.number(0.0)?, back.number(1.0)?);
            let is_zero = back.compare(Compare::Equal, x, zero)?;
            let others = back.select(is_zero, one, x)?;
            let product = over(back, Reduce::Prod, others)?;
            let slope = back.binary(Binary::Div, product, others)?;
            let ones = back.op(Op::Cast, &[is_zero], &[Dtype::Float32 as u32])?;
            let count = over(back, Reduce::Sum, ones)?;
            let own = back.binary(Binary::Sub, count, ones)?;
            let alone = back.compare(Compare::Equal, own, zero)?;
            let zeros = back.select(is_zero, x, zero)?;
            let sum = over(back, Reduce::Sum, zeros)?;
            let other = back.binary(Binary::Sub, sum, zeros)?;
            let of_two = back.mul(slope, other)?;
            let one_other = back.compare(Compare::Equal, own, one)?;
            let rest = back.select(one_other, of_two, zero)?;
            let slope = back.select(alone, slope, rest)?;
            back.mul(dy, slope)?
        }
        Reduce::Any | Reduce::All => return Ok(()),
    };
    back.give(0, dx);
    Ok(())
}

/// The record's reduction of another value, its axes kept.
#[cfg(feature = "full")]
fn over(back: &mut Backward, kind: Reduce, x: u32) -> Result<u32> {
    let mut attrs = back.site().attrs.to_vec();
    attrs[..2].copy_from_slice(&[kind as u32, 1]);
    back.op(Op::Reduce, &[x], &attrs)
}

/// An output of the record with its reduced axes kept.
#[cfg(feature = "full")]
fn keep(back: &mut Backward, value: u32, reduced: &Reduced) -> Result<u32> {
    let rank = back.site().input(0)?.shape.rank();
    if back.ty(value)?.shape.rank() == rank {
        return Ok(value);
    }
    let mut codes = alloc::vec![2 * rank as u32];
    let mut next = 0;
    for &reduced in &reduced[..rank] {
        codes.extend(if reduced { [reshape::LITERAL, 1] } else { [reshape::COPY, next] });
        next += u32::from(!reduced);
    }
    back.op(Op::Reshape, &[value], &codes)
}
