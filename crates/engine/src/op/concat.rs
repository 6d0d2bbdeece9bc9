//! Values joined along an axis.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site, transpose};
use crate::error::{Error, Result};
use crate::tensor::{ANY, Dtype, Type};

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, run)
};

fn shape(site: &Site) -> Result<Outputs> {
    let Type { dtype, shape } = joined(site)?;
    Outputs::one(dtype, &shape)
}

/// Type of all inputs joined.
pub(crate) fn joined(site: &Site) -> Result<Type> {
    let first = site.input(0)?;
    let axis = site.axis(site.attr(0)?, first.shape.rank())?;
    let mut shape = first.shape;
    let mut total = first.shape.dim(axis);
    for index in 1..site.inputs.len() {
        let mut other = *site.shaped(index, first.dtype)?;
        if other.rank() != shape.rank() {
            let (expected, actual) = (shape.rank() as u32, other.rank() as u32);
            return Err(Error::Rank { input: index as u32, expected, actual }.into());
        }
        let dim = other.dim(axis);
        total = if total < 0 || dim < 0 { ANY } else { total.saturating_add(dim) };
        other.dims_mut()[axis] = shape.dim(axis);
        shape = shape.unify(&other, index as u32)?;
    }
    shape.dims_mut()[axis] = total;
    Ok(Type { dtype: first.dtype, shape })
}

fn run(run: &mut Run) -> Result<()> {
    let output = run.outputs[0].shape;
    let axis = run.site.axis(run.site.attr(0)?, output.rank())?;
    let mut to = output.places();
    let inner = output.product(axis + 1..output.rank());
    for index in 0..run.site.inputs.len() {
        let shape = run.shape(index);
        let width = shape.size(axis) * inner;
        if run.outputs[0].dtype == Dtype::Bool {
            transpose::copy_part(run, index, &shape.sizes(), &shape.places(), &to);
        } else {
            let x = run.f32(index);
            let y = run.out_f32(0).get_mut(to.first as usize..).unwrap_or_default();
            transpose::copy_rows(x, width, y, output.size(axis) * inner, width);
        }
        to.first += width as isize;
    }
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let site = back.site();
    let operands: alloc::vec::Vec<u32> =
        [dy].into_iter().chain((0..site.inputs.len()).map(|i| back.input(i))).collect();
    for index in 0..site.inputs.len() {
        back.give_op(index, Op::Part, &operands, &[site.attr(0)?, index as u32])?;
    }
    Ok(())
}
