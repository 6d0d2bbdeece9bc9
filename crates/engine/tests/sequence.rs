//! The sequence op against the equations in f64, and its laws bit for bit.

#[path = "support/naive.rs"]
mod naive;
mod support;

use layer_rnn_engine::{Activation, CellKind, Dtype, Op};
use support::{BATCH, Lab, TIME, bits, numbers};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KINDS: [CellKind; 4] =
    [CellKind::SimpleRnn, CellKind::Lstm, CellKind::GruResetBefore, CellKind::GruResetAfter];

#[derive(Clone)]
struct Case {
    kind: CellKind,
    batch: usize,
    time: usize,
    features: usize,
    units: usize,
    time_major: bool,
    bias: bool,
    mask: Option<Vec<bool>>,
    initial: bool,
    previous: Option<Vec<f32>>,
    backward: bool,
    zero_output: bool,
    seed: u32,
}

impl Case {
    fn new(kind: CellKind, [batch, time, features, units]: [usize; 4]) -> Case {
        Case {
            kind,
            batch,
            time,
            features,
            units,
            time_major: false,
            bias: true,
            mask: None,
            initial: false,
            previous: None,
            backward: false,
            zero_output: false,
            seed: 1,
        }
    }

    fn gates(&self) -> usize {
        match self.kind {
            CellKind::SimpleRnn => 1,
            CellKind::Lstm => 4,
            _ => 3,
        }
    }

    fn states(&self) -> usize {
        if self.kind == CellKind::Lstm { 2 } else { 1 }
    }

    fn kernel(&self) -> Vec<f32> {
        numbers(self.features * self.gates() * self.units, self.seed + 10)
    }

    fn recurrent(&self) -> Vec<f32> {
        // small enough that long sequences forget: a chaotic one amplifies any rounding
        let scale = 1.0 / (self.units as f32).sqrt();
        let mut weights = numbers(self.units * self.gates() * self.units, self.seed + 20);
        weights.iter_mut().for_each(|w| *w *= scale);
        weights
    }

    fn bias(&self) -> Vec<f32> {
        let rows = if self.kind == CellKind::GruResetAfter { 2 } else { 1 };
        numbers(rows * self.gates() * self.units, self.seed + 30)
    }

    fn x(&self) -> Vec<f32> {
        numbers(self.batch * self.time * self.features, self.seed)
    }

    fn state(&self, index: u32) -> Vec<f32> {
        numbers(self.batch * self.units, self.seed + 40 + index)
    }

    /// last, all, states…, previous.
    fn run(&self) -> Vec<Vec<f32>> {
        self.run_on(&self.x(), &[self.state(0), self.state(1)])
    }

    fn run_on(&self, x: &[f32], states: &[Vec<f32>]) -> Vec<Vec<f32>> {
        let mut lab = Lab::new();
        let (b, t, f, u) = (self.batch as i32, self.time as i32, self.features as i32, self.units as i32);
        let g = self.gates() as i32;
        // time comes first in x, all outputs and the mask
        let major = self.time_major;
        let order = |[b, t]: [i32; 2]| if major { [t, b] } else { [b, t] };
        let turned = |x: &[f32], width: usize, rows: usize| -> Vec<f32> {
            let n = x.len() / (rows * width).max(1);
            (0..x.len()).map(|i| x[(i / width % rows * n + i / width / rows) * width + i % width]).collect()
        };
        let [outer, inner] = order([BATCH, TIME]);
        let x = if major { turned(x, self.features, self.batch) } else { x.to_vec() };
        let mut values = vec![lab.input(Dtype::Float32, &[outer, inner, f])];
        let [outer, inner] = order([b, t]);
        let mut inputs = vec![lab.tensor(Dtype::Float32, &[outer, inner, f], &x)];
        values.push(lab.variable(&[f, g * u], &self.kernel()));
        values.push(lab.variable(&[u, g * u], &self.recurrent()));
        let mut operands = 0;
        if self.bias {
            operands |= 1;
            let after = self.kind == CellKind::GruResetAfter;
            let dims = if after { vec![2, g * u] } else { vec![g * u] };
            values.push(lab.variable(&dims, &self.bias()));
        }
        if let Some(mask) = &self.mask {
            operands |= 2;
            values.push(lab.input(Dtype::Bool, &order([BATCH, TIME])));
            let mask: Vec<f32> = mask.iter().map(|&m| f32::from(m)).collect();
            let mask = if major { turned(&mask, 1, self.batch) } else { mask };
            inputs.push(lab.tensor(Dtype::Bool, &order([b, t]), &mask));
        }
        if self.initial {
            operands |= 4;
            for state in states.iter().take(self.states()) {
                values.push(lab.input(Dtype::Float32, &[BATCH, u]));
                inputs.push(lab.tensor(Dtype::Float32, &[b, u], state));
            }
        }
        if let Some(previous) = &self.previous {
            operands |= 8;
            values.push(lab.input(Dtype::Float32, &[BATCH, u]));
            inputs.push(lab.tensor(Dtype::Float32, &[b, u], previous));
        }
        let flags = u32::from(self.backward) + 2 * u32::from(self.zero_output) + 4 * u32::from(major);
        let (act, ract) = (Activation::Tanh as u32, Activation::Sigmoid as u32);
        let attrs = [self.kind as u32, act, ract, u as u32, flags, operands, 15];
        let outputs = lab.record(Op::Sequence, &values, &attrs).unwrap();
        let program = lab.finish(&outputs, &[]);
        let mut results = lab.run(program, &inputs).unwrap();
        if major {
            results[1] = turned(&results[1], self.units, self.time);
        }
        results
    }

    fn expected(&self) -> Vec<Vec<f64>> {
        let [kernel, recurrent, bias] =
            [self.kernel(), self.recurrent(), self.bias()].map(|w| naive::wide(&w));
        let cell = naive::Cell {
            kind: self.kind,
            units: self.units,
            activation: "Tanh",
            recurrent_activation: "Sigmoid",
            kernel: &kernel,
            recurrent: &recurrent,
            bias: self.bias.then_some(&bias),
        };
        let mut expected = vec![Vec::new(); 3 + self.states()];
        let x = naive::wide(&self.x());
        for b in 0..self.batch {
            let rows: Vec<&[f64]> = x[b * self.time * self.features..][..self.time * self.features]
                .chunks(self.features)
                .collect();
            let mask: Vec<bool> = match &self.mask {
                Some(mask) => mask[b * self.time..][..self.time].to_vec(),
                None => vec![true; self.time],
            };
            let zeros = vec![0.0; self.units];
            let initial: Vec<Vec<f64>> = (0..self.states())
                .map(|s| match self.initial {
                    true => naive::wide(&self.state(s as u32)[b * self.units..][..self.units]),
                    false => zeros.clone(),
                })
                .collect();
            let row = naive::sequence(&cell, &rows, &mask, &initial, &zeros, self.backward, self.zero_output);
            expected[0].extend(row.last);
            expected[1].extend(row.all.concat());
            for (s, state) in row.states.into_iter().chain([row.previous]).enumerate() {
                expected[2 + s].extend(state);
            }
        }
        expected
    }

    fn check(&self) {
        for (result, expected) in self.run().iter().zip(self.expected()) {
            assert_eq!(result.len(), expected.len());
            for (x, y) in result.iter().zip(expected) {
                assert!((f64::from(*x) - y).abs() < 2e-6, "{:?} {x} {y}", self.kind);
            }
        }
    }
}

/// Right, left, holes, a whole row.
fn mask(batch: usize, time: usize) -> Vec<bool> {
    let patterns: [fn(usize, usize) -> bool; 4] =
        [|t, n| t < n - 2, |t, _| t > 1, |t, _| t % 3 != 1, |_, _| false];
    (0..batch * time).map(|i| patterns[i / time % 4](i % time, time)).collect()
}

#[test]
fn every_cell_and_option_as_the_equations_say() {
    for kind in KINDS {
        for sizes in [[1, 1, 1, 1], [1, 6, 3, 5], [3, 7, 5, 8], [5, 4, 2, 13], [4, 9, 3, 6]] {
            for options in 0..32 {
                let mut case = Case::new(kind, sizes);
                case.bias = options & 1 == 0;
                case.initial = options & 2 != 0;
                case.backward = options & 4 != 0;
                case.zero_output = options & 8 != 0;
                case.mask = (options & 16 != 0 && sizes[1] > 2).then(|| mask(sizes[0], sizes[1]));
                case.check();
            }
        }
    }
}

#[test]
fn long_sequences_go_in_chunks() {
    for kind in KINDS {
        let mut case = Case::new(kind, [3, 200, 4, 40]);
        case.check();
        case.mask = Some(mask(3, 200));
        case.check();
    }
}

#[test]
fn a_batch_row_has_the_bits_of_its_own_run() {
    for kind in KINDS {
        let mut case = Case::new(kind, [5, 7, 3, 6]);
        case.mask = Some(mask(5, 7));
        case.initial = true;
        let whole = case.run();
        for row in 0..5 {
            let mut alone = case.clone();
            alone.batch = 1;
            alone.mask = Some(mask(5, 7)[row * 7..][..7].to_vec());
            let states = [case.state(0)[row * 6..][..6].to_vec(), case.state(1)[row * 6..][..6].to_vec()];
            let single = alone.run_on(&case.x()[row * 21..][..21], &states);
            for (all, one) in whole.iter().zip(&single) {
                assert_eq!(bits(&all[row * one.len()..][..one.len()]), bits(one));
            }
        }
    }
}

#[test]
fn steps_have_the_bits_of_the_sequence() {
    for kind in KINDS {
        let mut case = Case::new(kind, [3, 8, 5, 7]);
        case.mask = Some(mask(3, 8));
        let whole = case.run();
        let (x, masks) = (case.x(), mask(3, 8));
        let mut states = vec![vec![0.0; 21]; 2];
        let mut step = case.clone();
        (step.time, step.initial, step.previous) = (1, true, Some(vec![0.0; 21]));
        for t in 0..8 {
            let frame: Vec<f32> = (0..3).flat_map(|b| x[(b * 8 + t) * 5..][..5].to_vec()).collect();
            step.mask = Some((0..3).map(|b| masks[b * 8 + t]).collect());
            let out = step.run_on(&frame, &states);
            let expected: Vec<f32> = (0..3).flat_map(|b| whole[1][(b * 8 + t) * 7..][..7].to_vec()).collect();
            assert_eq!(bits(&out[1]), bits(&expected));
            states[..case.states()].clone_from_slice(&out[2..2 + case.states()]);
            step.previous = out.last().cloned();
        }
        assert_eq!(bits(&states[0]), bits(&whole[2]));
    }
}

#[test]
fn nan_in_masked_steps_reaches_nothing() {
    for kind in KINDS {
        let mut case = Case::new(kind, [4, 9, 3, 6]);
        let masks = mask(4, 9);
        case.mask = Some(masks.clone());
        let clean = case.run();
        let mut x = case.x();
        for (at, row) in x.chunks_mut(3).enumerate() {
            if !masks[at] {
                row.fill(f32::NAN);
            }
        }
        let dirty = case.run_on(&x, &[vec![], vec![]]);
        for (a, b) in clean.iter().zip(&dirty) {
            assert_eq!(bits(a), bits(b));
        }
    }
}

#[test]
fn time_may_come_first() {
    for kind in KINDS {
        for sizes in [[1, 6, 3, 5], [3, 7, 5, 8], [2, 90, 4, 40]] {
            for options in 0..4 {
                let mut case = Case::new(kind, sizes);
                case.initial = true;
                case.backward = options & 1 != 0;
                case.mask = (options & 2 != 0).then(|| mask(sizes[0], sizes[1]));
                let batch_first = case.run();
                case.time_major = true;
                for (a, b) in case.run().iter().zip(&batch_first) {
                    assert_eq!(bits(a), bits(b), "{kind:?} {sizes:?} {options}");
                }
            }
        }
    }
}

#[test]
fn an_empty_batch_gives_empty_results() {
    for kind in KINDS {
        let mut case = Case::new(kind, [0, 4, 5, 3]);
        for _ in 0..2 {
            assert!(case.run().iter().all(Vec::is_empty));
            case.mask = Some(Vec::new());
            case.backward = true;
        }
    }
}
