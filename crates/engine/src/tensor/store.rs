//! The tensors that JavaScript holds ids of: inputs, weights, outputs, stream memory.

use super::{Budget, Buffer, Slab, Type};
use crate::error::Result;

/// A value with an id.
pub(crate) struct Tensor {
    /// Dtype and known shape.
    pub ty: Type,
    /// Its words.
    pub buffer: Buffer,
    /// Raised by every change, so that packed forms know when they are old.
    pub version: u32,
}

/// All tensors of an engine.
pub(crate) type Tensors = Slab<Tensor>;

impl Tensors {
    /// A zeroed tensor.
    pub fn create(&mut self, budget: &mut Budget, ty: Type) -> Result<u32> {
        let buffer = budget.allocate(ty.words()?)?;
        self.insert(Tensor { ty, buffer, version: 0 })
    }

    /// Frees a tensor.
    pub fn free(&mut self, budget: &mut Budget, id: u32) -> Result<()> {
        budget.release(self.remove(id)?.buffer);
        Ok(())
    }
}
