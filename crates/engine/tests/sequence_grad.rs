//! The gradient of the sequence op against central differences of the equations in f64, and its laws bit for bit.

#[path = "support/naive.rs"]
mod naive;
mod support;

use layer_rnn_engine::{Activation, CellKind, Dtype, Error, Op};
use support::{BATCH, Lab, TIME, bits, numbers};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const KINDS: [CellKind; 4] =
    [CellKind::SimpleRnn, CellKind::Lstm, CellKind::GruResetBefore, CellKind::GruResetAfter];

/// Bits of the record's operands and results.
const BIAS: u32 = 1;
const MASK: u32 = 2;
const STATES: u32 = 4;
const PREVIOUS: u32 = 8;
const LAST: u32 = 1;
const ALL: u32 = 2;
const FINAL_STATES: u32 = 4;
const NEXT_PREVIOUS: u32 = 8;

#[derive(Clone)]
struct Case {
    kind: CellKind,
    activation: Activation,
    recurrent_activation: Activation,
    sizes: [usize; 4],
    operands: u32,
    results: u32,
    backward: bool,
    zero_output: bool,
    time_major: bool,
    segment: u32,
    /// One for each row and step, row after row.
    mask: Vec<bool>,
    /// x, kernel, recurrent, bias, states, previous: what there is of them.
    values: Vec<Vec<f32>>,
    /// For each result.
    dys: Vec<Vec<f32>>,
}

impl Case {
    fn new(kind: CellKind, sizes: [usize; 4], operands: u32, results: u32) -> Case {
        let mut case = Case {
            kind,
            activation: Activation::Tanh,
            recurrent_activation: Activation::Sigmoid,
            sizes,
            operands,
            results,
            backward: false,
            zero_output: false,
            time_major: false,
            segment: 0,
            mask: vec![true; sizes[0] * sizes[1]],
            values: Vec::new(),
            dys: Vec::new(),
        };
        case.values = case.dims().iter().zip(1..).map(|(dims, seed)| numbers(count(dims), seed)).collect();
        // weights that let long sequences forget
        let scale = 1.0 / (case.sizes[3] as f32).sqrt();
        case.values[2].iter_mut().for_each(|w| *w *= scale);
        case.dys = case.results().iter().zip(50..).map(|(dims, seed)| numbers(count(dims), seed)).collect();
        case
    }

    fn has(&self, operand: u32) -> bool {
        self.operands & operand != 0
    }

    fn states(&self) -> usize {
        if self.kind == CellKind::Lstm { 2 } else { 1 }
    }

    /// Dims of the operands but the mask.
    fn dims(&self) -> Vec<Vec<usize>> {
        let [b, t, f, u] = self.sizes;
        let n = naive::gates(self.kind) * u;
        let bias = if self.kind == CellKind::GruResetAfter { vec![2, n] } else { vec![n] };
        let mut dims = vec![vec![b, t, f], vec![f, n], vec![u, n]];
        dims.extend(self.has(BIAS).then_some(bias));
        dims.extend(vec![vec![b, u]; if self.has(STATES) { self.states() } else { 0 }]);
        dims.extend(self.has(PREVIOUS).then_some(vec![b, u]));
        dims
    }

    /// Dims of the results.
    fn results(&self) -> Vec<Vec<usize>> {
        let [b, t, _, u] = self.sizes;
        let has = |result: u32| self.results & result != 0;
        let mut dims = vec![vec![b, u]; usize::from(has(LAST))];
        dims.extend(has(ALL).then_some(vec![b, t, u]));
        dims.extend(vec![vec![b, u]; if has(FINAL_STATES) { self.states() } else { 0 }]);
        dims.extend(has(NEXT_PREVIOUS).then_some(vec![b, u]));
        dims
    }

    /// The gradients of all operands but the mask.
    fn run(&self) -> Vec<Vec<f32>> {
        let [b, t, ..] = self.sizes;
        let mut lab = Lab::new();
        let mut ids = Vec::new();
        // what has time as its second axis comes time first if that is wanted
        let mut give = |lab: &mut Lab, dtype: Dtype, dims: &[usize], data: &[f32], unknown: &[i32]| {
            let mut dims: Vec<i32> = dims.iter().map(|&d| d as i32).collect();
            let mut data = data.to_vec();
            let mut rows = unknown.to_vec();
            if unknown.len() == 2 && self.time_major {
                data = turned(&data, b, t);
                dims.swap(0, 1);
                rows.swap(0, 1);
            }
            ids.push(lab.tensor(dtype, &dims, &data));
            rows.extend_from_slice(&dims[rows.len()..]);
            lab.input(dtype, &rows)
        };
        let rows = |dims: &[usize]| if dims.len() == 3 { vec![BATCH, TIME] } else { vec![BATCH] };
        let weights = if self.has(BIAS) { 4 } else { 3 };
        let mut inputs = Vec::new();
        for (index, (dims, value)) in self.dims().iter().zip(&self.values).enumerate() {
            let unknown = if (1..weights).contains(&index) { vec![] } else { rows(dims) };
            inputs.push(give(&mut lab, Dtype::Float32, dims, value, &unknown));
        }
        let wanted = inputs.clone();
        if self.has(MASK) {
            let mask: Vec<f32> = self.mask.iter().map(|&m| f32::from(m)).collect();
            inputs.insert(weights, give(&mut lab, Dtype::Bool, &[b, t], &mask, &[BATCH, TIME]));
        }
        let flags =
            u32::from(self.backward) + 2 * u32::from(self.zero_output) + 4 * u32::from(self.time_major);
        let (act, ract) = (self.activation as u32, self.recurrent_activation as u32);
        let units = self.sizes[3] as u32;
        let mut attrs = vec![self.kind as u32, act, ract, units, flags, self.operands, self.results];
        // the last attribute may be left out
        attrs.extend((self.segment > 0).then_some(self.segment));
        let made = lab.record(Op::Sequence, &inputs, &attrs).unwrap();
        let mut dys = Vec::new();
        for (dims, dy) in self.results().iter().zip(&self.dys) {
            dys.push(Some(give(&mut lab, Dtype::Float32, dims, dy, &rows(dims))));
        }
        let (gradients, _) = lab.gradient(&made, &dys, &wanted).unwrap();
        let outputs: Vec<u32> = gradients.into_iter().flatten().collect();
        let program = lab.finish(&outputs, &[]);
        let mut gradients = lab.run(program, &ids).unwrap();
        if self.time_major {
            gradients[0] = turned(&gradients[0], t, b);
        }
        gradients
    }

    /// Σ results · dys, in f64.
    fn loss(&self, values: &[Vec<f64>]) -> f64 {
        let [b, t, f, u] = self.sizes;
        let mut rest = values[3..].iter();
        let bias = if self.has(BIAS) { rest.next() } else { None };
        let cell = naive::Cell {
            kind: self.kind,
            units: u,
            activation: &format!("{:?}", self.activation),
            recurrent_activation: &format!("{:?}", self.recurrent_activation),
            kernel: &values[1],
            recurrent: &values[2],
            bias: bias.map(|bias| &bias[..]),
        };
        let states: Vec<_> =
            if self.has(STATES) { rest.by_ref().take(self.states()).collect() } else { vec![] };
        let previous = if self.has(PREVIOUS) { rest.next() } else { None };
        let mut loss = 0.0;
        for row in 0..b {
            let x: Vec<&[f64]> = values[0][row * t * f..][..t * f].chunks(f).collect();
            let zeros = vec![0.0; u];
            let mut initial = vec![zeros.clone(); self.states()];
            for (initial, state) in initial.iter_mut().zip(&states) {
                initial.copy_from_slice(&state[row * u..][..u]);
            }
            let previous = previous.map_or(&zeros[..], |previous| &previous[row * u..][..u]);
            let mask = &self.mask[row * t..][..t];
            let out = naive::sequence(&cell, &x, mask, &initial, previous, self.backward, self.zero_output);
            let has = |result: u32| self.results & result != 0;
            let mut results: Vec<Vec<f64>> = vec![out.last; usize::from(has(LAST))];
            results.extend(has(ALL).then(|| out.all.concat()));
            results.extend(if has(FINAL_STATES) { out.states } else { vec![] });
            results.extend(has(NEXT_PREVIOUS).then_some(out.previous));
            for (result, dy) in results.iter().zip(&self.dys) {
                let dy = &dy[row * result.len()..][..result.len()];
                loss += result.iter().zip(dy).map(|(y, dy)| y * f64::from(*dy)).sum::<f64>();
            }
        }
        loss
    }

    fn check(&self) {
        const H: f64 = 1e-5;
        let wide: Vec<Vec<f64>> = self.values.iter().map(|value| naive::wide(value)).collect();
        let mut moved = wide.clone();
        let gradients = self.run();
        assert_eq!(gradients.len(), wide.len());
        for (v, (got, value)) in gradients.iter().zip(&wide).enumerate() {
            assert_eq!(got.len(), value.len());
            for i in 0..value.len() {
                let mut at = |x: f64| {
                    moved[v][i] = x;
                    self.loss(&moved)
                };
                let want = (at(value[i] + H) - at(value[i] - H)) / (2.0 * H);
                moved[v][i] = value[i];
                let near = (f64::from(got[i]) - want).abs() < 3e-6 + 6e-6 * want.abs();
                let (act, ract) = (self.activation, self.recurrent_activation);
                assert!(near, "{:?} {act:?} {ract:?} value {v} [{i}]: {} {want}", self.kind, got[i]);
            }
        }
    }
}

fn count(dims: &[usize]) -> usize {
    dims.iter().product()
}

/// `[rows, columns, …]` as `[columns, rows, …]`.
fn turned(x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let width = x.len() / (rows * columns).max(1);
    let at = |row: usize, column: usize| &x[(row * columns + column) * width..][..width];
    (0..columns).flat_map(|column| (0..rows).flat_map(move |row| at(row, column).to_vec())).collect()
}

/// Right, left, holes, a whole row, nothing.
fn mask(batch: usize, time: usize) -> Vec<bool> {
    let patterns: [fn(usize, usize) -> bool; 5] =
        [|t, n| t + 2 < n, |t, _| t > 1, |t, _| t % 3 != 1, |_, _| false, |_, _| true];
    (0..batch * time).map(|i| patterns[i / time % 5](i % time, time)).collect()
}

#[test]
fn every_option_is_the_slope_of_the_equations() {
    for kind in KINDS {
        for operands in 0..16 {
            // every other one without a part of the results
            for results in [15, [LAST, ALL, FINAL_STATES, NEXT_PREVIOUS | ALL][operands as usize % 4]] {
                for order in 0..4 {
                    let mut case = Case::new(kind, [5, 5, 3, 5], operands, results);
                    (case.backward, case.zero_output) = (order & 1 != 0, order & 2 != 0);
                    if case.has(MASK) {
                        case.mask = mask(5, 5);
                    }
                    if order == 0 || case.has(MASK) {
                        case.check();
                    }
                }
            }
        }
        for sizes in [[1, 1, 1, 1], [2, 4, 1, 4], [1, 7, 2, 3]] {
            Case::new(kind, sizes, BIAS | STATES, 15).check();
        }
    }
}

#[test]
fn every_activation_is_the_slope_of_its_function() {
    for kind in KINDS {
        for &activation in Activation::ALL {
            let mut case = Case::new(kind, [2, 3, 2, 5], BIAS | STATES | MASK, LAST | ALL | FINAL_STATES);
            case.mask = mask(2, 3);
            case.activation = activation;
            case.check();
            (case.activation, case.recurrent_activation) = (Activation::Tanh, activation);
            case.check();
        }
    }
}

#[test]
fn time_may_come_first() {
    for kind in KINDS {
        for operands in [BIAS | STATES, 15] {
            for options in 0..4 {
                let mut case = Case::new(kind, [5, 70, 4, 40], operands, 15);
                case.mask = mask(5, 70);
                (case.backward, case.segment) = (options & 1 != 0, 16 * (options & 2));
                let batch_first = case.run();
                case.time_major = true;
                for (a, b) in case.run().iter().zip(&batch_first) {
                    assert_eq!(bits(a), bits(b), "{kind:?} {operands} {options}");
                }
            }
        }
    }
}

#[test]
fn segments_change_no_bit() {
    for kind in KINDS {
        for activation in [Activation::Tanh, Activation::Silu] {
            let mut case = Case::new(kind, [3, 61, 4, 40], 15, 15);
            case.activation = activation;
            for masked in [false, true] {
                if masked {
                    case.mask = mask(3, 61);
                }
                for backward in [false, true] {
                    (case.backward, case.segment) = (backward, 0);
                    let whole = case.run();
                    for segment in [1, 8, 60, 1000] {
                        case.segment = segment;
                        for (a, b) in case.run().iter().zip(&whole) {
                            assert_eq!(bits(a), bits(b), "{kind:?} {segment}");
                        }
                    }
                }
            }
        }
    }
}

/// Padded at one end, with NaN, and masked is the same as trimmed.
#[test]
fn padding_changes_no_bit() {
    const PAD: usize = 13;
    for kind in KINDS {
        for options in 0..4 {
            let (backward, left) = (options & 1 != 0, options & 2 != 0);
            let mut trimmed = Case::new(kind, [3, 47, 4, 40], BIAS | STATES, LAST | ALL | FINAL_STATES);
            let mut padded = Case::new(kind, [3, 60, 4, 40], BIAS | STATES | MASK, trimmed.results);
            (trimmed.backward, padded.backward) = (backward, backward);
            // the rows' first step that counts, in time and in the order of processing
            let (x_from, y_from) = (if left { PAD } else { 0 }, if left != backward { PAD } else { 0 });
            padded.mask = (0..3 * 60).map(|i| (x_from..x_from + 47).contains(&(i % 60))).collect();
            let longer = |rows: &[f32], width: usize, from: usize, pad: f32| -> Vec<f32> {
                let row = |row: &[f32]| {
                    let rest = (PAD - from) * width;
                    [&vec![pad; from * width][..], row, &vec![pad; rest][..]].concat()
                };
                rows.chunks(47 * width).flat_map(row).collect()
            };
            padded.values = trimmed.values.clone();
            padded.values[0] = longer(&trimmed.values[0], 4, x_from, f32::NAN);
            padded.dys = trimmed.dys.clone();
            padded.dys[1] = longer(&trimmed.dys[1], 40, y_from, 0.0);
            let mut expected = trimmed.run();
            expected[0] = longer(&expected[0], 4, x_from, 0.0);
            for (a, b) in padded.run().iter().zip(&expected) {
                assert_eq!(bits(a), bits(b), "{kind:?} {options}");
            }
        }
    }
}

#[test]
fn a_batch_row_has_the_bits_of_its_own_run() {
    for kind in KINDS {
        let mut case = Case::new(kind, [5, 7, 3, 6], 15, 15);
        case.mask = mask(5, 7);
        let whole = case.run();
        for row in 0..5 {
            let part = |values: &[f32]| values[row * values.len() / 5..(row + 1) * values.len() / 5].to_vec();
            let mut alone = case.clone();
            alone.sizes[0] = 1;
            alone.mask = case.mask[row * 7..][..7].to_vec();
            for at in [0, 4, 5, 6] {
                if at < alone.values.len() {
                    alone.values[at] = part(&case.values[at]);
                }
            }
            alone.dys = case.dys.iter().map(|dy| part(dy)).collect();
            for (at, (all, one)) in whole.iter().zip(&alone.run()).enumerate() {
                if at == 0 || at > 3 {
                    assert_eq!(bits(&part(all)), bits(one), "{kind:?} {at}");
                }
            }
        }
    }
}

#[test]
fn nan_in_masked_steps_reaches_nothing() {
    for kind in KINDS {
        for segment in [0, 2] {
            let mut case = Case::new(kind, [4, 9, 3, 6], 15, 15);
            (case.mask, case.segment) = (mask(4, 9), segment);
            let clean = case.run();
            let masks = case.mask.clone();
            for (row, &active) in case.values[0].chunks_mut(3).zip(&masks) {
                if !active {
                    row.fill(f32::NAN);
                }
            }
            for (a, b) in case.run().iter().zip(&clean) {
                assert_eq!(bits(a), bits(b));
            }
            for (dx, &active) in clean[0].chunks(3).zip(&masks) {
                assert!(active || bits(dx) == [0; 3]);
            }
        }
    }
}

/// Two gradients of one sequence share its tape; only what is wanted is given; a gradient of the gradient is an error.
#[test]
fn gradients_share_a_tape_and_have_none_themselves() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 3]);
    let (kernel, recurrent) =
        (lab.variable(&[3, 8], &numbers(24, 1)), lab.variable(&[2, 8], &numbers(16, 2)));
    let lstm = [CellKind::Lstm as u32, Activation::Tanh as u32, Activation::Sigmoid as u32, 2, 0, 0, ALL];
    let y = lab.record(Op::Sequence, &[x, kernel, recurrent], &lstm).unwrap()[0];
    let dy = lab.input(Dtype::Float32, &[BATCH, TIME, 2]);
    let of_x = lab.gradient(&[y], &[Some(dy)], &[x]).unwrap().0[0].unwrap();
    let of_kernel = lab.gradient(&[y], &[Some(dy)], &[kernel]).unwrap().0[0].unwrap();
    let Err(failure) = lab.gradient(&[of_x], &[Some(x)], &[kernel]) else { panic!("a second order") };
    assert_eq!(*failure.error, Error::Gradient { op: Op::SequenceGrad as u32 });
    let program = lab.finish(&[of_x, of_kernel, y], &[]);
    let data = numbers(2 * 4 * 3, 3);
    let ids = [
        lab.tensor(Dtype::Float32, &[2, 4, 3], &data),
        lab.tensor(Dtype::Float32, &[2, 4, 2], &numbers(16, 4)),
    ];
    let both = lab.run(program, &ids).unwrap();
    let mut case = Case::new(CellKind::Lstm, [2, 4, 3, 2], 0, ALL);
    case.values = vec![data, numbers(24, 1), numbers(16, 2)];
    case.dys = vec![numbers(16, 4)];
    let whole = case.run();
    assert_eq!(bits(&both[0]), bits(&whole[0]));
    assert_eq!(bits(&both[1]), bits(&whole[1]));
}

#[test]
fn an_empty_batch_has_gradients_of_zero() {
    for kind in KINDS {
        for segment in [0, 2] {
            let mut case = Case::new(kind, [0, 4, 5, 3], 15, 15);
            case.segment = segment;
            for gradient in case.run() {
                assert!(gradient.iter().all(|&x| x == 0.0));
            }
        }
    }
}
