//! SimpleRNN: h' = act(b + x·K + h·R). One plane.

use super::{Cell, States, Weights, keep};
#[cfg(feature = "full")]
use super::{Grads, Kept};
use layer_rnn_kernels::gates;
#[cfg(feature = "full")]
use layer_rnn_kernels::gates_grad;
use layer_rnn_kernels::gemm::{Start, gemm};

pub(super) fn step(
    cell: &Cell,
    rows: usize,
    weights: &Weights,
    z: &mut [f32],
    pre: &mut [f32],
    states: &mut States,
) {
    let n = cell.padded();
    gemm(rows, cell.units, n, states.h, n, weights.recurrent, z, n, Start::Continue);
    keep(z, pre);
    gates::simple(rows, cell.units, z, n, states.h, cell.activation);
}

/// dz = dh∘act′, dh = dz·Rᵀ
#[cfg(feature = "full")]
pub(super) fn backward(cell: &Cell, rows: usize, weights: &Weights, kept: &Kept, grads: &mut Grads) {
    let n = cell.padded();
    gates_grad::simple(rows, cell.units, kept.gates, grads.h, grads.z, cell.activation);
    gemm(rows, n, cell.units, grads.z, n, weights.recurrent, grads.h, n, Start::Zero);
}
