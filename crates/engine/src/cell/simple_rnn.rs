//! SimpleRNN: h' = act(b + x·K + h·R). One plane.

use super::{Cell, States, Weights};
use layer_rnn_kernels::gates;
use layer_rnn_kernels::gemm::{Start, gemm};

pub(super) fn step(cell: &Cell, rows: usize, weights: &Weights, z: &mut [f32], states: &mut States) {
    let n = cell.padded();
    gemm(rows, cell.units, n, states.h, n, weights.recurrent, z, n, Start::Continue);
    gates::simple(rows, cell.units, z, n, states.h, cell.activation);
}
