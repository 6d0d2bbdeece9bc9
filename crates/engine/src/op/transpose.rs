//! Permuted axes.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::copy::copy_strided;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, |run| {
        let input = run.shape(0);
        let own = input.strides();
        let mut strides = [0isize; MAX_RANK];
        for (stride, &axis) in strides.iter_mut().zip(run.site.list(0)?) {
            *stride = own[run.site.axis(axis, input.rank())?] as isize;
        }
        copy(run, 0, &strides);
        Ok(())
    })
};

fn shape(site: &Site) -> Result<Outputs> {
    site.count(1)?;
    let input = site.input(0)?;
    let axes = site.list(0)?;
    if axes.len() != input.shape.rank() {
        let (expected, actual) = (input.shape.rank() as u32, axes.len() as u32);
        return Err(Error::Rank { input: 0, expected, actual }.into());
    }
    let mut seen = [false; MAX_RANK];
    let mut shape = Shape::SCALAR;
    for &word in axes {
        let axis = site.axis(word, input.shape.rank())?;
        if core::mem::replace(&mut seen[axis], true) {
            return Err(Error::Attribute { index: 0, value: word }.into());
        }
        shape.push(input.shape.dim(axis))?;
    }
    Outputs::one(input.dtype, &shape)
}

/// Fills output 0 from input 0, read from element `offset` with a stride for each output axis.
pub(crate) fn copy(run: &mut Run, offset: isize, strides: &[isize; MAX_RANK]) {
    let output = run.outputs[0];
    let rank = output.shape.rank();
    let mut sizes = [1; MAX_RANK];
    for (axis, size) in sizes.iter_mut().enumerate() {
        *size = output.shape.size(axis);
    }
    let to = output.shape.strides();
    if output.shape.elements() == 0 {
        return;
    }
    if output.dtype == Dtype::Bool {
        copy_strided(&sizes[..rank], run.bool(0), offset, &strides[..rank], run.out_bool(0), 0, &to[..rank]);
    } else {
        copy_strided(&sizes[..rank], run.f32(0), offset, &strides[..rank], run.out_f32(0), 0, &to[..rank]);
    }
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let site = back.site();
    let axes = site.list(0)?;
    let mut inverse = alloc::vec![0; axes.len() + 1];
    inverse[0] = axes.len() as u32;
    for (to, &from) in (0..).zip(axes) {
        inverse[1 + site.axis(from, axes.len())?] = to;
    }
    let dx = back.op(Op::Transpose, &[dy], &inverse)?;
    back.give(0, dx);
    Ok(())
}
