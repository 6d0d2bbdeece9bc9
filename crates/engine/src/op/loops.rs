//! Broadcasting: which runs of contiguous elements an elementwise op visits.

use super::Site;
use crate::error::{Error, Result};
use crate::tensor::{Shape, Type, unify};
use layer_rnn_kernels::elementwise::Operand;
use layer_rnn_kernels::walk::{ARRAYS, Axis, Walk};

/// The shape to which the inputs `range` broadcast (as NumPy).
pub(crate) fn broadcast(site: &Site, first: usize) -> Result<Shape> {
    let inputs = site.inputs.get(first..).unwrap_or(&[]);
    let rank = inputs.iter().map(|ty| ty.shape.rank()).max().unwrap_or(0);
    let mut shape = Shape::SCALAR;
    for axis in 0..rank {
        let mut dim = 1;
        for (input, ty) in inputs.iter().enumerate() {
            let missing = rank - ty.shape.rank();
            let own = if axis < missing { 1 } else { ty.shape.dim(axis - missing) };
            dim = match (dim, own) {
                (1, own) => own,
                (dim, 1) => dim,
                (dim, own) => unify(dim, own).ok_or(Error::Shape {
                    input: (first + input) as u32,
                    axis: (axis - missing) as u32,
                    expected: dim,
                    actual: own,
                })?,
            };
        }
        shape.push(dim)?;
    }
    Ok(shape)
}

/// Calls `one` with each run of a bound op that broadcasts its inputs, three at most: inside a run an operand stands still or moves
/// by one.
pub(crate) fn for_each(outputs: &[Type], inputs: &[Type], one: &mut dyn FnMut(Span)) {
    let output = &outputs[0].shape;
    let arrays = || outputs.iter().chain(inputs).map(|ty| &ty.shape).take(ARRAYS);
    let mut inner = Axis { length: output.elements(), steps: [0; ARRAYS] };
    // mostly nothing is broadcast but single numbers
    if arrays().all(|shape| shape == output || shape.rank() == 0) {
        for (step, shape) in inner.steps.iter_mut().zip(arrays()) {
            *step = isize::from(shape.rank() > 0);
        }
        return one(Span { inner, at: [0; ARRAYS] });
    }
    let mut walk = Walk::new([0; ARRAYS], Axis { length: 1, ..inner });
    let mut strides = [1; ARRAYS];
    for back in 1..=output.rank() {
        let mut axis = Axis { length: output.size(output.rank() - back), steps: [0; ARRAYS] };
        for ((step, stride), shape) in axis.steps.iter_mut().zip(&mut strides).zip(arrays()) {
            let size = shape.rank().checked_sub(back).map_or(1, |axis| shape.size(axis));
            if size != 1 {
                *step = *stride;
                *stride *= size as isize;
            }
        }
        walk.add(axis);
    }
    inner = walk.inner();
    for at in &mut walk {
        one(Span { inner, at });
    }
}

/// One run, and where it begins in the output and its operands.
pub(crate) struct Span {
    inner: Axis,
    at: [isize; ARRAYS],
}

impl Span {
    /// The part of operand `n` that this run reads.
    pub fn operand<'a, T: Copy + Default>(&self, n: usize, data: &'a [T]) -> Operand<'a, T> {
        let first = self.at[n + 1] as usize;
        if self.inner.steps[n + 1] != 0 {
            return Operand::Slice(data.get(first..first + self.inner.length).unwrap_or(&[]));
        }
        Operand::Scalar(data.get(first).copied().unwrap_or_default())
    }

    /// The part of the output that this run writes.
    pub fn output<'a, T>(&self, data: &'a mut [T]) -> &'a mut [T] {
        let first = self.at[0] as usize;
        data.get_mut(first..first + self.inner.length).unwrap_or_default()
    }
}
