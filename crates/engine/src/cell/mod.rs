//! The fused cells. A cell is given in two halves, so that the loop over time can take the input's half out of itself:
//! `project` starts the chains of sums with the bias and the x terms of many rows, `step` continues them with the h terms of
//! one step's rows and applies the gates. Keras's gate order in memory, planes of padded units in z (see each cell).

mod gru;
mod lstm;
mod simple_rnn;

use crate::program::Role;
use layer_rnn_kernels::activation::Activation;
#[cfg(feature = "full")]
use layer_rnn_kernels::gates_grad;
use layer_rnn_kernels::gemm::{Start, gemm};
use layer_rnn_kernels::pack::padded;

layer_rnn_kernels::numbered! {
    /// Which equations.
    pub enum CellKind {
        /// h' = act(x·K + b + h·R)
        SimpleRnn,
        /// Gates i f c o.
        Lstm,
        /// Gates z r h, the reset gate applied before the recurrent product.
        GruResetBefore,
        /// Gates z r h, the reset gate applied after the recurrent product (Keras's default).
        GruResetAfter,
    }
}

impl CellKind {
    /// Blocks of units in the weights' columns.
    pub(crate) fn gates(self) -> usize {
        match self {
            CellKind::SimpleRnn => 1,
            CellKind::Lstm => 4,
            CellKind::GruResetBefore | CellKind::GruResetAfter => 3,
        }
    }

    /// Number of states.
    pub(crate) fn states(self) -> usize {
        if self == CellKind::Lstm { 2 } else { 1 }
    }

    /// Planes of a row of z.
    fn planes(self) -> usize {
        match self {
            CellKind::SimpleRnn => 1,
            CellKind::Lstm | CellKind::GruResetAfter => 4,
            CellKind::GruResetBefore => 3,
        }
    }
}

/// A fused cell: equations, activations and size.
#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub kind: CellKind,
    pub activation: Activation,
    pub recurrent_activation: Activation,
    pub units: usize,
}

/// The packed weights of a cell; empty where it has none.
#[derive(Clone, Copy, Default)]
pub(crate) struct Weights<'a> {
    /// Input kernel, and the bias its chains start from.
    pub kernel: &'a [f32],
    pub bias: &'a [f32],
    /// Recurrent kernel: all gates, or z and r of a GRU that resets before.
    pub recurrent: &'a [f32],
    /// Recurrent kernel of the candidate of a GRU that resets before.
    pub candidate: &'a [f32],
    /// Bias of the recurrent candidate of a GRU that resets after.
    pub recurrent_bias: &'a [f32],
}

impl<'a> Weights<'a> {
    /// Finds the weights in the order in which [`Cell::packs`] asked for them.
    pub fn of(kind: CellKind, bias: bool, packed: impl Fn(usize) -> &'a [f32]) -> Weights<'a> {
        let mut next = 0..;
        let mut take = |has: bool| {
            if has { packed(next.next().unwrap_or(0)) } else { &[] }
        };
        Weights {
            kernel: take(true),
            recurrent: take(true),
            candidate: take(kind == CellKind::GruResetBefore),
            bias: take(bias),
            recurrent_bias: take(bias && kind == CellKind::GruResetAfter),
        }
    }

    /// The number of packed kernels, without biases.
    #[cfg(feature = "full")]
    pub fn kernels(kind: CellKind) -> usize {
        if kind == CellKind::GruResetBefore { 3 } else { 2 }
    }
}

impl Cell {
    /// Units rounded up to whole vectors: the width of states and planes in scratch.
    pub fn padded(&self) -> usize {
        padded(self.units)
    }

    /// Words of a row of z.
    pub fn width(&self) -> usize {
        self.kind.planes() * self.padded()
    }

    /// Asks for the packed weights: inputs 1 (kernel), 2 (recurrent kernel) and the bias.
    pub fn packs(&self, bias: Option<usize>, ask: &mut dyn FnMut(usize, Role)) {
        let units = self.units as u32;
        let gates = self.kind.gates() as u32;
        let planes = |planes| Role::Gates { units, gates, planes };
        match self.kind {
            CellKind::SimpleRnn | CellKind::Lstm => {
                ask(1, planes(Planes::InOrder));
                ask(2, planes(Planes::InOrder));
            }
            CellKind::GruResetBefore => {
                ask(1, planes(Planes::CandidateFirst));
                ask(2, planes(Planes::UpdateReset));
                ask(2, planes(Planes::Candidate));
            }
            CellKind::GruResetAfter => {
                ask(1, planes(Planes::CandidateFirst));
                ask(2, planes(Planes::InOrder));
            }
        }
        let Some(bias) = bias else { return };
        match self.kind {
            CellKind::SimpleRnn | CellKind::Lstm => ask(bias, Role::Bias { units, planes: Planes::InOrder }),
            CellKind::GruResetBefore => ask(bias, Role::Bias { units, planes: Planes::CandidateFirst }),
            CellKind::GruResetAfter => {
                ask(bias, Role::SummedBias { units });
                ask(bias, Role::RecurrentCandidateBias { units });
            }
        }
    }

    /// z = bias + x·kernel for `rows` rows of `features`: the planes of the gates.
    pub fn project(&self, rows: usize, x: &[f32], features: usize, weights: &Weights, z: &mut [f32]) {
        let start = if weights.bias.is_empty() { Start::Zero } else { Start::Bias(weights.bias) };
        let n = self.kind.gates() * self.padded();
        gemm(rows, features, n, x, features, weights.kernel, z, self.width(), start);
        if self.kind == CellKind::GruResetAfter {
            gru::start_candidate(self, rows, weights, z);
        }
    }

    /// One step of `rows` rows: z holds what `project` left, the states are replaced by the new ones. The pre-activations go to
    /// `pre`, rows like those of z, unless it is empty.
    pub fn step(&self, rows: usize, weights: &Weights, z: &mut [f32], pre: &mut [f32], states: &mut States) {
        let step = match self.kind {
            CellKind::SimpleRnn => simple_rnn::step,
            CellKind::Lstm => lstm::step,
            CellKind::GruResetBefore => gru::step_before,
            CellKind::GruResetAfter => gru::step_after,
        };
        step(self, rows, weights, z, pre, states);
    }

    /// Does the gradient need the pre-activations?
    pub fn derives_from_input(&self) -> bool {
        let gated = self.kind != CellKind::SimpleRnn;
        self.activation.derives_from_input() || gated && self.recurrent_activation.derives_from_input()
    }

    /// One step of `rows` rows backward: from the gradient of the new states to those of z and of the states before. The weights are
    /// packed as [`Cell::packs_backward`] asks.
    #[cfg(feature = "full")]
    pub fn backward(&self, rows: usize, weights: &Weights, kept: &Kept, grads: &mut Grads) {
        let backward = match self.kind {
            CellKind::SimpleRnn => simple_rnn::backward,
            CellKind::Lstm => lstm::backward,
            CellKind::GruResetBefore => gru::backward_before,
            CellKind::GruResetAfter => gru::backward_after,
        };
        backward(self, rows, weights, kept, grads);
    }

    /// The gates of the planes that the input kernel makes, from the first of z on.
    #[cfg(feature = "full")]
    pub fn input_planes(&self) -> &'static [usize] {
        match self.kind {
            CellKind::SimpleRnn | CellKind::Lstm => Planes::InOrder.gates(self.kind.gates()),
            CellKind::GruResetBefore | CellKind::GruResetAfter => Planes::CandidateFirst.gates(3),
        }
    }

    /// The kernels turned, in the same planes as for the steps: [`Weights::of`] finds them, without biases.
    #[cfg(feature = "full")]
    pub fn packs_backward(&self, ask: &mut dyn FnMut(usize, Role)) {
        self.packs(None, &mut |input, role| match role {
            Role::Gates { units, gates, planes } => ask(input, Role::GatesTurned { units, gates, planes }),
            _ => ask(input, role),
        });
    }
}

/// Copies z to where pre-activations are kept, if they are.
fn keep(z: &[f32], pre: &mut [f32]) {
    if !pre.is_empty() {
        pre.copy_from_slice(z);
    }
}

/// What the tape holds of a step's rows: gates, and the states before it.
#[cfg(feature = "full")]
pub(crate) struct Kept<'a> {
    pub gates: gates_grad::Kept<'a>,
    pub h: &'a [f32],
    pub c: &'a [f32],
}

/// Gradients of a step's rows, each row `padded` wide but for z.
#[cfg(feature = "full")]
pub(crate) struct Grads<'a> {
    pub z: &'a mut [f32],
    /// Of the new states, then of those before.
    pub h: &'a mut [f32],
    /// LSTM's carry; scratch in a GRU that resets before; otherwise unused.
    pub c: &'a mut [f32],
    /// r∘h of a GRU that resets before, which its candidate's kernel was multiplied with.
    pub rh: &'a mut [f32],
}

/// The states of some rows, each row `padded` wide.
pub(crate) struct States<'a> {
    /// The output, and the state that the recurrent product reads.
    pub h: &'a mut [f32],
    /// LSTM's carry; scratch for r∘h in a GRU that resets before; otherwise unused.
    pub c: &'a mut [f32],
}

/// Which gates of the weights make which planes of z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Planes {
    /// Keras's order.
    InOrder,
    /// GRU: h z r, so that the gates which the recurrent product continues stand together.
    CandidateFirst,
    /// GRU: z r.
    UpdateReset,
    /// GRU: h.
    Candidate,
}

impl Planes {
    /// Source gate of each plane.
    pub fn gates(self, gates: usize) -> &'static [usize] {
        const IN_ORDER: &[usize] = &[0, 1, 2, 3];
        match self {
            Planes::InOrder => IN_ORDER.get(..gates).unwrap_or(&[]),
            Planes::CandidateFirst => &[2, 0, 1],
            Planes::UpdateReset => &[0, 1],
            Planes::Candidate => &[2],
        }
    }
}
