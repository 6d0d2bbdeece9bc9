//! Memory that outlives runs: dtypes, shapes, buffers and the store of tensors behind ids.

mod buffer;
mod dtype;
mod shape;
mod slab;
mod store;

pub(crate) use buffer::{Budget, Buffer};
pub use dtype::Dtype;
pub use shape::{ANY, MAX_RANK, Shape, Type};
pub(crate) use shape::{unified, unify};
pub(crate) use slab::Slab;
pub(crate) use store::Tensors;
