//! GRU, gates z (update), r (reset), h (candidate). Both forms end in h' = z∘h + (1−z)∘h̃:
//!
//! ```text
//! reset before:  z = σ(b_z + x·K_z + h·R_z)   r = σ(b_r + x·K_r + h·R_r)   h̃ = act(b_h + x·K_h + (r∘h)·R_h)
//! reset after:   z = σ(b_z + b'_z + x·K_z + h·R_z)   r likewise
//!                h̃ = act(b_h + x·K_h + r∘(b'_h + h·R_h))
//! ```
//!
//! A row of z is the planes x | z | r, and for reset after | rec: x is the candidate's input half, rec its recurrent half with
//! a chain of its own. So the input product fills the first three planes and the recurrent one continues its neighbours.

use super::{Cell, States, Weights};
use layer_rnn_kernels::gates;
use layer_rnn_kernels::gemm::{Start, gemm};

/// The recurrent candidate's chain starts from its own bias.
pub(super) fn start_candidate(cell: &Cell, rows: usize, weights: &Weights, z: &mut [f32]) {
    let padded = cell.padded();
    for row in z.chunks_exact_mut(4 * padded).take(rows) {
        let recurrent = &mut row[3 * padded..];
        if weights.recurrent_bias.is_empty() {
            recurrent.fill(0.0);
        } else {
            recurrent.copy_from_slice(&weights.recurrent_bias[..padded]);
        }
    }
}

pub(super) fn step_before(cell: &Cell, rows: usize, weights: &Weights, z: &mut [f32], states: &mut States) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    if rows == 0 {
        return;
    }
    gemm(rows, units, 2 * n, states.h, n, weights.recurrent, &mut z[n..], ldz, Start::Continue);
    gates::gru_before_reset(rows, units, z, ldz, states.h, states.c, cell.recurrent_activation);
    gemm(rows, units, n, states.c, n, weights.candidate, z, ldz, Start::Continue);
    gates::gru_before_output(rows, units, z, ldz, states.h, cell.activation);
}

pub(super) fn step_after(cell: &Cell, rows: usize, weights: &Weights, z: &mut [f32], states: &mut States) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    if rows == 0 {
        return;
    }
    gemm(rows, units, 3 * n, states.h, n, weights.recurrent, &mut z[n..], ldz, Start::Continue);
    gates::gru_after(rows, units, z, ldz, states.h, cell.activation, cell.recurrent_activation);
}
