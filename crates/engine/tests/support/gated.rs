//! A small gated cell of ops, and the flags of step programs.

use super::{Lab, numbers};
use layer_rnn_engine::{Activation, Binary, Dtype, Op};

pub const F: usize = 5;
pub const H: usize = 3;

pub const BACKWARD: u32 = 1;
pub const ZERO_OUTPUT: u32 = 2;
pub const MASK: u32 = 4;

/// The weights of a small gated cell: kernel [F, 2H], recurrent [H, 2H], bias [2H], readout [H, 2].
pub fn weights(lab: &mut Lab) -> [u32; 4] {
    [
        lab.variable(&[5, 6], &numbers(30, 1)),
        lab.variable(&[3, 6], &numbers(18, 2)),
        lab.variable(&[6], &numbers(6, 3)),
        lab.variable(&[3, 2], &numbers(6, 4)),
    ]
}

/// One step: x·K + h·R + b, a gate and a candidate; the output is a readout of the new state. Gives [h', y].
pub fn step(lab: &mut Lab, x: u32, h: u32, [kernel, recurrent, bias, readout]: [u32; 4]) -> [u32; 2] {
    let ahead = lab.op(Op::MatMul, &[x, kernel, bias], &[0]);
    let inside = lab.op(Op::MatMul, &[h, recurrent], &[0]);
    let z = lab.op(Op::Binary, &[ahead, inside], &[Binary::Add as u32]);
    let gate = lab.op(Op::Slice, &[z], &[4, 1, 0, 3, 1]);
    let gate = lab.op(Op::Activate, &[gate], &[Activation::Sigmoid as u32]);
    let candidate = lab.op(Op::Slice, &[z], &[4, 1, 3, 6, 1]);
    let candidate = lab.op(Op::Activate, &[candidate], &[Activation::Tanh as u32]);
    let one = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 1f32.to_bits(), 0]);
    let keep = lab.op(Op::Binary, &[one, gate], &[Binary::Sub as u32]);
    let kept = lab.op(Op::Binary, &[keep, h], &[Binary::Mul as u32]);
    let new = lab.op(Op::Binary, &[gate, candidate], &[Binary::Mul as u32]);
    let h = lab.op(Op::Binary, &[kept, new], &[Binary::Add as u32]);
    let y = lab.op(Op::MatMul, &[h, readout], &[0]);
    [h, y]
}
