//! Tensors: made, freed, found in memory.

use crate::{enter, status};
use layer_rnn_engine::{Dtype, Error, Shape, Type};
use wasm_bindgen::prelude::wasm_bindgen;

/// A zeroed tensor; its dims stand in the boundary.
#[wasm_bindgen]
pub fn tensor_new(dtype: u32, rank: u32) -> u32 {
    enter(|world| {
        let dtype = Dtype::from_u32(dtype).ok_or(Error::Attribute { index: 0, value: dtype })?;
        let mut shape = Shape::SCALAR;
        for &dim in world.read(rank)? {
            if (dim as i32) < 0 {
                return Err(Error::Attribute { index: 1, value: dim }.into());
            }
            shape.push(dim as i32)?;
        }
        Ok(world.engine.tensor_new(Type { dtype, shape })?)
    })
    .unwrap_or(0)
}

/// Frees a tensor.
#[wasm_bindgen]
pub fn tensor_free(id: u32) -> u32 {
    status(|world| Ok(world.engine.tensor_free(id)?))
}

/// Byte address of a tensor's numbers; it does not move while the tensor lives.
#[wasm_bindgen]
pub fn tensor_pointer(id: u32) -> u32 {
    enter(|world| Ok(world.engine.tensor_words(id)?.as_ptr() as usize as u32)).unwrap_or(0)
}

/// Says that a tensor's numbers were changed from outside, so that its packed forms are made again.
#[wasm_bindgen]
pub fn tensor_changed(id: u32) -> u32 {
    status(|world| Ok(world.engine.tensor_words_mut(id).map(drop)?))
}

/// A number from 1 that every change of a tensor's numbers raises.
#[wasm_bindgen]
pub fn tensor_version(id: u32) -> u32 {
    enter(|world| Ok(world.engine.tensor_version(id)?)).unwrap_or(0)
}
