//! A value repeated to a larger shape.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site, dims, transpose};
use crate::error::{Error, Result};
use crate::tensor::{MAX_RANK, Shape, unify};
use layer_rnn_kernels::copy::Places;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, run)
};

fn shape(site: &Site) -> Result<Outputs> {
    let input = site.input(0)?;
    let shape = larger(&dims::shape(site, 0)?, &input.shape, 0)?;
    Outputs::one(input.dtype, &shape)
}

/// A shape to which the shape `own` of an input can be broadcast, with what that says of its dims.
pub(crate) fn larger(shape: &Shape, own: &Shape, input: u32) -> Result<Shape> {
    let mut shape = *shape;
    let rank = shape.rank();
    let Some(missing) = rank.checked_sub(own.rank()) else {
        return Err(Error::Rank { input, expected: rank as u32, actual: own.rank() as u32 }.into());
    };
    for (axis, (dim, &actual)) in (0..).zip(shape.dims_mut()[missing..].iter_mut().zip(own.dims())) {
        if actual != 1 {
            *dim = unify(*dim, actual).ok_or(Error::Shape { input, axis, expected: *dim, actual })?;
        }
    }
    Ok(shape)
}

fn run(run: &mut Run) -> Result<()> {
    let input = run.shape(0);
    let own = input.places();
    let missing = run.outputs[0].shape.rank() - input.rank();
    let mut from = Places { first: 0, strides: [0; MAX_RANK] };
    for axis in 0..input.rank() {
        if input.dim(axis) != 1 {
            from.strides[axis + missing] = own.strides[axis];
        }
    }
    transpose::copy(run, &from);
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give_op(0, Op::SumTo, &[dy, back.input(0)], &[])
}
