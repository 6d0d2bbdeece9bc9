//! The tensors that JavaScript holds ids of: inputs, weights, outputs, stream memory.

use super::{Budget, Buffer, Slab, Type};
use crate::error::Result;

/// A value with an id.
pub(crate) struct Tensor {
    /// Dtype and known shape.
    pub ty: Type,
    /// Its words.
    pub buffer: Buffer,
    /// From 1, raised by every change, so that what was made of the numbers is known to be old.
    pub version: u32,
}

/// All tensors of an engine.
pub(crate) type Tensors = Slab<Tensor>;

impl Tensors {
    /// A zeroed tensor.
    pub fn create(&mut self, budget: &mut Budget, ty: Type) -> Result<u32> {
        let buffer = budget.allocate(ty.words()?)?;
        self.insert(Tensor { ty, buffer, version: 1 })
    }

    /// Frees a tensor.
    pub fn free(&mut self, budget: &mut Budget, id: u32) -> Result<()> {
        budget.release(self.remove(id)?.buffer);
        Ok(())
    }
}
