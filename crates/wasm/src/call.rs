//! Calls: a plan joined with tensors, run as often as wanted.

use crate::builder::list;
use crate::{enter, status};
use alloc::vec::Vec;
use wasm_bindgen::prelude::wasm_bindgen;

/// Joins a plan with tensors: number of inputs, tensors, number of outputs, tensors (0 makes a new one). Answers with the
/// call; the boundary then holds the outputs' tensors.
#[wasm_bindgen]
pub fn call_new(plan: u32, words: u32) -> u32 {
    enter(|world| {
        let all: Vec<u32> = world.read(words)?.into();
        let mut rest = all.as_slice();
        let inputs = list(&mut rest)?;
        let outputs = list(&mut rest)?;
        let call = world.engine.call_new(plan, inputs, outputs)?;
        let made: Vec<u32> = world.engine.call_outputs(call)?.into();
        world.write(&made);
        Ok(call)
    })
    .unwrap_or(0)
}

/// Runs a call once.
#[wasm_bindgen]
pub fn call_run(id: u32) -> u32 {
    status(|world| world.engine.call_run(id))
}

/// Frees a call; its tensors stay.
#[wasm_bindgen]
pub fn call_free(id: u32) -> u32 {
    status(|world| Ok(world.engine.call_free(id)?))
}
