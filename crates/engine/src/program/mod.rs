//! The life of a program: a builder takes records, a program is what it leaves, a plan is a program bound to shapes, a call
//! is a plan with the tensors it works on.

mod bind;
mod bind_steps;
mod builder;
mod call;
#[cfg(feature = "full")]
mod describe;
mod distribute;
#[cfg(feature = "full")]
mod gradient;
mod mask_inside;
mod memory;
mod pack;
mod run;

pub(crate) use bind::{Plan, Step};
pub(crate) use bind_steps::{Emitted, State, StepsPlan};
pub(crate) use builder::{Builder, types_of};
pub(crate) use call::Call;
#[cfg(feature = "full")]
pub(crate) use describe::describe;
#[cfg(feature = "full")]
pub(crate) use distribute::distribute;
#[cfg(feature = "full")]
pub(crate) use gradient::{Backward, Word};
pub(crate) use memory::{Located, Memory, Moves, Place, Pool};
pub(crate) use pack::{Pack, Packs, Role};
pub(crate) use run::{Runner, Window};

use crate::op::Op;
use crate::op::steps::Again;
use crate::tensor::Type;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// One op in a program.
#[derive(Clone)]
pub(crate) struct Record {
    pub op: Op,
    pub attrs: Vec<u32>,
    /// Values it reads.
    pub inputs: Vec<u32>,
    /// Values it makes.
    pub outputs: Vec<u32>,
    /// The step program of a sequence that has one.
    pub body: Option<Arc<Program>>,
}

/// Is it one of these values? (`contains` of numbers goes by blocks: too long to stand everywhere.)
#[inline(never)]
pub(crate) fn is_among(value: u32, values: &[u32]) -> bool {
    values.contains(&value)
}

/// A checked list of records; the shapes may hold unknown dims.
#[derive(Clone, Default)]
pub(crate) struct Program {
    pub records: Vec<Record>,
    /// Type of each value.
    pub values: Vec<Type>,
    /// Values given to every run, in order.
    pub inputs: Vec<u32>,
    /// Values read from tensors: value, tensor id.
    pub variables: Vec<(u32, u32)>,
    pub outputs: Vec<u32>,
    /// At the end of a run the tensor of the input or variable `.0` takes the value `.1`.
    pub assigns: Vec<(u32, u32)>,
    /// Records that outputs or assignments depend on.
    pub live: Vec<bool>,
    /// Of a step program: steps that run again for its tape.
    pub again: Option<Arc<Again>>,
}
