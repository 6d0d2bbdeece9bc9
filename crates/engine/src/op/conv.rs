//! Convolution `x[batch, …, cin] ∗ kernel + bias[cout]` over one to three axes, the kernel as a matrix `[sizes·cin, cout]`: one chain
//! per output element, bias first, then the kernel's places ascending, then channels. Padding adds products with zero.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Needs, Outputs, Rule, Run, Site, out_f32};
use crate::error::{Error, Result};
use crate::program::Role;
use crate::tensor::{ANY, Dtype, Shape};
use layer_rnn_kernels::gemm::{Start, gemm};

pub(crate) const RULE: Rule = Rule {
    shape,
    needs,
    run,
    #[cfg(feature = "full")]
    gradient: Some(gradient),
};

/// Most axes that a kernel goes along.
const AXES: usize = 3;

/// Words of the patches that are multiplied at once.
const TILE: usize = 1 << 16;

/// The largest stride and reach: sums of them and of sizes stay below 2³¹.
const LIMIT: i64 = 1 << 30;

layer_rnn_kernels::numbered! {
    /// What is around the input.
    pub enum Padding {
        /// Nothing.
        Valid,
        /// Zeros, as many in front as behind or one less: as many outputs as inputs, divided by the stride.
        Same,
        /// Zeros in front: an output depends on no later input.
        Causal,
    }
}

/// How a kernel goes along one axis.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    stride: usize,
    dilation: usize,
    /// Sizes of input and output, and zeros in front of the input.
    input: usize,
    output: usize,
    before: usize,
}

impl Axis {
    const ONE: Axis = Axis { size: 1, stride: 1, dilation: 1, input: 1, output: 1, before: 0 };
}

/// How a kernel goes over an input whose sizes are known.
pub(crate) struct Geometry {
    axes: [Axis; AXES],
    channels: usize,
    /// Positions of all rows.
    positions: usize,
    /// Elements of a patch, the part of the input that one position sees.
    pub patch: usize,
}

/// Attributes: padding, list of (size, stride, dilation); the elements of a patch of an input with `channels`.
fn patch(site: &Site, channels: i32) -> Result<i32> {
    let mut elements = i64::from(channels);
    for (index, axis) in (2..).step_by(3).zip(site.list(1)?.chunks(3)) {
        for (index, &value) in (index..).zip(axis) {
            if value == 0 || i64::from(value) > LIMIT {
                return Err(Error::Attribute { index, value }.into());
            }
        }
        let &[size, _, dilation] = axis else {
            return Err(Error::Attribute { index, value: axis.len() as u32 }.into());
        };
        let reach = i64::from(size - 1).saturating_mul(dilation.into());
        elements = if channels < 0 { elements } else { elements.saturating_mul(size.into()) };
        if reach > LIMIT || elements > LIMIT {
            return Err(Error::Attribute { index, value: size }.into());
        }
    }
    Ok(if channels < 0 { ANY } else { elements as i32 })
}

/// The shape of `x` convolved to `columns` channels.
pub(crate) fn convolved(site: &Site, x: &Shape, columns: i32) -> Result<Shape> {
    let padding = site.kind(Padding::from_u32)?;
    let axes = site.list(1)?;
    let count = axes.len() / 3;
    if count == 0 || count > AXES {
        return Err(Error::Attribute { index: 1, value: axes.len() as u32 }.into());
    }
    if x.rank() != count + 2 {
        return Err(Error::Rank { input: 0, expected: count as u32 + 2, actual: x.rank() as u32 }.into());
    }
    patch(site, 1)?;
    let mut shape = *x;
    for (axis, words) in (1..).zip(axes.chunks_exact(3)) {
        let [size, stride, dilation] = [words[0], words[1], words[2]];
        let reach = if padding == Padding::Valid { ((size - 1) * dilation) as i32 } else { 0 };
        let actual = x.dim(axis);
        shape.dims_mut()[axis] = match actual {
            _ if stride == 1 && reach == 0 => actual,
            ..0 => ANY,
            _ if actual <= reach => {
                return Err(Error::Shape { input: 0, axis: axis as u32, expected: reach + 1, actual }.into());
            }
            _ => ((actual - reach) as u32).div_ceil(stride) as i32,
        };
    }
    shape.dims_mut()[count + 1] = columns;
    Ok(shape)
}

/// Fails unless a kernel of this shape fits `x`, which is input `index`; gives what comes out.
pub(crate) fn fitting(site: &Site, x: &Shape, kernel: &Shape, index: u32) -> Result<Shape> {
    let shape = convolved(site, x, kernel.dim(1))?;
    let patches = patch(site, x.dim(x.rank() - 1))?;
    Shape::new(&[patches, kernel.dim(1)])?.unify(kernel, index)?;
    Ok(shape)
}

/// The shape of the kernel between `x` and `y`.
#[cfg(feature = "full")]
pub(crate) fn kernel(site: &Site, x: &Shape, y: &Shape) -> Result<Shape> {
    let columns = y.dim(y.rank().saturating_sub(1));
    convolved(site, x, columns)?.unify(y, 1)?;
    Shape::new(&[patch(site, x.dim(x.rank() - 1))?, columns])
}

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 2 {
        site.count(3)?;
    }
    let kernel = site.shaped(1, Dtype::Float32)?;
    let shape = fitting(site, site.shaped(0, Dtype::Float32)?, kernel, 1)?;
    if site.inputs.len() == 3 {
        Shape::new(&[kernel.dim(1)])?.unify(site.shaped(2, Dtype::Float32)?, 2)?;
    }
    Outputs::one(Dtype::Float32, &shape)
}

impl Geometry {
    /// Of an input of this bound shape.
    pub fn of(site: &Site, x: &Shape) -> Result<Geometry> {
        let y = convolved(site, x, 0)?;
        let padding = site.kind(Padding::from_u32)?;
        let mut axes = [Axis::ONE; AXES];
        let words = site.list(1)?;
        let first = AXES - words.len() / 3;
        for (index, words) in words.chunks_exact(3).enumerate() {
            let [size, stride, dilation] = [words[0] as usize, words[1] as usize, words[2] as usize];
            let (input, output) = (x.size(index + 1), y.size(index + 1));
            let reach = (size - 1) * dilation;
            let seen = output.saturating_sub(1) * stride + reach + 1;
            let before = match padding {
                Padding::Valid => 0,
                Padding::Same => seen.saturating_sub(input) / 2,
                Padding::Causal => reach,
            };
            axes[first + index] = Axis { size, stride, dilation, input, output, before };
        }
        let channels = x.last();
        let positions = x.size(0) * axes.iter().map(|axis| axis.output).product::<usize>();
        let patch = channels * axes.iter().map(|axis| axis.size).product::<usize>();
        Ok(Geometry { axes, channels, positions, patch })
    }

    /// How many positions are treated at once.
    pub fn tile(&self) -> usize {
        (TILE / self.patch.max(1)).max(16).min(self.positions)
    }

    /// First position and count of each tile.
    pub fn tiles(&self) -> impl Iterator<Item = (usize, usize)> {
        let (tile, positions) = (self.tile(), self.positions);
        (0..positions).step_by(tile.max(1)).map(move |first| (first, tile.min(positions - first)))
    }

    /// Words of that many patches; too many to count are too many to have.
    pub fn words(&self) -> usize {
        self.tile().saturating_mul(self.patch)
    }

    /// Are the patches the input itself?
    fn is_plain(&self) -> bool {
        self.axes.iter().all(|axis| axis.size == 1 && axis.stride == 1)
    }

    /// For each run of elements of a position's patch: where it begins there, where in the input, and how many they are. What is
    /// not visited lies in the padding.
    #[inline(always)]
    pub fn visit(&self, position: usize, mut run: impl FnMut(usize, usize, usize)) {
        let [a, b, c] = &self.axes;
        let (rest, at_c) = (position / c.output, position % c.output);
        let (rest, at_b) = (rest / b.output, rest % b.output);
        let (row, at_a) = (rest / a.output, rest % a.output);
        // places along the last axis that lie side by side are one run
        let together = if c.dilation == 1 { c.size } else { 1 };
        for i in 0..a.size {
            let Some(x) = a.place(at_a, i) else { continue };
            let x = row * a.input + x;
            for j in 0..b.size {
                let Some(y) = b.place(at_b, j) else { continue };
                let line = (x * b.input + y) * c.input;
                for k in (0..c.size).step_by(together) {
                    let begin = at_c * c.stride + k * c.dilation;
                    let skipped = c.before.saturating_sub(begin).min(together);
                    let count = (c.input + c.before).saturating_sub(begin).min(together);
                    if count > skipped {
                        let to = ((i * b.size + j) * c.size + k + skipped) * self.channels;
                        let from = (line + begin + skipped - c.before) * self.channels;
                        run(to, from, (count - skipped) * self.channels);
                    }
                }
            }
        }
    }

    /// Copies the patches of some positions, starting with `first`, next to each other.
    pub fn patches(&self, x: &[f32], first: usize, patches: &mut [f32]) {
        for (index, patch) in patches.chunks_exact_mut(self.patch.max(1)).enumerate() {
            patch.fill(0.0);
            self.visit(first + index, |to, from, count| {
                patch[to..][..count].copy_from_slice(&x[from..][..count]);
            });
        }
    }
}

impl Axis {
    /// Where in the input the kernel's place `index` lies at an output, unless it lies in the padding.
    fn place(&self, output: usize, index: usize) -> Option<usize> {
        let place = (output * self.stride + index * self.dilation).checked_sub(self.before)?;
        (place < self.input).then_some(place)
    }
}

fn needs(site: &Site) -> Result<Needs> {
    let geometry = Geometry::of(site, &site.input(0)?.shape)?;
    let mut needs = Needs::default();
    needs.pack(1, Role::Matrix { transposed: false });
    if !geometry.is_plain() {
        needs.scratch = geometry.words();
    }
    Ok(needs)
}

fn run(run: &mut Run) -> Result<()> {
    let geometry = Geometry::of(&run.site, run.shape(0))?;
    let (k, n) = (geometry.patch, run.outputs[0].shape.last());
    let (x, packed) = (run.f32(0), run.packed(0));
    let bias = (run.site.inputs.len() == 3).then(|| run.f32(2));
    let start = || bias.map_or(Start::Zero, Start::Bias);
    let y = out_f32(run.out, run.made, 0);
    if geometry.is_plain() {
        gemm(geometry.positions, k, n, x, k, packed, y, n, start());
        return Ok(());
    }
    for (first, count) in geometry.tiles() {
        let patches = &mut run.scratch[..count * k];
        geometry.patches(x, first, patches);
        gemm(count, k, n, patches, k, packed, &mut y[first * n..], n, start());
    }
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let attrs = back.site().attrs;
    let (x, kernel) = (back.input(0), back.input(1));
    back.give_op(0, Op::ConvInputGrad, &[dy, kernel, x], attrs)?;
    back.give_op(1, Op::ConvKernelGrad, &[x, dy], attrs)?;
    back.give_op(2, Op::SumTo, &[dy, back.input(2)], &[])?;
    Ok(())
}
