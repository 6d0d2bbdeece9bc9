//! Memory that outlives runs: dtypes, shapes, buffers and the store of tensors behind ids.

mod buffer;
mod dtype;
mod shape;
mod slab;
mod store;

pub(crate) use buffer::{Budget, Buffer};
pub use dtype::Dtype;
pub(crate) use shape::unify;
pub use shape::{ANY, MAX_RANK, Shape, Type};
pub(crate) use slab::Slab;
pub(crate) use store::Tensors;
