//! A short way to write programs in tests.
#![allow(dead_code)] // each test file uses its part

pub mod chance;
pub mod gated;

use layer_rnn_engine::{Dtype, Engine, Failure, Op, Shape, Type};
use std::collections::HashMap;

/// A program under construction in an engine of its own.
pub struct Lab {
    pub engine: Engine,
    builder: u32,
    inputs: u32,
    types: HashMap<u32, Type>,
    /// Steps of a segment in gradients.
    pub segment: u32,
}

/// −1 − symbol.
pub const BATCH: i32 = -1;
pub const TIME: i32 = -2;

impl Lab {
    pub fn new() -> Lab {
        Lab::of(Engine::new(0))
    }

    pub fn of(mut engine: Engine) -> Lab {
        let builder = engine.builder_new().unwrap();
        Lab { engine, builder, inputs: 0, types: HashMap::new(), segment: 0 }
    }

    pub fn record(&mut self, op: Op, inputs: &[u32], attrs: &[u32]) -> layer_rnn_engine::Result<Vec<u32>> {
        let recorded = self.engine.builder_record(self.builder, op as u32, inputs, attrs)?;
        self.types.extend(recorded.values.iter().copied());
        Ok(recorded.values.into_iter().map(|(value, _)| value).collect())
    }

    pub fn op(&mut self, op: Op, inputs: &[u32], attrs: &[u32]) -> u32 {
        self.record(op, inputs, attrs).unwrap()[0]
    }

    /// Gradients of `xs`, and how many records they took.
    pub fn gradient(
        &mut self,
        ys: &[u32],
        dys: &[Option<u32>],
        xs: &[u32],
    ) -> Result<(Vec<Option<u32>>, usize), Failure> {
        let (typed, appended) = self.engine.builder_gradient(self.builder, ys, dys, xs, self.segment)?;
        self.types.extend(typed.iter().flatten().copied());
        Ok((typed.iter().map(|typed| typed.map(|(value, _)| value)).collect(), appended))
    }

    pub fn ty(&self, value: u32) -> Type {
        self.types[&value]
    }

    pub fn input(&mut self, dtype: Dtype, dims: &[i32]) -> u32 {
        self.inputs += 1;
        let mut attrs = vec![dtype as u32, dims.len() as u32];
        attrs.extend(dims.iter().map(|&d| d as u32));
        self.op(Op::Input, &[], &attrs)
    }

    pub fn variable(&mut self, dims: &[i32], data: &[f32]) -> u32 {
        let tensor = self.tensor(Dtype::Float32, dims, data);
        self.op(Op::Variable, &[], &[tensor])
    }

    /// Floats as they are, integers and bools by value.
    pub fn tensor(&mut self, dtype: Dtype, dims: &[i32], data: &[f32]) -> u32 {
        let id = self.engine.tensor_new(Type { dtype, shape: Shape::new(dims).unwrap() }).unwrap();
        let words = self.engine.tensor_words_mut(id).unwrap();
        match dtype {
            Dtype::Float32 => words.copy_from_slice(data),
            Dtype::Int32 => {
                words.iter_mut().zip(data).for_each(|(w, &x)| *w = f32::from_bits(x as i32 as u32))
            }
            Dtype::Bool => {
                for (i, &x) in data.iter().enumerate() {
                    let mut bytes = words[i / 4].to_bits().to_le_bytes();
                    bytes[i % 4] = x as u8;
                    words[i / 4] = f32::from_bits(u32::from_le_bytes(bytes));
                }
            }
        }
        id
    }

    /// Whether axis 0 of a value follows that of others.
    pub fn follows(&mut self, value: u32, named: &[u32]) -> layer_rnn_engine::Result<bool> {
        self.engine.builder_follows(self.builder, value, named)
    }

    /// A step program: what `fill` records is its body, what it gives are the body's outputs.
    pub fn body(&mut self, fill: impl FnOnce(&mut Lab) -> Vec<u32>) -> u32 {
        let inner = self.engine.builder_new().unwrap();
        let outer = std::mem::replace(&mut self.builder, inner);
        let types = std::mem::take(&mut self.types);
        let outputs = fill(self);
        let body = self.finish(&outputs, &[]);
        self.builder = outer;
        self.types = types;
        body
    }

    /// A program of what has been recorded so far.
    pub fn finish_copy(&mut self, outputs: &[u32]) -> u32 {
        let copy = self.engine.builder_copy(self.builder).unwrap();
        self.engine.builder_finish(copy, outputs, &[]).unwrap()
    }

    pub fn finish(&mut self, outputs: &[u32], assigns: &[(u32, u32)]) -> u32 {
        self.try_finish(outputs, assigns).unwrap()
    }

    pub fn try_finish(&mut self, outputs: &[u32], assigns: &[(u32, u32)]) -> layer_rnn_engine::Result<u32> {
        self.engine.builder_finish(self.builder, outputs, assigns)
    }

    /// Binds to the tensors' shapes, runs once and reads the outputs.
    pub fn run(&mut self, program: u32, inputs: &[u32]) -> Result<Vec<Vec<f32>>, Failure> {
        let shapes: Vec<Shape> =
            inputs.iter().map(|&id| self.engine.tensor_type(id).unwrap().shape).collect();
        let plan = self.engine.program_bind(program, &shapes)?;
        let outputs = vec![0; self.engine.plan_outputs(plan)?.len()];
        let call = self.engine.call_new(plan, inputs, &outputs)?;
        self.engine.call_run(call)?;
        let made = self.engine.call_outputs(call)?.to_vec();
        let read = made.iter().map(|&id| self.read(id)).collect();
        made.iter().for_each(|&id| self.engine.tensor_free(id).unwrap());
        self.engine.call_free(call)?;
        Ok(read)
    }

    /// The numbers of a tensor, whatever its dtype.
    pub fn read(&self, id: u32) -> Vec<f32> {
        let ty = self.engine.tensor_type(id).unwrap();
        let words = self.engine.tensor_words(id).unwrap();
        match ty.dtype {
            Dtype::Float32 => words.to_vec(),
            Dtype::Int32 => words.iter().map(|w| w.to_bits() as i32 as f32).collect(),
            Dtype::Bool => {
                let bytes = words.iter().flat_map(|w| w.to_bits().to_le_bytes());
                bytes.take(ty.shape.elements()).map(f32::from).collect()
            }
        }
    }
}

/// Numbers between −1 and 1 that look random.
pub fn numbers(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}

pub fn bits(x: &[f32]) -> Vec<u32> {
    x.iter().map(|x| x.to_bits()).collect()
}
