//! Shapes whose dims may be unknown while a program is traced.

use super::Dtype;
use crate::error::{Error, Result};
use layer_rnn_kernels::copy::Places;
use layer_rnn_kernels::walk::RANK;

/// Highest rank of a tensor.
pub const MAX_RANK: usize = RANK;

/// An unknown dim without a name: what arithmetic on unknown dims gives.
pub const ANY: i32 = i32::MIN;

/// Most elements of one tensor: byte offsets stay below 2³¹.
const MAX_ELEMENTS: usize = (1 << 29) - 1;

/// Up to [`MAX_RANK`] dims; a dim is known (≥ 0), a named unknown (−1 − symbol) or [`ANY`].
#[derive(Clone, Copy, Eq, Debug)]
pub struct Shape {
    rank: u8,
    dims: [i32; MAX_RANK],
}

impl PartialEq for Shape {
    #[inline(never)] // it is compared everywhere
    fn eq(&self, other: &Shape) -> bool {
        self.dims() == other.dims()
    }
}

impl Shape {
    /// The shape of a scalar.
    pub const SCALAR: Shape = Shape { rank: 0, dims: [1; MAX_RANK] };

    /// A shape of these dims; ranks above [`MAX_RANK`] are an error.
    pub fn new(dims: &[i32]) -> Result<Shape> {
        let mut shape = Shape::SCALAR;
        for &dim in dims {
            shape.push(dim)?;
        }
        Ok(shape)
    }

    /// The shape of some elements in a row.
    pub(crate) fn vector(elements: usize) -> Shape {
        let mut shape = Shape { rank: 1, ..Shape::SCALAR };
        shape.dims[0] = elements as i32;
        shape
    }

    /// Appends an axis.
    pub fn push(&mut self, dim: i32) -> Result<()> {
        let rank = self.rank as usize;
        let slot = self.dims.get_mut(rank).ok_or(Error::Rank {
            input: 0,
            expected: MAX_RANK as u32,
            actual: rank as u32 + 1,
        })?;
        *slot = dim;
        self.rank += 1;
        Ok(())
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.rank as usize
    }

    /// The dims in order.
    pub fn dims(&self) -> &[i32] {
        self.dims.get(..self.rank()).unwrap_or(&[])
    }

    /// The dims, to be changed in place.
    pub fn dims_mut(&mut self) -> &mut [i32] {
        let rank = self.rank();
        self.dims.get_mut(..rank).unwrap_or(&mut [])
    }

    /// The dim of an axis; axes beyond the rank have one element.
    pub fn dim(&self, axis: usize) -> i32 {
        self.dims.get(axis).copied().unwrap_or(1)
    }

    /// The size of an axis of a bound shape.
    pub fn size(&self, axis: usize) -> usize {
        self.dim(axis).max(0) as usize
    }

    /// Size of the last axis of a bound shape; 1 for scalars.
    pub fn last(&self) -> usize {
        self.dims().last().map_or(1, |&d| d.max(0) as usize)
    }

    /// Are all dims known?
    pub fn known(&self) -> bool {
        self.dims().iter().all(|&d| d >= 0)
    }

    /// Number of elements of a bound shape.
    pub fn elements(&self) -> usize {
        self.dims().iter().fold(1, |n, &d| n * d.max(0) as usize)
    }

    /// Product of the sizes of some axes of a bound shape.
    pub fn product(&self, axes: core::ops::Range<usize>) -> usize {
        axes.map(|axis| self.size(axis)).product()
    }

    /// [`Shape::elements`], or an error when a tensor of this shape could not be addressed. Sizes of 0 do not hide others that
    /// are too large: strides are products of them.
    pub fn checked_elements(&self) -> Result<usize> {
        let mut product = 1usize;
        for &dim in self.dims() {
            product = product
                .checked_mul(dim.max(1) as usize)
                .filter(|&n| n <= MAX_ELEMENTS)
                .ok_or(Error::Memory { words: u32::MAX })?;
        }
        Ok(if self.dims().iter().any(|&dim| dim <= 0) { 0 } else { product })
    }

    /// This shape with the unknown dims of `other` filled in where they agree.
    pub fn unify(&self, other: &Shape, input: u32) -> Result<Shape> {
        if self.rank != other.rank {
            return Err(Error::Rank { input, expected: self.rank.into(), actual: other.rank.into() }.into());
        }
        let mut shape = *self;
        for (axis, dim) in shape.dims_mut().iter_mut().enumerate() {
            *dim = unified(input, axis, *dim, other.dim(axis))?;
        }
        Ok(shape)
    }

    /// Sizes of a bound shape, 1 beyond its rank.
    pub fn sizes(&self) -> [usize; MAX_RANK] {
        core::array::from_fn(|axis| self.size(axis))
    }

    /// Where the elements of a bound shape lie, row after row.
    pub fn places(&self) -> Places {
        let mut places = Places { first: 0, strides: [0; MAX_RANK] };
        let mut stride = 1;
        for axis in (0..self.rank()).rev() {
            if let Some(to) = places.strides.get_mut(axis) {
                *to = stride;
            }
            stride *= self.size(axis) as isize;
        }
        places
    }
}

/// One dim that is both, if they may agree: known wins over named, named over [`ANY`].
pub(crate) fn unify(a: i32, b: i32) -> Option<i32> {
    match (a >= 0, b >= 0) {
        (true, true) => (a == b).then_some(a),
        (true, false) => Some(a),
        (false, true) => Some(b),
        (false, false) => Some(a.max(b)),
    }
}

/// [`unify`] of a dim that is expected on an axis and the actual one, or what is wrong with that.
#[inline(never)]
pub(crate) fn unified(input: u32, axis: usize, expected: i32, actual: i32) -> Result<i32> {
    let error = Error::Shape { input, axis: axis as u32, expected, actual };
    Ok(unify(expected, actual).ok_or(error)?)
}

/// Dtype and shape of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Type {
    /// Element type.
    pub dtype: Dtype,
    /// Dims, some of them unknown while tracing.
    pub shape: Shape,
}

impl Type {
    /// Words that a value of this bound type occupies.
    pub(crate) fn words(&self) -> Result<usize> {
        Ok(self.dtype.words(self.shape.checked_elements()?))
    }
}
