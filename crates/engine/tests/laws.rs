//! Laws of step programs, for programs made by chance: whatever the ops of a step, the loop around it gives the bits of the steps
//! written one after the other, of every row by itself, and of sequences without what is masked.

mod support;

use layer_rnn_engine::{Binary, Dtype, Emit, Engine, Op, Part, Reduce};
use support::chance::{Code, Dice};
use support::{BATCH, Lab, TIME, bits, numbers};

const BACKWARD: u32 = 1;
const ZERO_OUTPUT: u32 = 2;
const MASK: u32 = 4;

/// What goes into a run.
#[derive(Clone)]
struct Case {
    batch: usize,
    time: usize,
    flags: u32,
    x: Vec<f32>,
    mask: Vec<bool>,
    states: Vec<Vec<f32>>,
    rows: Vec<Vec<f32>>,
    weights: Vec<Vec<f32>>,
    /// Gradients of all outputs, in the order of time, and of the states at the end.
    dy: Vec<f32>,
    ds: Vec<Vec<f32>>,
    /// Of the outputs and of the states: which have gradients?
    given: [bool; 2],
    /// Without groups and hoisting?
    plainly: bool,
    /// Steps of a segment, or 0.
    segment: u32,
}

impl Case {
    fn new(code: &Code, seed: u32, batch: usize, time: usize) -> Case {
        let mut next = seed;
        let mut some = |count: usize| {
            next += 1;
            numbers(count, next)
        };
        Case {
            batch,
            time,
            flags: 0,
            x: some(batch * time * code.x),
            mask: vec![true; batch * time],
            states: code.states.iter().map(|width| some(batch * width)).collect(),
            rows: code.rows.iter().map(|width| some(batch * width)).collect(),
            weights: code.weights.iter().map(|[k, n]| some(k * n)).collect(),
            dy: some(batch * time * code.out_width),
            ds: code.states.iter().map(|width| some(batch * width)).collect(),
            given: [true; 2],
            plainly: false,
            segment: 0,
        }
    }

    /// Masks steps by chance; what they hold is `fill`. Their outputs get no gradient, or one that is dropped.
    fn masked(&self, code: &Code, dice: &mut Dice, same: bool, fill: f32) -> Case {
        let mut case = self.clone();
        case.flags |= MASK;
        let holes: Vec<bool> = (0..self.time).map(|_| dice.roll(3) > 0).collect();
        for (at, active) in case.mask.iter_mut().enumerate() {
            *active = if same { holes[at % self.time] } else { dice.roll(3) > 0 };
        }
        let masked: Vec<usize> = (0..case.mask.len()).filter(|&at| !case.mask[at]).collect();
        for at in masked {
            case.x[at * code.x..][..code.x].fill(fill);
            if case.flags & ZERO_OUTPUT == 0 {
                case.dy[at * code.out_width..][..code.out_width].fill(0.0);
            }
        }
        case
    }

    /// Some rows alone.
    fn rows(&self, code: &Code, rows: std::ops::Range<usize>) -> Case {
        let mut all = self.clone();
        all.mask.fill(true);
        let mut some = all.trimmed(code, rows.clone()).unwrap();
        some.flags = self.flags;
        some.mask = self.mask[rows.start * self.time..rows.end * self.time].to_vec();
        some
    }

    /// Some rows without what is masked (in the first of them), or nothing if nothing is left.
    fn trimmed(&self, code: &Code, rows: std::ops::Range<usize>) -> Option<Case> {
        let active: Vec<usize> = (0..self.time).filter(|t| self.mask[rows.start * self.time + t]).collect();
        let steps = |values: &[f32], width: usize| -> Vec<f32> {
            let of = |row: usize| active.iter().map(move |t| row * self.time + t);
            rows.clone().flat_map(of).flat_map(|at| values[at * width..][..width].to_vec()).collect()
        };
        let part = |values: &[f32], width: usize| values[rows.start * width..rows.end * width].to_vec();
        let parts = |values: &[Vec<f32>], widths: &[usize]| {
            values.iter().zip(widths).map(|(values, &width)| part(values, width)).collect()
        };
        (!active.is_empty()).then(|| Case {
            batch: rows.len(),
            time: active.len(),
            flags: self.flags & BACKWARD,
            x: steps(&self.x, code.x),
            mask: vec![],
            states: parts(&self.states, &code.states),
            rows: parts(&self.rows, &code.rows),
            weights: self.weights.clone(),
            dy: steps(&self.dy, code.out_width),
            ds: parts(&self.ds, &code.states),
            given: self.given,
            plainly: self.plainly,
            segment: self.segment,
        })
    }

    /// `[batch, time, width]` in the order of processing, or from it.
    fn ordered(&self, values: &[f32], width: usize) -> Vec<f32> {
        let order = |t: usize| if self.flags & BACKWARD == 0 { t } else { self.time - 1 - t };
        let at = |row: usize, t: usize| (row * self.time + order(t)) * width;
        let steps = |row: usize| (0..self.time).map(move |t| at(row, t));
        (0..self.batch).flat_map(steps).flat_map(|at| values[at..at + width].to_vec()).collect()
    }

    /// Outputs at all times, the last one, the states at the end; gradients of x, the states, the captures with rows, the weights.
    fn run(&self, code: &Code) -> Made {
        self.run_once_or_twice(code, false)
    }

    /// With `twice`, gradients of a weighted sum of the gradients, which is the last value.
    fn run_once_or_twice(&self, code: &Code, twice: bool) -> Made {
        let mut lab = if self.plainly { Lab::of(Engine::plain()) } else { Lab::new() };
        lab.segment = self.segment;
        let x = lab.input(Dtype::Float32, &[BATCH, TIME, code.x as i32]);
        let mut tensors = vec![lab.tensor(Dtype::Float32, &self.dims(&[self.time, code.x]), &self.x)];
        let [states, rows] = self.inputs(code, &mut lab, &mut tensors);
        let weights = self.weights(code, &mut lab);
        let mut operands = vec![x];
        let mut parts = vec![Part::X as u32];
        for (&state, &given) in states.iter().zip(&code.given) {
            operands.extend(given.then_some(state));
            parts.push(if given { Part::State } else { Part::ZeroState } as u32);
        }
        let count = self.count(code, &mut lab, &mut tensors);
        operands.extend(count);
        parts.extend(count.map(|_| Part::State as u32));
        for &capture in rows.iter().chain(&weights) {
            operands.push(capture);
            parts.push(Part::Capture as u32);
        }
        if self.flags & MASK != 0 {
            operands.push(lab.input(Dtype::Bool, &[BATCH, TIME]));
            let mask: Vec<f32> = self.mask.iter().map(|&active| active as u8 as f32).collect();
            tensors.push(lab.tensor(Dtype::Bool, &self.dims(&[self.time]), &mask));
        }
        let body = lab.body(|lab| {
            let value = |lab: &mut Lab, width: usize| lab.input(Dtype::Float32, &[BATCH, width as i32]);
            let mut values = vec![value(lab, code.x)];
            code.states.iter().for_each(|&width| values.push(value(lab, width)));
            let count = code.counts.then(|| lab.input(Dtype::Float32, &[]));
            code.rows.iter().for_each(|&width| values.push(value(lab, width)));
            let weights: Vec<u32> =
                code.weights.iter().map(|&[k, n]| lab.input(Dtype::Float32, &[k as i32, n as i32])).collect();
            code.record(lab, values, count, &weights)
        });
        let out = code.states.len() as u32 + code.counts as u32;
        let mut results = vec![Emit::All as u32, out, Emit::Last as u32, out];
        (0..out).for_each(|state| results.extend([Emit::FinalState as u32, state]));
        let mut attrs = vec![body, self.flags, 0, parts.len() as u32];
        attrs.extend(&parts);
        attrs.push(results.len() as u32);
        attrs.extend(&results);
        let made = lab.record(Op::Steps, &operands, &attrs).unwrap();
        let dy = lab.input(Dtype::Float32, &[BATCH, TIME, code.out_width as i32]);
        let dy_words = self.ordered(&self.dy, code.out_width);
        tensors.push(lab.tensor(Dtype::Float32, &self.dims(&[self.time, code.out_width]), &dy_words));
        let mut dys = vec![self.given[0].then_some(dy)];
        dys.extend(self.state_gradients(code, &mut lab, &mut tensors));
        let ys: Vec<u32> =
            [made[0]].into_iter().chain(made[2..][..code.states.len()].iter().copied()).collect();
        let states = states.into_iter().zip(&code.given).filter(|(_, given)| **given).map(|(state, _)| state);
        let xs: Vec<u32> = [x].into_iter().chain(states).chain(rows).chain(weights).collect();
        if twice {
            let (gradients, _) = lab.gradient(&ys, &dys, &xs).unwrap();
            let zero = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 0, 0]);
            let mut total = zero;
            for (seed, (&x, gradient)) in xs.iter().zip(gradients).enumerate() {
                let shape = lab.ty(x).shape;
                let dims: Vec<i32> = shape
                    .dims()
                    .iter()
                    .map(|&dim| match dim {
                        BATCH => self.batch as i32,
                        TIME => self.time as i32,
                        dim => dim,
                    })
                    .collect();
                let weights = numbers(dims.iter().product::<i32>() as usize, 77 + seed as u32);
                tensors.push(lab.tensor(Dtype::Float32, &dims, &weights));
                let weights = lab.input(Dtype::Float32, shape.dims());
                let Some(gradient) = gradient else { continue };
                let product = lab.op(Op::Binary, &[gradient, weights], &[Binary::Mul as u32]);
                let axes: Vec<u32> = (0..dims.len() as u32).collect();
                let attrs = [&[Reduce::Sum as u32, 0, axes.len() as u32], &axes[..]].concat();
                let sum = lab.op(Op::Reduce, &[product], &attrs);
                total = lab.op(Op::Binary, &[total, sum], &[Binary::Add as u32]);
            }
            let one = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 1f32.to_bits(), 0]);
            let (values, gradients) = self.finish(lab, vec![total], &[total], &[Some(one)], &xs, &tensors);
            return Made { values, gradients };
        }
        let (mut values, gradients) = self.finish(lab, made, &ys, &dys, &xs, &tensors);
        values[0] = self.ordered(&values[0], code.out_width);
        Made { values, gradients }
    }

    /// The same from the ops of all steps one after the other.
    fn unrolled(&self, code: &Code) -> Made {
        let mut lab = Lab::new();
        let (mut xs, mut dys, mut tensors) = (vec![], vec![], vec![]);
        for t in 0..self.time {
            let step = |values: &[f32], width: usize| -> Vec<f32> {
                let at = |row: usize| (row * self.time + t) * width;
                (0..self.batch).flat_map(|row| values[at(row)..at(row) + width].to_vec()).collect()
            };
            for (width, values, list) in [(code.x, &self.x, &mut xs), (code.out_width, &self.dy, &mut dys)] {
                list.push(lab.input(Dtype::Float32, &[BATCH, width as i32]));
                tensors.push(lab.tensor(Dtype::Float32, &self.dims(&[width]), &step(values, width)));
            }
        }
        let [first, rows] = self.inputs(code, &mut lab, &mut tensors);
        let weights = self.weights(code, &mut lab);
        let (mut outs, mut last) = (vec![0; self.time], 0);
        let mut count = self.count(code, &mut lab, &mut tensors);
        let mut states = first.clone();
        for step in 0..self.time {
            let t = if self.flags & BACKWARD == 0 { step } else { self.time - 1 - step };
            let values = [xs[t]].into_iter().chain(states).chain(rows.clone()).collect();
            states = code.record(&mut lab, values, count, &weights);
            last = states.pop().unwrap();
            count = count.and_then(|_| states.pop());
            outs[t] = last;
        }
        let ys: Vec<u32> = outs.iter().chain(&states).copied().collect();
        let mut dys: Vec<Option<u32>> = dys.into_iter().map(|dy| self.given[0].then_some(dy)).collect();
        dys.extend(self.state_gradients(code, &mut lab, &mut tensors));
        let made = outs.into_iter().chain([last]).chain(states).chain(count).collect();
        let first = first.into_iter().zip(&code.given).filter(|(_, given)| **given).map(|(state, _)| state);
        let wanted: Vec<u32> = xs.into_iter().chain(first).chain(rows).chain(weights).collect();
        let (values, gradients) = self.finish(lab, made, &ys, &dys, &wanted, &tensors);
        let join = |mut parts: Vec<Vec<f32>>, width: usize| {
            let rest = parts.split_off(self.time);
            // a step on which nothing depends has no gradient
            let step = |part: &Vec<f32>, row: usize| match part.get(row * width..(row + 1) * width) {
                Some(step) => step.to_vec(),
                None => vec![0.0; width],
            };
            let at = |row: usize| parts.iter().flat_map(move |part| step(part, row));
            let joined = (0..self.batch).flat_map(at).collect();
            [vec![joined], rest].concat()
        };
        Made { values: join(values, code.out_width), gradients: join(gradients, code.x) }
    }

    fn dims(&self, rest: &[usize]) -> Vec<i32> {
        [self.batch].iter().chain(rest).map(|&size| size as i32).collect()
    }

    /// What states start from, where nothing is given zeros; and the captures with rows.
    fn inputs(&self, code: &Code, lab: &mut Lab, tensors: &mut Vec<u32>) -> [Vec<u32>; 2] {
        let mut input = |width: usize, values: &[f32]| {
            tensors.push(lab.tensor(Dtype::Float32, &self.dims(&[width]), values));
            lab.input(Dtype::Float32, &[BATCH, width as i32])
        };
        let states = code.states.iter().enumerate().map(|(state, &width)| {
            let zeros = vec![0.0; self.batch * width];
            input(width, if code.given[state] { &self.states[state] } else { &zeros })
        });
        let states = states.collect();
        [states, code.rows.iter().zip(&self.rows).map(|(&width, values)| input(width, values)).collect()]
    }

    /// The steps before the first.
    fn count(&self, code: &Code, lab: &mut Lab, tensors: &mut Vec<u32>) -> Option<u32> {
        code.counts.then(|| {
            tensors.push(lab.tensor(Dtype::Float32, &[], &[1.0]));
            lab.input(Dtype::Float32, &[])
        })
    }

    fn weights(&self, code: &Code, lab: &mut Lab) -> Vec<u32> {
        let shaped = code.weights.iter().zip(&self.weights);
        shaped.map(|([k, n], values)| lab.variable(&[*k as i32, *n as i32], values)).collect()
    }

    fn state_gradients(&self, code: &Code, lab: &mut Lab, tensors: &mut Vec<u32>) -> Vec<Option<u32>> {
        let mut given = vec![];
        for (&width, values) in code.states.iter().zip(&self.ds) {
            tensors.push(lab.tensor(Dtype::Float32, &self.dims(&[width]), values));
            let gradient = lab.input(Dtype::Float32, &[BATCH, width as i32]);
            given.push(self.given[1].then_some(gradient));
        }
        given
    }

    /// Runs twice; both runs must be equal. Where there is no gradient, it is empty.
    fn finish(
        &self,
        mut lab: Lab,
        made: Vec<u32>,
        ys: &[u32],
        dys: &[Option<u32>],
        xs: &[u32],
        tensors: &[u32],
    ) -> (Vec<Vec<f32>>, Vec<Vec<f32>>) {
        let (gradients, _) = lab.gradient(ys, dys, xs).unwrap();
        let outputs: Vec<u32> = made.iter().copied().chain(gradients.iter().flatten().copied()).collect();
        let program = lab.finish(&outputs, &[]);
        let mut values = lab.run(program, tensors).unwrap();
        let again = lab.run(program, tensors).unwrap();
        assert_eq!(all_bits(&values), all_bits(&again), "two runs are equal");
        let mut found = values.split_off(made.len()).into_iter();
        let gradients = gradients.iter().map(|value| value.and_then(|_| found.next()).unwrap_or_default());
        (values, gradients.collect())
    }
}

/// What comes out of a run.
struct Made {
    values: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
}

fn all_bits(values: &[Vec<f32>]) -> Vec<Vec<u32>> {
    values.iter().map(|values| bits(values)).collect()
}

/// Programs and cases by chance.
fn each(count: u32, smooth: bool, law: impl Fn(&Code, Case, &mut Dice, &str)) {
    for seed in 0..count {
        let code = Code::new(seed, smooth);
        let dice = &mut Dice(seed ^ 0x5555);
        let mut case = Case::new(&code, seed, 1 + dice.roll(4), 1 + dice.roll(6));
        case.flags = dice.pick(&[0, BACKWARD]);
        case.given = dice.pick(&[[true, true], [true, false], [false, true]]);
        let what = format!("seed {seed}, batch {}, time {}: {code:?}", case.batch, case.time);
        law(&code, case, dice, &what);
    }
}

/// Equal within what other orders of float32 sums make of it.
fn near(actual: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32, what: &str) {
    assert_eq!(actual.len(), expected.len());
    for (i, (actual, expected)) in actual.iter().zip(expected).enumerate() {
        let largest = actual.iter().chain(expected).fold(1f32, |largest, x| largest.max(x.abs()));
        for at in 0..actual.len().max(expected.len()) {
            // what nothing depends on has no gradient, or zeros
            let [a, b] = [actual, expected].map(|values| values.get(at).copied().unwrap_or(0.0));
            assert!((a - b).abs() <= tolerance * largest, "{i}.{at}: {a} is not {b}; {what}");
        }
    }
}

#[test]
fn a_step_program_is_its_steps_one_after_the_other() {
    each(150, false, |code, case, _, what| {
        let (steps, unrolled) = (case.run(code), case.unrolled(code));
        assert_eq!(all_bits(&steps.values), all_bits(&unrolled.values), "{what}");
        near(&steps.gradients, &unrolled.gradients, 1e-5, what);
    });
}

#[test]
fn hoisting_and_groups_change_no_bit() {
    each(200, false, |code, mut case, dice, what| {
        case.flags |= dice.pick(&[0, ZERO_OUTPUT]);
        let case = if dice.roll(2) == 0 { case } else { case.masked(code, dice, false, f32::NAN) };
        let (fast, plain) = (case.run(code), Case { plainly: true, ..case }.run(code));
        assert_eq!(all_bits(&fast.values), all_bits(&plain.values), "{what}");
        assert_eq!(all_bits(&fast.gradients), all_bits(&plain.gradients), "{what}");
    });
}

#[test]
fn segments_change_no_bit() {
    each(300, false, |code, mut case, dice, what| {
        case.flags |= dice.pick(&[0, ZERO_OUTPUT]);
        let case = if dice.roll(2) == 0 { case } else { case.masked(code, dice, false, f32::NAN) };
        let all = case.run(code);
        for segment in [1, 2, 3, 100, u32::MAX] {
            let parts = Case { segment, ..case.clone() }.run(code);
            assert_eq!(all_bits(&all.values), all_bits(&parts.values), "segment {segment}, {what}");
            assert_eq!(all_bits(&all.gradients), all_bits(&parts.gradients), "segment {segment}, {what}");
        }
    });
}

#[test]
fn a_row_of_a_batch_is_that_row_alone() {
    each(150, false, |code, case, dice, what| {
        if code.mixes() {
            return;
        }
        // a step that any row has counts
        let plain = code.counts || dice.roll(2) == 0;
        let case = if plain { case } else { case.masked(code, dice, false, f32::NAN) };
        let all = case.run(code);
        for row in 0..case.batch {
            let one = case.rows(code, row..row + 1).run(code);
            let part = |values: &[Vec<f32>], count: usize| {
                let of = |values: &Vec<f32>| {
                    let width = values.len() / case.batch;
                    bits(&values[row * width..][..width])
                };
                values[..count].iter().map(of).collect::<Vec<_>>()
            };
            assert_eq!(
                part(&all.values, 2 + code.states.len()),
                all_bits(&one.values[..2 + code.states.len()]),
                "row {row} of {what}"
            );
            // weights get something from every row
            let own = 1 + code.given.iter().filter(|given| **given).count() + code.rows.len();
            assert_eq!(part(&all.gradients, own), all_bits(&one.gradients[..own]), "row {row} of {what}");
        }
    });
}

#[test]
fn what_is_masked_is_not_there() {
    each(200, false, |code, mut case, dice, what| {
        case.flags |= dice.pick(&[0, ZERO_OUTPUT]);
        let case = case.masked(code, dice, true, f32::NAN);
        let Some(short) = case.trimmed(code, 0..case.batch) else { return };
        let (padded, trimmed) = (case.run(code), short.run(code));
        let active = |values: &[f32], width: usize| {
            let steps = values.chunks(width.max(1)).zip(&case.mask);
            bits(
                &steps.filter(|(_, active)| **active).flat_map(|(step, _)| step.to_vec()).collect::<Vec<_>>(),
            )
        };
        assert_eq!(active(&padded.values[0], code.out_width), bits(&trimmed.values[0]), "{what}");
        assert_eq!(all_bits(&padded.values[2..]), all_bits(&trimmed.values[2..]), "{what}");
        // what nothing depends on has no gradient, or zeros
        let filled = |values: Vec<u32>, size: usize| {
            if values.is_empty() { vec![0; size] } else { values }
        };
        for (list, (padded, trimmed)) in padded.gradients.iter().zip(&trimmed.gradients).enumerate() {
            let padded = if list == 0 { active(padded, code.x) } else { bits(padded) };
            let size = padded.len().max(trimmed.len());

            assert_eq!(filled(padded, size), filled(bits(trimmed), size), "{list} of {what}");
        }
    });
}

#[test]
fn what_masked_steps_hold_reaches_nothing() {
    each(100, false, |code, mut case, dice, what| {
        case.flags |= dice.pick(&[0, ZERO_OUTPUT]);
        let seed = dice.0;
        let [nans, zeros] =
            [f32::NAN, 0.0].map(|fill| case.masked(code, &mut Dice(seed), false, fill).run(code));
        assert_eq!(all_bits(&nans.values), all_bits(&zeros.values), "{what}");
        assert_eq!(all_bits(&nans.gradients), all_bits(&zeros.gradients), "{what}");
        let all = nans.values.iter().chain(&nans.gradients).flatten();
        assert!(all.into_iter().all(|x| x.is_finite()), "{what}");
    });
}

/// Compares gradients with differences of a loss, one element of each.
fn differences(code: &Code, case: &Case, dice: &mut Dice, twice: bool, what: &str) {
    let gradients = case.run_once_or_twice(code, twice).gradients;
    let loss = |case: &Case| {
        let values = case.run_once_or_twice(code, twice).values;
        if twice {
            return values[0][0] as f64;
        }
        let dys = [&case.dy].into_iter().chain(&case.ds);
        let ys = [&values[0]].into_iter().chain(&values[2..][..code.states.len()]);
        let given = [case.given[0]].into_iter().chain(code.states.iter().map(|_| case.given[1]));
        let pairs = ys.zip(dys).zip(given).filter(|(_, given)| *given);
        let products = pairs.flat_map(|((y, dy), _)| y.iter().zip(dy));
        products.map(|(&y, &dy)| y as f64 * dy as f64).sum::<f64>()
    };
    let own = |case: &mut Case, list: usize, at: usize, by: f32| {
        let states = case.states.iter_mut().zip(&code.given).filter(|(_, given)| **given);
        let lists = [&mut case.x].into_iter().chain(states.map(|(state, _)| state)).chain(&mut case.rows);
        lists.chain(&mut case.weights).nth(list).unwrap()[at] += by;
    };
    for (list, gradient) in gradients.iter().enumerate() {
        let size = |case: &Case| {
            let states = case.states.iter().zip(&code.given).filter(|(_, given)| **given);
            let lists = [&case.x].into_iter().chain(states.map(|(state, _)| state)).chain(&case.rows);
            lists.chain(&case.weights).nth(list).unwrap().len()
        };
        let at = dice.roll(size(case));
        let moved = |by: f32| {
            let mut case = case.clone();
            own(&mut case, list, at, by);
            loss(&case)
        };
        let h = 1.0 / 128.0;
        let far = moved(2.0 * h) - moved(-2.0 * h);
        let slope = (8.0 * (moved(h) - moved(-h)) - far) / (12.0 * h as f64);
        // what nothing depends on has none
        let made = gradient.get(at).copied().unwrap_or(0.0) as f64;
        assert!(
            (made - slope).abs() < 1e-3 * (1.0 + slope.abs()),
            "{list}.{at}: {made} is not {slope}; {what}"
        );
    }
}

/// Cases for differences: smooth, perhaps masked.
fn each_smooth(count: u32, law: impl Fn(&Code, Case, &mut Dice, &str)) {
    each(count, true, |code, mut case, dice, what| {
        case.flags |= dice.pick(&[0, ZERO_OUTPUT]);
        if dice.roll(2) == 0 {
            case = case.masked(code, dice, false, 0.0);
        }
        law(code, case, dice, what);
    });
}

#[test]
fn gradients_are_central_differences() {
    each_smooth(60, |code, case, dice, what| differences(code, &case, dice, false, what));
}

#[test]
fn gradients_of_gradients_are_central_differences() {
    each_smooth(60, |code, case, dice, what| differences(code, &case, dice, true, what));
}

#[test]
fn segments_of_many_chunks_change_no_bit() {
    for seed in 0..6 {
        let code = Code::new(seed + 2000, false);
        let mut case = Case::new(&code, seed, 400, 130);
        case.flags |= if seed % 2 == 0 { BACKWARD } else { 0 };
        let case = if seed < 3 { case } else { case.masked(&code, &mut Dice(seed), false, f32::NAN) };
        let all = case.run(&code);
        let parts = Case { segment: 60, ..case }.run(&code);
        assert_eq!(all_bits(&all.values), all_bits(&parts.values), "{code:?}");
        assert_eq!(all_bits(&all.gradients), all_bits(&parts.gradients), "{code:?}");
    }
}

#[test]
fn many_chunks_are_one_sequence() {
    for seed in 0..6 {
        let code = Code { counts: false, ..Code::new(seed + 1000, false) };
        if code.mixes() {
            continue;
        }
        let case = Case::new(&code, seed, 500, 60).masked(&code, &mut Dice(seed), false, f32::NAN);
        let all = case.run(&code);
        for row in [0, 250, 499] {
            let one = case.rows(&code, row..row + 1).run(&code);
            for (all, one) in all.values.iter().zip(&one.values) {
                assert_eq!(bits(&all[row * one.len()..][..one.len()]), bits(one), "row {row} of {code:?}");
            }
        }
    }
}
