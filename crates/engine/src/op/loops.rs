//! Broadcasting: which runs of contiguous elements an elementwise op visits.

use super::Site;
use crate::error::{Error, Result};
use crate::tensor::{MAX_RANK, Shape, unify};
use layer_rnn_kernels::elementwise::Operand;

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

/// Walks an output of up to three broadcast operands in runs: inside a run each operand stands still or moves by one.
pub(crate) struct Loops<const N: usize> {
    rank: usize,
    sizes: [usize; MAX_RANK],
    strides: [[usize; MAX_RANK]; N],
    index: [usize; MAX_RANK],
    at: usize,
    left: usize,
}

/// One run: `length` outputs from `at`, operands from their offsets.
pub(crate) struct Span<const N: usize> {
    pub at: usize,
    pub length: usize,
    offsets: [usize; N],
    moves: [bool; N],
}

impl<const N: usize> Loops<N> {
    /// Plans the walk over `output` for bound operand shapes.
    pub fn new(output: &Shape, operands: [&Shape; N]) -> Self {
        let mut loops = Loops {
            rank: 0,
            sizes: [1; MAX_RANK],
            strides: [[0; MAX_RANK]; N],
            index: [0; MAX_RANK],
            at: 0,
            left: output.elements(),
        };
        // mostly nothing is broadcast but single numbers
        if operands.iter().all(|&shape| shape == output || shape.rank() == 0) {
            loops.rank = 1;
            loops.sizes[0] = loops.left;
            for (strides, shape) in loops.strides.iter_mut().zip(&operands) {
                strides[0] = (shape.rank() > 0) as usize;
            }
            return loops;
        }
        for axis in (0..output.rank()).rev() {
            let size = output.size(axis);
            if size != 1 {
                let strides = operands.map(|shape| stride(shape, output.rank(), axis));
                loops.add(size, strides);
            }
        }
        loops
    }

    // Axes come innermost first; one that continues the axis before it in every operand joins it.
    fn add(&mut self, size: usize, strides: [usize; N]) {
        if let Some(inner) = self.rank.checked_sub(1) {
            let joins = (0..N).all(|n| strides[n] == self.strides[n][inner] * self.sizes[inner]);
            if joins {
                self.sizes[inner] *= size;
                return;
            }
        }
        for (own, stride) in self.strides.iter_mut().zip(strides) {
            own[self.rank] = stride;
        }
        self.sizes[self.rank] = size;
        self.rank += 1;
    }

    /// The next run.
    pub fn next(&mut self) -> Option<Span<N>> {
        if self.left == 0 {
            return None;
        }
        let length = self.sizes[0];
        let mut span = Span { at: self.at, length, offsets: [0; N], moves: [false; N] };
        for n in 0..N {
            span.moves[n] = self.strides[n][0] != 0;
            for axis in 1..self.rank {
                span.offsets[n] += self.index[axis] * self.strides[n][axis];
            }
        }
        for axis in 1..self.rank {
            self.index[axis] += 1;
            if self.index[axis] < self.sizes[axis] {
                break;
            }
            self.index[axis] = 0;
        }
        self.at += length;
        self.left -= length;
        Some(span)
    }
}

impl<const N: usize> Span<N> {
    /// The part of operand `n` that this run reads.
    pub fn operand<'a, T: Copy + Default>(&self, n: usize, data: &'a [T]) -> Operand<'a, T> {
        let offset = self.offsets[n];
        if self.moves[n] {
            return Operand::Slice(data.get(offset..offset + self.length).unwrap_or(&[]));
        }
        Operand::Scalar(data.get(offset).copied().unwrap_or_default())
    }

    /// The part of the output that this run writes.
    pub fn output<'a, T>(&self, data: &'a mut [T]) -> &'a mut [T] {
        data.get_mut(self.at..self.at + self.length).unwrap_or_default()
    }
}

fn stride(shape: &Shape, rank: usize, axis: usize) -> usize {
    let missing = rank - shape.rank();
    if axis < missing || shape.dim(axis - missing) == 1 {
        return 0;
    }
    shape.product(axis - missing + 1..shape.rank())
}
