//! Sums and their like over axes, in one fixed order whatever the layout.

use super::{Needs, Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::copy::copy_strided;
use layer_rnn_kernels::reduce::{Reduce, reduce, reduce_bool};

pub(crate) const RULE: Rule = Rule { shape, needs, run };

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
    Outputs::one(dtype, shape)
}

/// Which axes the attribute list names.
fn axes(site: &Site) -> Result<[bool; MAX_RANK]> {
    let rank = site.input(0)?.shape.rank();
    let mut reduced = [false; MAX_RANK];
    for &word in site.list(2)? {
        let axis = site.axis(word, rank)?;
        if core::mem::replace(&mut reduced[axis], true) {
            return Err(Error::Attribute { index: 2, value: word });
        }
    }
    Ok(reduced)
}

/// (outer, n, inner) when the reduced axes stand side by side.
fn neighbours(input: &Shape, reduced: &[bool; MAX_RANK]) -> Option<(usize, usize, usize)> {
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
    if let Some((outer, n, inner)) = neighbours(&input, &reduced) {
        if run.outputs[0].dtype == Dtype::Bool {
            reduce_bool(kind, run.bool(0), outer, n, inner, run.out_bool(0));
        } else {
            reduce(kind, run.f32(0), outer, n, inner, run.out_f32(0));
        }
        return Ok(());
    }
    // bring the reduced axes to the end first
    let own = input.strides();
    let (mut sizes, mut strides, mut to) = ([1; MAX_RANK], [0isize; MAX_RANK], [0; MAX_RANK]);
    let (mut at, mut outer, mut n) = (0, 1, 1);
    for last in [false, true] {
        for axis in (0..input.rank()).filter(|&axis| reduced[axis] == last) {
            sizes[at] = input.size(axis);
            strides[at] = own[axis] as isize;
            *(if last { &mut n } else { &mut outer }) *= sizes[at];
            at += 1;
        }
    }
    let mut stride = 1;
    for axis in (0..at).rev() {
        to[axis] = stride;
        stride *= sizes[axis];
    }
    if run.outputs[0].dtype == Dtype::Bool {
        let (x, y) = (run.bool(0), &mut run.out[0]);
        let moved: &mut [u8] = bytemuck::cast_slice_mut(run.scratch);
        copy_strided(&sizes[..at], x, 0, &strides[..at], moved, 0, &to[..at]);
        reduce_bool(kind, &moved[..outer * n], outer, n, 1, bytemuck::cast_slice_mut(y.f32_mut()));
    } else {
        let x = run.f32(0);
        copy_strided(&sizes[..at], x, 0, &strides[..at], run.scratch, 0, &to[..at]);
        let y = super::out_f32(run.out, run.made, 0);
        reduce(kind, &run.scratch[..outer * n], outer, n, 1, y);
    }
    Ok(())
}
