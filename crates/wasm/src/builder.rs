//! Programs: recorded, closed, bound.

use crate::{World, enter, status};
use alloc::vec::Vec;
#[cfg(feature = "full")]
use layer_rnn_engine::Dtype;
use layer_rnn_engine::{Error, Recorded, Result, Shape, Type};
use wasm_bindgen::prelude::wasm_bindgen;

/// Starts a program.
#[wasm_bindgen]
pub fn builder_new() -> u32 {
    enter(|world| Ok(world.engine.builder_new()?)).unwrap_or(0)
}

/// Another program of what has been recorded, to be finished on its own.
#[wasm_bindgen]
pub fn builder_copy(id: u32) -> u32 {
    enter(|world| Ok(world.engine.builder_copy(id)?)).unwrap_or(0)
}

/// Whether axis 0 of the first of these values would have a name that axis 0 of the others had: 1 if so.
#[wasm_bindgen]
pub fn builder_follows(id: u32, words: u32) -> u32 {
    enter(|world| {
        let values: Vec<u32> = world.read(words)?.into();
        let mut named = values.as_slice();
        let value = take(&mut named, 1)?[0];
        Ok(world.engine.builder_follows(id, value, named)? as u32)
    })
    .unwrap_or(0)
}

/// Gives a program up.
#[wasm_bindgen]
pub fn builder_free(id: u32) -> u32 {
    status(|world| Ok(world.engine.builder_free(id)?))
}

/// Records an op from `words` boundary words: op, number of inputs, inputs, number of attribute words, attributes. Answers
/// with the number of its values, 0 on failure; the boundary then holds value, dtype, rank and dims of each, then how many records that took.
#[wasm_bindgen]
pub fn builder_record(builder: u32, words: u32) -> u32 {
    enter(|world| {
        let record: Vec<u32> = world.read(words)?.into();
        let mut rest = record.as_slice();
        let op = take(&mut rest, 1)?[0];
        let inputs = list(&mut rest)?;
        let attrs = list(&mut rest)?;
        let Recorded { values, records } = world.engine.builder_record(builder, op, inputs, attrs)?;
        let mut words = Vec::new();
        for (value, ty) in &values {
            words.push(*value);
            push_type(&mut words, ty);
        }
        words.push(records as u32);
        world.write(&words);
        Ok(values.len() as u32)
    })
    .unwrap_or(0)
}

/// Appends gradients: number of ys, ys, their gradients (−1 for zeros), number of xs, xs, steps of a segment. Answers with the number of xs, 0 on
/// failure; the boundary then holds for each x the value of its gradient (−1 for none), dtype, rank and dims, and behind
/// them how many records were appended.
#[cfg(feature = "full")]
#[wasm_bindgen]
pub fn builder_gradient(builder: u32, words: u32) -> u32 {
    const NONE: u32 = u32::MAX;
    enter(|world| {
        let all: Vec<u32> = world.read(words)?.into();
        let mut rest = all.as_slice();
        let ys = list(&mut rest)?;
        let given = take(&mut rest, ys.len() as u32)?;
        let mut dys = Vec::new();
        for &dy in given {
            dys.push(if dy == NONE { None } else { Some(dy) });
        }
        let xs = list(&mut rest)?;
        let segment = take(&mut rest, 1)?[0];
        if xs.is_empty() {
            return Err(Error::Inputs { expected: 1, actual: 0 }.into()); // 0 says that it failed
        }
        let (gradients, appended) = world.engine.builder_gradient(builder, ys, &dys, xs, segment)?;
        let none = (NONE, Type { dtype: Dtype::Float32, shape: Shape::SCALAR });
        let mut words = Vec::new();
        for gradient in gradients {
            let (value, ty) = gradient.unwrap_or(none);
            words.push(value);
            push_type(&mut words, &ty);
        }
        words.push(appended as u32);
        world.write(&words);
        Ok(xs.len() as u32)
    })
    .unwrap_or(0)
}

/// Closes a program: number of outputs, outputs, number of assignments, pairs (value of an input or variable, value that its
/// tensor takes). Answers with its id.
#[wasm_bindgen]
pub fn builder_finish(builder: u32, words: u32) -> u32 {
    enter(|world| {
        let all: Vec<u32> = world.read(words)?.into();
        let mut rest = all.as_slice();
        let outputs = list(&mut rest)?;
        let count = take(&mut rest, 1)?[0];
        let mut assigns = Vec::new();
        for _ in 0..count {
            let pair = take(&mut rest, 2)?;
            assigns.push((pair[0], pair[1]));
        }
        Ok(world.engine.builder_finish(builder, outputs, &assigns)?)
    })
    .unwrap_or(0)
}

/// Frees a program.
#[wasm_bindgen]
pub fn program_free(id: u32) -> u32 {
    status(|world| Ok(world.engine.program_free(id)?))
}

/// Binds a program to shapes: rank and dims of each input. Answers with the plan; the boundary then holds dtype, rank and dims
/// of each output.
#[wasm_bindgen]
pub fn program_bind(program: u32, words: u32) -> u32 {
    enter(|world| {
        let mut shapes = Vec::new();
        let mut rest = world.read(words)?;
        while !rest.is_empty() {
            let mut shape = Shape::SCALAR;
            for &dim in list(&mut rest)? {
                shape.push(dim as i32)?;
            }
            shapes.push(shape);
        }
        let plan = world.engine.program_bind(program, &shapes)?;
        write_types(world, plan)?;
        Ok(plan)
    })
    .unwrap_or(0)
}

/// Describes a plan in words: see `program/describe.rs` of the engine. Answers with their number; what does not fit into the boundary
/// is left out.
#[cfg(feature = "full")]
#[wasm_bindgen]
pub fn plan_describe(plan: u32) -> u32 {
    enter(|world| {
        let words = world.engine.plan_describe(plan)?;
        let count = words.len() as u32;
        world.write(&words);
        Ok(count)
    })
    .unwrap_or(0)
}

fn write_types(world: &mut World, plan: u32) -> Result<()> {
    let mut words = Vec::new();
    for ty in world.engine.plan_outputs(plan)? {
        push_type(&mut words, ty);
    }
    world.write(&words);
    Ok(())
}

/// Dtype, rank, dims.
fn push_type(words: &mut Vec<u32>, ty: &Type) {
    words.extend_from_slice(&[ty.dtype as u32, ty.shape.rank() as u32]);
    for &dim in ty.shape.dims() {
        words.push(dim as u32);
    }
}

/// The next `count` words.
pub(crate) fn take<'a>(rest: &mut &'a [u32], count: u32) -> Result<&'a [u32]> {
    let bad = Error::Attribute { index: 0, value: count };
    let (taken, left) = rest.split_at_checked(count as usize).ok_or(bad)?;
    *rest = left;
    Ok(taken)
}

/// A length and that many words.
pub(crate) fn list<'a>(rest: &mut &'a [u32]) -> Result<&'a [u32]> {
    let length = take(rest, 1)?[0];
    take(rest, length)
}
