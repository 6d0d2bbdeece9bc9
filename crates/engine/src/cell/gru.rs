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

use super::{Cell, States, Weights, keep};
#[cfg(feature = "full")]
use super::{Grads, Kept};
use layer_rnn_kernels::gates;
use layer_rnn_kernels::gates_grad;
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

pub(super) fn step_before(
    cell: &Cell,
    rows: usize,
    weights: &Weights,
    z: &mut [f32],
    pre: &mut [f32],
    states: &mut States,
) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    if rows == 0 {
        return;
    }
    gemm(rows, units, 2 * n, states.h, n, weights.recurrent, &mut z[n..], ldz, Start::Continue);
    keep(z, pre);
    gates::gru_before_reset(rows, units, z, ldz, states.h, states.c, cell.recurrent_activation);
    gemm(rows, units, n, states.c, n, weights.candidate, z, ldz, Start::Continue);
    for (z, pre) in z.chunks_exact(ldz).zip(pre.chunks_exact_mut(ldz)) {
        pre[..n].copy_from_slice(&z[..n]);
    }
    gates::gru_before_output(rows, units, z, ldz, states.h, cell.activation);
}

/// From dh':
///
/// ```text
/// dz_z = dh'∘(h − h̃)∘σ'   dz_h = dh'∘(1 − z)∘act'   d(r∘h) = dz_h·R_hᵀ   dz_r = d(r∘h)∘h∘σ'
/// dh  = dh'∘z + d(r∘h)∘r + [dz_z dz_r]·R_zrᵀ
/// ```
#[cfg(feature = "full")]
pub(super) fn backward_before(cell: &Cell, rows: usize, weights: &Weights, kept: &Kept, grads: &mut Grads) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    let (act, recurrent_act) = (cell.activation, cell.recurrent_activation);
    let Grads { z, h, c: product, rh } = grads;
    gates_grad::gru_before_output(rows, units, kept.gates, kept.h, h, z, act, recurrent_act);
    gemm(rows, n, units, z, ldz, weights.candidate, product, n, Start::Zero);
    gates_grad::gru_before_reset(rows, units, kept.gates, kept.h, product, h, z, rh, recurrent_act);
    gemm(rows, 2 * n, units, &z[n..], ldz, weights.recurrent, h, n, Start::Continue);
}

pub(super) fn step_after(
    cell: &Cell,
    rows: usize,
    weights: &Weights,
    z: &mut [f32],
    pre: &mut [f32],
    states: &mut States,
) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    if rows == 0 {
        return;
    }
    gemm(rows, units, 3 * n, states.h, n, weights.recurrent, &mut z[n..], ldz, Start::Continue);
    keep(z, pre);
    gates::gru_after(rows, units, z, ldz, states.h, cell.activation, cell.recurrent_activation);
    if !pre.is_empty() {
        gates_grad::gru_after_candidate(rows, units, z, pre);
    }
}

/// From dh':
///
/// ```text
/// dz_z = dh'∘(h − h̃)∘σ'   dz_h = dh'∘(1 − z)∘act'   dz_r = dz_h∘rec∘σ'   d rec = dz_h∘r
/// dh  = dh'∘z + [dz_z dz_r d rec]·Rᵀ
/// ```
#[cfg(feature = "full")]
pub(super) fn backward_after(cell: &Cell, rows: usize, weights: &Weights, kept: &Kept, grads: &mut Grads) {
    let (units, n, ldz) = (cell.units, cell.padded(), cell.width());
    let (act, recurrent_act) = (cell.activation, cell.recurrent_activation);
    gates_grad::gru_after(rows, units, kept.gates, kept.h, grads.h, grads.z, act, recurrent_act);
    gemm(rows, 3 * n, units, &grads.z[n..], ldz, weights.recurrent, grads.h, n, Start::Continue);
}
