//! The same elements in another shape: binding makes it a second name of the same memory, so there is nothing to run.

#[cfg(feature = "full")]
use super::Backward;
use super::{Outputs, Rule, Site};
use crate::error::{Error, Result};
use crate::tensor::{ANY, Shape};

pub(crate) const LITERAL: u32 = 0;
pub(crate) const COPY: u32 = 1;
const INFER: u32 = 2;
/// As the axis of a second input, of which nothing else is used.
pub(crate) const LIKE: u32 = 3;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, |_| Ok(()))
};

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 1 {
        site.count(2)?;
    }
    let input = site.input(0)?;
    let mut shape = Shape::SCALAR;
    let mut inferred = None;
    for (axis, dim) in site.list(0)?.chunks(2).enumerate() {
        let &[code, n] = dim else {
            return Err(Error::Attribute { index: 0, value: dim.len() as u32 }.into());
        };
        shape.push(match code {
            LITERAL if n as i32 >= 0 => n as i32,
            COPY => input.shape.dim(site.axis(n, input.shape.rank())?),
            LIKE => {
                let like = &site.input(1)?.shape;
                like.dim(site.axis(n, like.rank())?)
            }
            INFER if inferred.is_none() => {
                inferred = Some(axis);
                ANY
            }
            _ => {
                return Err(Error::Attribute { index: 0, value: code }.into());
            }
        })?;
    }
    if input.shape.known() {
        let total = input.shape.checked_elements()? as i32;
        if let Some(axis) = inferred {
            shape.dims_mut()[axis] = 1;
            let others = shape.checked_elements()? as i32;
            shape.dims_mut()[axis] = total.checked_div(others).unwrap_or(0);
        }
        if shape.known() && shape.checked_elements()? as i32 != total {
            let actual = shape.elements() as i32;
            return Err(Error::Shape { input: 0, axis: u32::MAX, expected: total, actual }.into());
        }
    }
    if let (Some(axis), Some(dim)) = (inferred, unknown(&input.shape, &shape)) {
        shape.dims_mut()[axis] = dim;
    }
    Outputs::one(input.dtype, &shape)
}

/// The one unknown dim of `from`, where the inferred one of `to` must be the same: all others are known, with equal products.
fn unknown(from: &Shape, to: &Shape) -> Option<i32> {
    let known = |shape: &Shape| {
        let mut dims = shape.dims().iter().filter(|&&dim| dim >= 0);
        dims.try_fold(1i32, |product, &dim| product.checked_mul(dim))
    };
    let count = |shape: &Shape| shape.dims().iter().filter(|&&dim| dim < 0).count();
    let same = count(from) == 1 && count(to) == 1 && known(from)? == known(to)? && known(to)? > 0;
    from.dims().iter().copied().find(|&dim| dim < 0 && same)
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let dx = back.reshape_like(dy, back.input(0))?;
    back.give(0, dx);
    Ok(())
}
