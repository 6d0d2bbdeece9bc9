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

use super::{Cell, States, Weights};
use layer_rnn_kernels::gates;
use layer_rnn_kernels::gemm::{Start, gemm};

pub(super) fn step(cell: &Cell, rows: usize, weights: &Weights, z: &mut [f32], states: &mut States) {
    let n = cell.width();
    gemm(rows, cell.units, n, states.h, cell.padded(), weights.recurrent, z, n, Start::Continue);
    gates::lstm(rows, cell.units, z, n, states.h, states.c, cell.activation, cell.recurrent_activation);
}
