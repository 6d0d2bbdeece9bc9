//! Shapes written in attributes: lists of (code, n, operand).

use super::Site;
use crate::error::{Error, Result};
use crate::tensor::Shape;

const LITERAL: u32 = 0;
/// Axis `n` of an operand.
pub(crate) const COPY: u32 = 1;

/// A shape whose dims are literals (code 0) or copies of axis n of an operand (code 1), so that no attribute holds a
/// number that came from an unknown dim.
pub(crate) fn shape(site: &Site, index: usize) -> Result<Shape> {
    let mut shape = Shape::SCALAR;
    for dim in site.list(index)?.chunks(3) {
        let &[code, n, operand] = dim else {
            return Err(Error::Attribute { index: index as u32, value: dim.len() as u32 }.into());
        };
        shape.push(match code {
            LITERAL if n as i32 >= 0 => n as i32,
            COPY => {
                let source = &site.input(operand as usize)?.shape;
                source.dim(site.axis(n, source.rank())?)
            }
            _ => {
                return Err(Error::Attribute { index: index as u32, value: code }.into());
            }
        })?;
    }
    Ok(shape)
}
