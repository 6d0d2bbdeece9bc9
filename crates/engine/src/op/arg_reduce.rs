//! Index of the first largest or smallest element along an axis.

use super::{Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Shape};
use layer_rnn_kernels::reduce::{arg_max, arg_min};

pub(crate) const RULE: Rule = Rule::new(shape, run);

fn shape(site: &Site) -> Result<Outputs> {
    site.count(1)?;
    let input = site.shaped(0, Dtype::Float32)?;
    let reduced = site.axis(site.attr(1)?, input.rank())?;
    let mut shape = Shape::SCALAR;
    for (axis, &dim) in input.dims().iter().enumerate() {
        if axis != reduced {
            shape.push(dim)?;
        } else if dim == 0 {
            return Err(Error::Shape { input: 0, axis: axis as u32, expected: 1, actual: 0 }.into());
        }
    }
    Outputs::one(Dtype::Int32, &shape)
}

fn run(run: &mut Run) -> Result<()> {
    let input = run.shape(0);
    let axis = run.site.axis(run.site.attr(1)?, input.rank())?;
    let outer = input.product(0..axis);
    let inner = input.product(axis + 1..input.rank());
    let smallest = run.site.attr(0)? == 1;
    let kernel = if smallest { arg_min } else { arg_max };
    kernel(run.f32(0), outer, input.size(axis), inner, run.out_i32(0));
    Ok(())
}
