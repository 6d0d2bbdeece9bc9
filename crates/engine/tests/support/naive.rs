//! The cells as their equations say, in f64, one row at a time.

use layer_rnn_engine::CellKind;

use layer_rnn_testkit::naive::activation_wide;

pub struct Cell<'a> {
    pub kind: CellKind,
    pub units: usize,
    /// Names of activations.
    pub activation: &'a str,
    pub recurrent_activation: &'a str,
    pub kernel: &'a [f64],
    pub recurrent: &'a [f64],
    pub bias: Option<&'a [f64]>,
}

pub struct Outcome {
    pub last: Vec<f64>,
    pub all: Vec<Vec<f64>>,
    pub states: Vec<Vec<f64>>,
    pub previous: Vec<f64>,
}

/// Blocks of units in the weights' columns.
pub fn gates(kind: CellKind) -> usize {
    match kind {
        CellKind::SimpleRnn => 1,
        CellKind::Lstm => 4,
        _ => 3,
    }
}

pub fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

fn zip<const N: usize>(operands: [&[f64]; N], f: impl Fn([f64; N]) -> f64) -> Vec<f64> {
    (0..operands[0].len()).map(|i| f(operands.map(|x| x[i]))).collect()
}

fn step(cell: &Cell, x: &[f64], states: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let (units, n) = (cell.units, gates(cell.kind) * cell.units);
    let h = &states[0];
    // columns of gate g
    let product = |x: &[f64], w: &[f64], g: usize| -> Vec<f64> {
        let column = |j: usize| x.iter().enumerate().map(|(k, x)| x * w[k * n + j]).sum();
        (g * units..(g + 1) * units).map(column).collect()
    };
    let bias = |row: usize, g: usize| -> Vec<f64> {
        cell.bias.map_or(vec![0.0; units], |b| b[row * n + g * units..][..units].to_vec())
    };
    let add = |[a, b]: [f64; 2]| a + b;
    let zx = |g: usize| zip([&product(x, cell.kernel, g), &bias(0, g)], add);
    let zh = |g: usize| product(h, cell.recurrent, g);
    let act = |x: Vec<f64>| activation_wide(cell.activation, units, x);
    let gate = |x: Vec<f64>| activation_wide(cell.recurrent_activation, units, x);
    let blend = |[z, h, c]: [f64; 3]| z * h + (1.0 - z) * c;
    match cell.kind {
        CellKind::SimpleRnn => vec![act(zip([&zx(0), &zh(0)], add))],
        CellKind::Lstm => {
            let z = |g: usize| zip([&zx(g), &zh(g)], add);
            let (i, f, o) = (gate(z(0)), gate(z(1)), gate(z(3)));
            let c = zip([&f, &states[1], &i, &act(z(2))], |[f, c, i, g]| f * c + i * g);
            vec![zip([&o, &act(c.clone())], |[o, c]| o * c), c]
        }
        CellKind::GruResetAfter => {
            let rec = |g: usize| zip([&zh(g), &bias(1, g)], add);
            let (z, r) = (gate(zip([&zx(0), &rec(0)], add)), gate(zip([&zx(1), &rec(1)], add)));
            let candidate = act(zip([&zx(2), &r, &rec(2)], |[x, r, rec]| x + r * rec));
            vec![zip([&z, h, &candidate], blend)]
        }
        CellKind::GruResetBefore => {
            let (z, r) = (gate(zip([&zx(0), &zh(0)], add)), gate(zip([&zx(1), &zh(1)], add)));
            let reset = zip([&r, h], |[r, h]| r * h);
            let candidate = act(zip([&zx(2), &product(&reset, cell.recurrent, 2)], add));
            vec![zip([&z, h, &candidate], blend)]
        }
    }
}

/// One row over its steps: x `[time][features]`, Keras 2's masks.
pub fn sequence(
    cell: &Cell,
    x: &[&[f64]],
    mask: &[bool],
    initial: &[Vec<f64>],
    previous: &[f64],
    backward: bool,
    zero_output: bool,
) -> Outcome {
    let mut states = initial.to_vec();
    let mut previous = previous.to_vec();
    let mut all = Vec::new();
    for s in 0..x.len() {
        let t = if backward { x.len() - 1 - s } else { s };
        if mask[t] {
            states = step(cell, x[t], &states);
            previous = states[0].clone();
        }
        all.push(if mask[t] || !zero_output { previous.clone() } else { vec![0.0; cell.units] });
    }
    Outcome { last: all.last().unwrap().clone(), all, states, previous }
}
