//! A run allocates nothing.

#![cfg(not(target_arch = "wasm32"))] // in wasm, memory that does not grow shows the same

mod support;

use layer_rnn_engine::{Activation, Binary, CellKind, Dtype, Emit, Op, Part};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::{BATCH, Lab, TIME, numbers};

struct Counting;

thread_local! {
    /// Allocations of this thread: the test harness has threads of its own.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Forward and backward, everything kept or in segments.
#[test]
fn a_run_allocates_nothing() {
    [0, 3].into_iter().for_each(runs);
}

fn runs(segment: u32) {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 5]);
    let mask = lab.input(Dtype::Bool, &[BATCH, TIME]);
    let h = lab.input(Dtype::Float32, &[BATCH, 7]);
    let c = lab.input(Dtype::Float32, &[BATCH, 7]);
    let kernel = lab.variable(&[5, 28], &numbers(140, 1));
    let recurrent = lab.variable(&[7, 28], &numbers(196, 2));
    let (tanh, sigmoid) = (Activation::Tanh as u32, Activation::Sigmoid as u32);
    let attrs = [CellKind::Lstm as u32, tanh, sigmoid, 7, 0, 2 | 4, 1 | 2 | 4, segment];
    let made = lab.record(Op::Sequence, &[x, kernel, recurrent, mask, h, c], &attrs).unwrap();
    let dense = lab.variable(&[7, 3], &numbers(21, 3));
    let logits = lab.op(Op::MatMul, &[made[0], dense], &[0]);
    let doubled = lab.op(Op::Binary, &[logits, logits], &[Binary::Add as u32]);
    let y = lab.op(Op::Activate, &[doubled], &[Activation::Softmax as u32]);
    let [from, to] = [lab.variable(&[3], &[0.0; 3]), lab.variable(&[3], &[1.0; 3])];
    let assigns = [(h, made[2]), (c, made[3]), (from, to), (to, from)];
    let (gradients, _) = lab.gradient(&[y], &[Some(y)], &[x, kernel, recurrent, h, c]).unwrap();
    let outputs: Vec<u32> = [y, made[1]].into_iter().chain(gradients.into_iter().flatten()).collect();
    assert_eq!(outputs.len(), 7);
    let program = lab.finish(&outputs, &assigns);
    let ids = [
        lab.tensor(Dtype::Float32, &[2, 4, 5], &numbers(40, 4)),
        lab.tensor(Dtype::Bool, &[2, 4], &[1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
        lab.tensor(Dtype::Float32, &[2, 7], &[0.0; 14]),
        lab.tensor(Dtype::Float32, &[2, 7], &[0.0; 14]),
    ];
    let shapes: Vec<_> = ids.iter().map(|&id| lab.engine.tensor_type(id).unwrap().shape).collect();
    let plan = lab.engine.program_bind(program, &shapes).unwrap();
    let call = lab.engine.call_new(plan, &ids, &[0; 7]).unwrap();
    lab.engine.call_run(call).unwrap();
    let states = lab.read(ids[2]);
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        lab.engine.call_run(call).unwrap();
    }
    assert_eq!(ALLOCATIONS.get(), before);
    assert_ne!(lab.read(ids[2]), states, "the states are assigned at the end of each run");
}

/// A masked step program with a capture of rows, forward and backward.
#[test]
fn a_step_program_allocates_nothing() {
    [0, 3].into_iter().for_each(runs_steps);
}

fn runs_steps(segment: u32) {
    let mut lab = Lab::new();
    lab.segment = segment;
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 5]);
    let mask = lab.input(Dtype::Bool, &[BATCH, TIME]);
    let scale = lab.input(Dtype::Float32, &[BATCH, 5]);
    let recurrent = lab.variable(&[5, 5], &numbers(25, 2));
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, 5]);
        let h = lab.input(Dtype::Float32, &[BATCH, 5]);
        let scale = lab.input(Dtype::Float32, &[BATCH, 5]);
        let recurrent = lab.input(Dtype::Float32, &[5, 5]);
        let x = lab.op(Op::Binary, &[x, scale], &[Binary::Mul as u32]);
        let h = lab.op(Op::MatMul, &[h, recurrent], &[0]);
        let h = lab.op(Op::Binary, &[x, h], &[Binary::Add as u32]);
        let h = lab.op(Op::Activate, &[h], &[Activation::Tanh as u32]);
        vec![h, h]
    });
    let [x_part, state, capture] = [Part::X, Part::ZeroState, Part::Capture].map(|part| part as u32);
    let attrs = [body, 4, 0, 4, x_part, state, capture, capture, 2, Emit::All as u32, 1];
    let y = lab.op(Op::Steps, &[x, scale, recurrent, mask], &attrs);
    let (gradients, _) = lab.gradient(&[y], &[Some(x)], &[scale, recurrent]).unwrap();
    let outputs: Vec<u32> = [y].into_iter().chain(gradients.into_iter().flatten()).collect();
    let program = lab.finish(&outputs, &[]);
    let ids = [
        lab.tensor(Dtype::Float32, &[2, 4, 5], &numbers(40, 4)),
        lab.tensor(Dtype::Bool, &[2, 4], &[1.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]),
        lab.tensor(Dtype::Float32, &[2, 5], &numbers(10, 5)),
    ];
    let shapes: Vec<_> = ids.iter().map(|&id| lab.engine.tensor_type(id).unwrap().shape).collect();
    let plan = lab.engine.program_bind(program, &shapes).unwrap();
    let call = lab.engine.call_new(plan, &ids, &[0, 0, 0]).unwrap();
    lab.engine.call_run(call).unwrap();
    let before = ALLOCATIONS.get();
    for _ in 0..100 {
        lab.engine.call_run(call).unwrap();
    }
    assert_eq!(ALLOCATIONS.get(), before);
}
