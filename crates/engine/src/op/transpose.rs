//! Permuted axes.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::copy::{Places, copy_strided};

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, |run| {
        let own = run.shape(0).places();
        let mut from = own;
        for (stride, &axis) in from.strides.iter_mut().zip(run.site.list(0)?) {
            *stride = own.strides[run.site.axis(axis, run.shape(0).rank())?];
        }
        copy(run, &from);
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

/// Fills output 0 from places in input 0.
pub(crate) fn copy(run: &mut Run, from: &Places) {
    let shape = run.outputs[0].shape;
    copy_part(run, 0, &shape.sizes(), from, &shape.places());
}

/// Copies rows of `width` whose starts are `from` and `to` apart: a part of an axis, as gates are taken out of their products.
pub(crate) fn copy_rows(x: &[f32], from: usize, y: &mut [f32], to: usize, width: usize) {
    if width > 0 {
        for (x, y) in x.chunks(from).zip(y.chunks_mut(to)) {
            y[..width].copy_from_slice(&x[..width]);
        }
    }
}

/// Copies elements of an input to places in output 0.
pub(crate) fn copy_part(run: &mut Run, input: usize, sizes: &[usize; MAX_RANK], from: &Places, to: &Places) {
    if run.outputs[0].dtype == Dtype::Bool {
        copy_strided(sizes, run.bool(input), from, run.out_bool(0), to);
    } else {
        copy_strided(sizes, run.f32(input), from, run.out_f32(0), to);
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
    back.give_op(0, Op::Transpose, &[dy], &inverse)
}
