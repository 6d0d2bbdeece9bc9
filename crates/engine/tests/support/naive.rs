//! The cells as their equations say, in f64, one row at a time.

use layer_rnn_engine::CellKind;

pub struct Weights<'a> {
    pub kernel: &'a [f32],
    pub recurrent: &'a [f32],
    pub bias: Option<&'a [f32]>,
}

pub struct Outcome {
    pub last: Vec<f64>,
    pub all: Vec<Vec<f64>>,
    pub states: Vec<Vec<f64>>,
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Column `j` of x·w.
fn product(x: &[f64], w: &[f32], columns: usize, j: usize) -> f64 {
    x.iter().enumerate().map(|(k, x)| x * f64::from(w[k * columns + j])).sum()
}

fn step(kind: CellKind, units: usize, w: &Weights, x: &[f64], states: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let gates = match kind {
        CellKind::SimpleRnn => 1,
        CellKind::Lstm => 4,
        _ => 3,
    };
    let n = gates * units;
    let h = &states[0];
    let bias = |row: usize, j: usize| w.bias.map_or(0.0, |b| f64::from(b[row * n + j]));
    let zx = |g: usize, u: usize| product(x, w.kernel, n, g * units + u) + bias(0, g * units + u);
    let zh = |g: usize, u: usize| product(h, w.recurrent, n, g * units + u);
    let each = |f: &dyn Fn(usize) -> f64| (0..units).map(f).collect::<Vec<f64>>();
    match kind {
        CellKind::SimpleRnn => vec![each(&|u| (zx(0, u) + zh(0, u)).tanh())],
        CellKind::Lstm => {
            let gate = |g: usize, u: usize| zx(g, u) + zh(g, u);
            let c = each(&|u| sigmoid(gate(1, u)) * states[1][u] + sigmoid(gate(0, u)) * gate(2, u).tanh());
            vec![each(&|u| sigmoid(gate(3, u)) * c[u].tanh()), c]
        }
        CellKind::GruResetAfter => vec![each(&|u| {
            let rec = |g: usize| zh(g, u) + bias(1, g * units + u);
            let (z, r) = (sigmoid(zx(0, u) + rec(0)), sigmoid(zx(1, u) + rec(1)));
            z * h[u] + (1.0 - z) * (zx(2, u) + r * rec(2)).tanh()
        })],
        CellKind::GruResetBefore => {
            let reset = each(&|u| sigmoid(zx(1, u) + zh(1, u)) * h[u]);
            vec![each(&|u| {
                let z = sigmoid(zx(0, u) + zh(0, u));
                z * h[u] + (1.0 - z) * (zx(2, u) + product(&reset, w.recurrent, n, 2 * units + u)).tanh()
            })]
        }
    }
}

/// One row over its steps: x `[time][features]`, Keras 2's masks.
pub fn sequence(
    kind: CellKind,
    units: usize,
    w: &Weights,
    x: &[Vec<f64>],
    mask: &[bool],
    initial: &[Vec<f64>],
    backward: bool,
    zero_output: bool,
) -> Outcome {
    let mut states = initial.to_vec();
    let mut previous = vec![0.0; units];
    let mut all = Vec::new();
    for s in 0..x.len() {
        let t = if backward { x.len() - 1 - s } else { s };
        if mask[t] {
            states = step(kind, units, w, &x[t], &states);
            previous = states[0].clone();
        }
        all.push(if mask[t] || !zero_output { previous.clone() } else { vec![0.0; units] });
    }
    Outcome { last: all.last().unwrap().clone(), all, states }
}
