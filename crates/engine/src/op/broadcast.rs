//! A value repeated to a larger shape.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site, dims, transpose};
use crate::error::{Error, Result};
use crate::tensor::{MAX_RANK, unify};
use layer_rnn_kernels::copy::Places;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, run)
};

fn shape(site: &Site) -> Result<Outputs> {
    let input = site.input(0)?;
    let mut shape = dims::shape(site, 0)?;
    let rank = input.shape.rank();
    if rank > shape.rank() {
        return Err(Error::Rank { input: 0, expected: shape.rank() as u32, actual: rank as u32 }.into());
    }
    let missing = shape.rank() - rank;
    for (axis, dim) in shape.dims_mut().iter_mut().enumerate().skip(missing) {
        let own = input.shape.dim(axis - missing);
        if own != 1 {
            let (expected, axis) = (*dim, (axis - missing) as u32);
            *dim = unify(*dim, own).ok_or(Error::Shape { input: 0, axis, expected, actual: own })?;
        }
    }
    Outputs::one(input.dtype, &shape)
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
    let dx = back.op(Op::SumTo, &[dy, back.input(0)], &[])?;
    back.give(0, dx);
    Ok(())
}
