//! LSTM, gates i f c o:
//!
//! ```text
//! z  = b + x·K + h·R
//! i  = σ(z_i)    f = σ(z_f)    o = σ(z_o)
//! c' = f∘c + i∘act(z_c)
//! h' = o∘act(c')
//! ```
//!
//! A row of z is the planes i | f | c | o; the activated gates stay there, they are the tape.

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
    let n = cell.width();
    gemm(rows, cell.units, n, states.h, cell.padded(), weights.recurrent, z, n, Start::Continue);
    keep(z, pre);
    gates::lstm(rows, cell.units, z, n, states.h, states.c, cell.activation, cell.recurrent_activation);
}

/// From dh' and dc':
///
/// ```text
/// d   = dc' + dh'∘o∘act'(c')                dc = d∘f
/// dz_i = d∘g∘σ'   dz_f = d∘c∘σ'   dz_c = d∘i∘act'   dz_o = dh'∘act(c')∘σ'
/// dh  = dz·Rᵀ
/// ```
#[cfg(feature = "full")]
pub(super) fn backward(cell: &Cell, rows: usize, weights: &Weights, kept: &Kept, grads: &mut Grads) {
    let (units, n, wide) = (cell.units, cell.padded(), cell.width());
    let (act, recurrent_act) = (cell.activation, cell.recurrent_activation);
    gates_grad::lstm(rows, units, kept.gates, kept.c, grads.h, grads.c, grads.z, act, recurrent_act);
    gemm(rows, wide, units, grads.z, wide, weights.recurrent, grads.h, n, Start::Zero);
}
