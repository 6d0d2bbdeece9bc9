//! The ops: one file each, holding its shape rule and its run side by side (its gradient rule joins them there).
//!
//! A shape rule works on types whose dims may be unknown and runs twice: when the op is recorded and, with all dims known,
//! when the program is bound. What it accepts, `run` must be able to do without failing on sizes.

mod activate;
#[cfg(feature = "full")]
mod activate_grad;
mod arg_reduce;
mod binary;
mod broadcast;
#[cfg(feature = "full")]
mod carry;
mod cast;
mod compare;
mod concat;
mod conv;
#[cfg(feature = "full")]
mod conv_input_grad;
#[cfg(feature = "full")]
mod conv_kernel_grad;
pub(crate) mod dims;
mod fill;
mod flip;
mod gather;
mod logical;
mod loops;
mod matmul;
mod not;
#[cfg(feature = "full")]
mod part;
#[cfg(feature = "full")]
mod place;
#[cfg(feature = "full")]
mod qr;
#[cfg_attr(not(feature = "full"), allow(dead_code))] // its numbers stay
mod random;
mod reduce;
pub(crate) mod reshape;
pub(crate) mod rows;
#[cfg(feature = "full")]
mod scatter_add;
mod select;
mod sequence;
#[cfg(feature = "full")]
mod sequence_grad;
#[cfg(feature = "full")]
mod size;
mod slice;
pub(crate) mod steps;
#[cfg(feature = "full")]
mod steps_grad;
mod stop;
#[cfg(feature = "full")]
mod sum_to;
mod transpose;
mod unary;
#[cfg(feature = "full")]
mod weight_grad;

pub use random::Distribution;

use crate::error::{Error, Result};
#[cfg(feature = "full")]
use crate::program::{Backward, Word};
use crate::program::{Located, Memory, Place, Program, Role, StepsPlan, Window};
use crate::tensor::{Buffer, Dtype, Shape, Type};
use alloc::boxed::Box;
use alloc::vec::Vec;
use layer_rnn_kernels::activation::Activation;

layer_rnn_kernels::numbered! {
    /// The ops. New ones are appended: a number is never used again for another op.
    pub enum Op {
        /// A tensor given to every run. Attributes: dtype, rank, dims.
        Input,
        /// A tensor that programs read: a weight or a captured value. Attributes: tensor id.
        Variable,
        /// Arithmetic on one value. Attributes: kind.
        Unary,
        /// Arithmetic on two values, broadcast. Attributes: kind.
        Binary,
        /// Comparison, broadcast. Attributes: kind.
        Compare,
        /// Logic on masks, broadcast. Attributes: kind.
        Logical,
        /// Negation of a mask.
        Not,
        /// `condition ? a : b`, broadcast.
        Select,
        /// Another dtype. Attributes: dtype.
        Cast,
        /// An activation; softmax and its like act on the last axis. Attributes: kind.
        Activate,
        /// The same elements in another shape, perhaps that of a second input. Attributes: list of (code, n).
        Reshape,
        /// Permuted axes. Attributes: list of axes.
        Transpose,
        /// Part of some axes. Attributes: list of (axis, begin, end, step).
        Slice,
        /// Values joined along an axis. Attributes: axis.
        Concat,
        /// Repeated to a larger shape. Attributes: list of (code, n, operand).
        Broadcast,
        /// One number everywhere. Attributes: dtype, bits, list of (code, n, operand).
        Fill,
        /// Sum, mean, … over axes. Attributes: kind, keep dims, list of axes.
        Reduce,
        /// Index of the largest or smallest. Attributes: 0 largest | 1 smallest, axis.
        ArgReduce,
        /// Matrix product with an optional bias. Attributes: transpose the second?
        MatMul,
        /// Rows of a table. Inputs: table, ids.
        Gather,
        /// A cell over time. See `op/sequence.rs`.
        Sequence,
        /// Random numbers. See `op/random.rs`.
        Random,
        /// The thin QR decomposition with a positive diagonal of R.
        Qr,
        /// Reversed axes. Attributes: list of axes.
        Flip,
        /// A step program over time. See `op/steps.rs`.
        Steps,
        /// The same value, through which no gradient flows.
        Stop,
        /// A value summed to the shape that was broadcast to its own. Inputs: x, like, perhaps what the sums continue.
        SumTo,
        /// aᵀb over all rows, one chain. Inputs: a, b, perhaps what the sums continue.
        WeightGrad,
        /// A gradient through an activation. Inputs: what it was given or made (`Activation::derives_from_input`), dy. Attributes: kind.
        ActivateGrad,
        /// The inverse of a slice: a value amid zeros. Inputs: x, like. Attributes: as `Slice`.
        Place,
        /// The part of joined values that one of them is. Inputs: y, all of them. Attributes: axis, which.
        Part,
        /// Rows added up in a table by ids. Inputs: rows, ids, like, perhaps what the sums continue.
        ScatterAdd,
        /// The product of some sizes, as a float. Attributes: list of axes.
        Size,
        /// Gradients of a sequence's results, each at the step that made it. See `op/carry.rs`.
        Carry,
        /// The gradient of a cell over time. See `op/sequence_grad.rs`.
        SequenceGrad,
        /// A convolution over one to three axes. Inputs: x, kernel `[sizes·cin, cout]`, perhaps a bias. Attributes: padding, list of
        /// (size, stride, dilation).
        Conv,
        /// The gradient of its x. Inputs: dy, kernel, x. Attributes: as `Conv`.
        ConvInputGrad,
        /// The gradient of its kernel. Inputs: x, dy, perhaps what the sums continue. Attributes: as `Conv`.
        ConvKernelGrad,
    }
}

impl Op {
    /// Is an element of its value a function of one element of each operand (or of a broadcast one)?
    pub(crate) fn elementwise(self, attrs: &[u32]) -> bool {
        match self {
            Op::Unary | Op::Binary | Op::Compare | Op::Logical | Op::Not | Op::Select | Op::Cast => true,
            Op::Activate | Op::ActivateGrad => {
                let kind = attrs.first().and_then(|&kind| Activation::from_u32(kind));
                kind.is_some_and(|kind| {
                    !matches!(kind, Activation::Softmax | Activation::LogSoftmax | Activation::Sparsemax)
                })
            }
            _ => false,
        }
    }

    /// Does its value share the memory of its operand?
    pub(crate) fn renames(self) -> bool {
        matches!(self, Op::Reshape | Op::Stop)
    }

    /// The op's rule; `Input` and `Variable` have none, the builder makes them.
    pub(crate) fn rule(self) -> Option<&'static Rule> {
        Some(match self {
            Op::Input | Op::Variable => return None,
            Op::Unary => &unary::RULE,
            Op::Binary => &binary::RULE,
            Op::Compare => &compare::RULE,
            Op::Logical => &logical::RULE,
            Op::Not => &not::RULE,
            Op::Select => &select::RULE,
            Op::Cast => &cast::RULE,
            Op::Activate => &activate::RULE,
            Op::Reshape => &reshape::RULE,
            Op::Transpose => &transpose::RULE,
            Op::Slice => &slice::RULE,
            Op::Concat => &concat::RULE,
            Op::Broadcast => &broadcast::RULE,
            Op::Fill => &fill::RULE,
            Op::Reduce => &reduce::RULE,
            Op::ArgReduce => &arg_reduce::RULE,
            Op::MatMul => &matmul::RULE,
            Op::Gather => &gather::RULE,
            Op::Sequence => &sequence::RULE,
            #[cfg(feature = "full")]
            Op::Random => &random::RULE,
            #[cfg(feature = "full")]
            Op::Qr => &qr::RULE,
            Op::Flip => &flip::RULE,
            Op::Steps => &steps::RULE,
            Op::Stop => &stop::RULE,
            #[cfg(feature = "full")]
            Op::SumTo => &sum_to::RULE,
            #[cfg(feature = "full")]
            Op::WeightGrad => &weight_grad::RULE,
            #[cfg(feature = "full")]
            Op::ActivateGrad => &activate_grad::RULE,
            #[cfg(feature = "full")]
            Op::Place => &place::RULE,
            #[cfg(feature = "full")]
            Op::Part => &part::RULE,
            #[cfg(feature = "full")]
            Op::ScatterAdd => &scatter_add::RULE,
            #[cfg(feature = "full")]
            Op::Carry => &carry::RULE,
            #[cfg(feature = "full")]
            Op::Size => &size::RULE,
            #[cfg(feature = "full")]
            Op::SequenceGrad => &sequence_grad::RULE,
            Op::Conv => &conv::RULE,
            #[cfg(feature = "full")]
            Op::ConvInputGrad => &conv_input_grad::RULE,
            #[cfg(feature = "full")]
            Op::ConvKernelGrad => &conv_kernel_grad::RULE,
            #[cfg(not(feature = "full"))]
            _ => return None,
        })
    }

    /// Does a run read the numbers of input `index`, not only its shape?
    pub(crate) fn reads(self, index: usize) -> bool {
        match self {
            Op::Fill | Op::Size => false,
            Op::Broadcast | Op::Reshape | Op::Place | Op::Part => index == 0,
            Op::SumTo => index != 1,
            Op::Carry => index != 0,
            Op::ScatterAdd | Op::ConvInputGrad => index != 2,
            _ => true,
        }
    }

    /// Those of its inputs whose numbers a run reads.
    pub(crate) fn read(self, inputs: &[u32]) -> impl Iterator<Item = u32> {
        inputs.iter().enumerate().filter(move |(index, _)| self.reads(*index)).map(|(_, &value)| value)
    }
}

/// What the engine knows of an op.
pub(crate) struct Rule {
    /// Types of the outputs, or what is wrong with the inputs and attributes.
    pub shape: fn(&Site) -> Result<Outputs>,
    /// What a run needs besides inputs and outputs; asked with all dims known.
    pub needs: fn(&Site) -> Result<Needs>,
    /// Writes the outputs.
    pub run: fn(&mut Run) -> Result<()>,
    /// Appends what computes the gradients of the inputs; an op that has none lets no gradient through.
    #[cfg(feature = "full")]
    pub gradient: Option<fn(&mut Backward) -> Result<()>>,
}

impl Rule {
    /// A rule of an op that needs nothing else and lets no gradient through.
    const fn new(shape: fn(&Site) -> Result<Outputs>, run: fn(&mut Run) -> Result<()>) -> Rule {
        Rule {
            shape,
            needs: |_| Ok(Needs::default()),
            run,
            #[cfg(feature = "full")]
            gradient: None,
        }
    }
}

/// An op where it stands: its attributes and the types of its inputs.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    pub attrs: &'a [u32],
    pub inputs: &'a [Type],
    /// The step program of a sequence that has one.
    pub body: Option<&'a Program>,
}

impl<'a> Site<'a> {
    /// Attribute word `index`.
    pub fn attr(&self, index: usize) -> Result<u32> {
        Ok(self.attrs.get(index).copied().ok_or(Error::Attribute { index: index as u32, value: 0 })?)
    }

    /// The length-prefixed list that starts at attribute word `index`.
    pub fn list(&self, index: usize) -> Result<&'a [u32]> {
        let length = self.attr(index)? as usize;
        let bad = Error::Attribute { index: index as u32, value: length as u32 };
        let start = index + 1;
        Ok(self.attrs.get(start..start.checked_add(length).ok_or(bad)?).ok_or(bad)?)
    }

    /// A kind: attribute 0, read by the enum's own `from_u32`.
    pub fn kind<T>(&self, from: fn(u32) -> Option<T>) -> Result<T> {
        self.kind_at(0, from)
    }

    /// Attribute `index` as a value of an enum.
    pub fn kind_at<T>(&self, index: usize, from: fn(u32) -> Option<T>) -> Result<T> {
        let value = self.attr(index)?;
        Ok(from(value).ok_or(Error::Attribute { index: index as u32, value })?)
    }

    /// Fails unless there are `expected` inputs.
    pub fn count(&self, expected: usize) -> Result<()> {
        if self.inputs.len() == expected {
            return Ok(());
        }
        Err(Error::Inputs { expected: expected as u32, actual: self.inputs.len() as u32 }.into())
    }

    /// Type of input `index`.
    pub fn input(&self, index: usize) -> Result<&'a Type> {
        let missing =
            Error::Inputs { expected: (index as u32).saturating_add(1), actual: self.inputs.len() as u32 };
        Ok(self.inputs.get(index).ok_or(missing)?)
    }

    /// Shape of input `index`, which must have this dtype.
    pub fn shaped(&self, index: usize, expected: Dtype) -> Result<&'a Shape> {
        let ty = self.input(index)?;
        if ty.dtype == expected {
            return Ok(&ty.shape);
        }
        Err(Error::Dtype { input: index as u32, expected, actual: ty.dtype }.into())
    }

    /// An axis from an attribute word; negative ones count from the end.
    pub fn axis(&self, word: u32, rank: usize) -> Result<usize> {
        let axis = word as i32;
        let axis = if axis < 0 { axis + rank as i32 } else { axis };
        if (0..rank as i32).contains(&axis) {
            return Ok(axis as usize);
        }
        Err(Error::Index { value: word as i32, limit: rank as i32 }.into())
    }
}

/// Most outputs of one op.
pub(crate) const MAX_OUTPUTS: usize = 7;

/// Types of an op's outputs, in order.
pub(crate) struct Outputs(pub Vec<Type>);

impl Outputs {
    /// The usual case: one output.
    pub fn one(dtype: Dtype, shape: &Shape) -> Result<Outputs> {
        let mut outputs = Outputs(Vec::new());
        outputs.push(dtype, *shape);
        Ok(outputs)
    }

    /// Appends an output.
    pub fn push(&mut self, dtype: Dtype, shape: Shape) {
        self.0.push(Type { dtype, shape });
    }
}

/// What a run of an op needs besides inputs and outputs.
#[derive(Default)]
pub(crate) struct Needs {
    /// Words of scratch.
    pub scratch: usize,
    /// What need not be worked out again in every run.
    pub prepared: Prepared,
    packs: Vec<(usize, Role)>,
}

/// What an op works out when it is bound.
#[derive(Default)]
pub(crate) enum Prepared {
    #[default]
    Nothing,
    Sequence(Box<sequence::Bound>),
    Steps(Box<StepsPlan>),
}

impl Needs {
    /// Asks for input `input` packed for `role`; `Run::packed` counts in the order of asking.
    pub fn pack(&mut self, input: usize, role: Role) {
        self.packs.push((input, role));
    }

    /// The packed forms asked for.
    pub fn packs(&self) -> &[(usize, Role)] {
        &self.packs
    }
}

/// One op in a run: where its numbers are.
pub(crate) struct Run<'r> {
    /// Attributes and bound types of the inputs.
    pub site: Site<'r>,
    /// Bound types of the outputs.
    pub outputs: &'r [Type],
    pub prepared: &'r Prepared,
    pub(crate) places: &'r [Located],
    pub(crate) made: &'r [Located],
    pub(crate) packs: &'r [Place],
    pub(crate) memory: Memory<'r>,
    /// The outputs' memory.
    pub out: &'r mut [Buffer],
    /// Scratch, at least as long as asked for.
    pub scratch: &'r mut [f32],
    pub(crate) window: Option<&'r Window>,
}

/// For each row of a run inside a sequence, the row of the batch and the step in the order of time.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'r> {
    pub rows: &'r [i32],
    pub steps: &'r [i32],
}

impl<'r> Run<'r> {
    /// Inside a sequence: which rows of the batch, at which steps. Without, row after row at step 0.
    pub fn rows(&self) -> Option<Rows<'r>> {
        self.window.map(|window| window.listed(self.memory))
    }

    /// Shape of input `index`.
    pub fn shape(&self, index: usize) -> &'r Shape {
        self.site.inputs.get(index).map_or(&Shape::SCALAR, |ty| &ty.shape)
    }

    /// Elements of a float input.
    pub fn f32(&self, index: usize) -> &'r [f32] {
        let Some(located) = self.places.get(index) else { return &[] };
        part(self.memory.words(located.place), located)
    }

    /// Elements of an integer input.
    pub fn i32(&self, index: usize) -> &'r [i32] {
        bytemuck::cast_slice(self.f32(index))
    }

    /// Elements of a mask.
    pub fn bool(&self, index: usize) -> &'r [u8] {
        let Some(located) = self.places.get(index) else { return &[] };
        part(bytemuck::cast_slice(self.memory.words(located.place)), located)
    }

    /// The packed form asked for as number `index`.
    pub fn packed(&self, index: usize) -> &'r [f32] {
        self.packs.get(index).map_or(&[], |&place| self.memory.words(place))
    }

    /// Elements of float output `index`.
    pub fn out_f32(&mut self, index: usize) -> &mut [f32] {
        out_f32(self.out, self.made, index)
    }

    /// Elements of integer output `index`.
    pub fn out_i32(&mut self, index: usize) -> &mut [i32] {
        bytemuck::cast_slice_mut(self.out_f32(index))
    }

    /// Elements of mask output `index`.
    pub fn out_bool(&mut self, index: usize) -> &mut [u8] {
        out_bool(self.out, self.made, index)
    }
}

/// Elements of mask output `index`, where the rest of a [`Run`] is borrowed too.
pub(crate) fn out_bool<'a>(out: &'a mut [Buffer], made: &[Located], index: usize) -> &'a mut [u8] {
    let (Some(located), Some(buffer)) = (made.get(index), out.get_mut(index)) else {
        return &mut [];
    };
    part_mut(bytemuck::cast_slice_mut(buffer.f32_mut()), located)
}

/// Elements of float output `index`, where the rest of a [`Run`] is borrowed too.
pub(crate) fn out_f32<'a>(out: &'a mut [Buffer], made: &[Located], index: usize) -> &'a mut [f32] {
    let (Some(located), Some(buffer)) = (made.get(index), out.get_mut(index)) else {
        return &mut [];
    };
    part_mut(buffer.f32_mut(), located)
}

fn part<'a, T>(all: &'a [T], located: &Located) -> &'a [T] {
    let end = located.start + located.elements;
    all.get(located.start..end.min(all.len())).unwrap_or(&[])
}

fn part_mut<'a, T>(all: &'a mut [T], located: &Located) -> &'a mut [T] {
    let end = (located.start + located.elements).min(all.len());
    all.get_mut(located.start..end).unwrap_or_default()
}
