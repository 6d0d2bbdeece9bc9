//! The words through which records, shapes and operands go.

use crate::{enter, status};
use layer_rnn_engine::Error;
use wasm_bindgen::prelude::wasm_bindgen;

/// Byte address of the boundary words; it may change when more are reserved.
#[wasm_bindgen]
pub fn boundary_pointer() -> u32 {
    enter(|world| Ok(world.words.as_ptr() as usize as u32)).unwrap_or(0)
}

/// Makes room for `words` words.
#[wasm_bindgen]
pub fn boundary_reserve(words: u32) -> u32 {
    status(|world| {
        let more = (words as usize).saturating_sub(world.words.len());
        world.words.try_reserve_exact(more).map_err(|_| Error::Memory { words })?;
        let length = world.words.len() + more;
        world.words.resize(length, 0);
        Ok(())
    })
}
