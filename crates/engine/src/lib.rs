//! Programs of recurrent networks: built op by op, bound to shapes, run without allocating.
//!
//! `tensor` is the memory that outlives runs, `op` one file per op (shape, run), `cell` the equations of the fused cells,
//! `sequence` the loop over time, `program` the life of a program: builder → program → plan → call.
#![forbid(unsafe_code)]
#![cfg_attr(all(target_arch = "wasm32", not(test)), no_std)]

extern crate alloc;

mod cell;
mod engine;
mod error;
mod op;
mod program;
mod sequence;
mod tensor;

pub use cell::CellKind;
#[cfg(feature = "full")]
pub use engine::Gradients;
pub use engine::{Engine, Recorded, Stat};
pub use error::{Error, ErrorCode, Failure, Result};
pub use layer_rnn_kernels::activation::Activation;
pub use layer_rnn_kernels::elementwise::{Binary, Compare, Logical, Unary};
pub use layer_rnn_kernels::reduce::Reduce;
pub use op::steps::{Emit, Part};
pub use op::{Distribution, Op};
pub use tensor::{ANY, Dtype, MAX_RANK, Shape, Type};
