//! Step programs over time: against the same ops unrolled, bit for bit, and against the laws of sequences.

mod support;

use layer_rnn_engine::{Binary, Distribution, Dtype, Emit, Op, Part, Reduce};
use support::gated::{BACKWARD, F, H, MASK, ZERO_OUTPUT, step, weights};
use support::{BATCH, Lab, TIME, bits, numbers};

/// The cell as a step program: inputs x, h, captures.
fn cell(lab: &mut Lab) -> u32 {
    lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, 5]);
        let h = lab.input(Dtype::Float32, &[BATCH, 3]);
        let weights = [&[5, 6][..], &[3, 6], &[6], &[3, 2]].map(|dims| lab.input(Dtype::Float32, dims));
        step(lab, x, h, weights).to_vec()
    })
}

#[derive(Clone, Copy)]
struct Options {
    flags: u32,
    part: Part,
    all: Emit,
}

const PLAIN: Options = Options { flags: 0, part: Part::X, all: Emit::All };

/// x, then the mask if there is one, then h: results all, last, state.
fn run(options: Options, dims: [i32; 2], x: &[f32], mask: &[f32], h: &[f32]) -> Vec<Vec<f32>> {
    let mut lab = Lab::new();
    let lead = if options.part == Part::X { [BATCH, TIME] } else { [TIME, BATCH] };
    let input = lab.input(Dtype::Float32, &[lead[0], lead[1], 5]);
    let given = lab.input(Dtype::Float32, &[BATCH, 3]);
    let mut operands = vec![input, given];
    operands.extend(weights(&mut lab));
    let sizes = if options.part == Part::X { dims } else { [dims[1], dims[0]] };
    let mut tensors = vec![
        lab.tensor(Dtype::Float32, &[sizes[0], sizes[1], 5], x),
        lab.tensor(Dtype::Float32, &[dims[0], 3], h),
    ];
    if options.flags & MASK != 0 {
        operands.push(lab.input(Dtype::Bool, &[BATCH, TIME]));
        tensors.push(lab.tensor(Dtype::Bool, &dims, mask));
    }
    let body = cell(&mut lab);
    let c = Part::Capture as u32;
    let attrs = [body, options.flags, 0, 6, options.part as u32, Part::State as u32, c, c, c, c];
    let results = [6, options.all as u32, 1, Emit::Last as u32, 1, Emit::FinalState as u32, 0];
    let made = lab.record(Op::Steps, &operands, &[&attrs[..], &results].concat()).unwrap();
    let program = lab.finish(&made, &[]);
    lab.run(program, &tensors).unwrap()
}

/// The same cell, its ops recorded once for each step: outputs [batch, time, 2], last and state of one row at a time.
fn unrolled(steps: &[&[f32]], h: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut lab = Lab::new();
    let mut tensors = vec![];
    let mut inputs = vec![];
    for x in steps {
        inputs.push(lab.input(Dtype::Float32, &[1, 5]));
        tensors.push(lab.tensor(Dtype::Float32, &[1, 5], x));
    }
    let mut state = lab.input(Dtype::Float32, &[1, 3]);
    tensors.push(lab.tensor(Dtype::Float32, &[1, 3], h));
    let weights = weights(&mut lab);
    let mut outputs = vec![];
    for x in inputs {
        let [new, y] = step(&mut lab, x, state, weights);
        state = new;
        outputs.push(y);
    }
    outputs.push(state);
    let program = lab.finish(&outputs, &[]);
    let mut made = lab.run(program, &tensors).unwrap();
    let state = made.pop().unwrap();
    (made.concat(), state)
}

fn rows(x: &[f32], width: usize) -> Vec<&[f32]> {
    x.chunks(width).collect()
}

#[test]
fn a_sequence_is_its_unrolled_steps() {
    for (batch, time) in [(1, 1), (1, 7), (4, 6), (33, 3)] {
        let (x, h) = (numbers(batch * time * F, 5), numbers(batch * H, 6));
        let made = run(PLAIN, [batch as i32, time as i32], &x, &[], &h);
        for row in 0..batch {
            let (all, state) = unrolled(&rows(&x[row * time * F..][..time * F], F), &h[row * H..][..H]);
            assert_eq!(bits(&made[0][row * time * 2..][..time * 2]), bits(&all), "row {row}");
            assert_eq!(bits(&made[1][row * 2..][..2]), bits(&all[time * 2 - 2..]));
            assert_eq!(bits(&made[2][row * H..][..H]), bits(&state));
        }
    }
}

#[test]
fn many_chunks_are_one_sequence() {
    let (batch, time) = (300, 120); // several chunks
    let (x, h) = (numbers(batch * time * F, 5), numbers(batch * H, 6));
    let made = run(PLAIN, [batch as i32, time as i32], &x, &[], &h);
    for row in [0, 299] {
        let (all, state) = unrolled(&rows(&x[row * time * F..][..time * F], F), &h[row * H..][..H]);
        assert_eq!(bits(&made[0][row * time * 2..][..time * 2]), bits(&all));
        assert_eq!(bits(&made[2][row * H..][..H]), bits(&state));
    }
}

/// What the masked sequence should give for one row, from the unrolled active steps.
fn masked(x: &[&[f32]], mask: &[f32], h: &[f32], zero: bool) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let active: Vec<&[f32]> = x.iter().zip(mask).filter(|(_, m)| **m != 0.0).map(|(x, _)| *x).collect();
    let (steps, state) = if active.is_empty() { (vec![], h.to_vec()) } else { unrolled(&active, h) };
    let mut next = steps.chunks(2);
    let (mut all, mut last) = (vec![], vec![0.0; 2]);
    for m in mask {
        let mut out = if zero { vec![0.0; 2] } else { last.clone() };
        if *m != 0.0 {
            last = next.next().unwrap().to_vec();
            out = last.clone();
        }
        all.extend(out);
    }
    let end = all[all.len() - 2..].to_vec();
    (all, end, state)
}

#[test]
fn masked_steps_are_absent() {
    let (batch, time) = (5, 6);
    let mask = [
        [1., 1., 1., 1., 0., 0.],
        [0., 0., 1., 1., 1., 1.],
        [1., 0., 1., 0., 0., 1.],
        [0., 0., 0., 0., 0., 0.],
        [1., 1., 1., 1., 0., 1.],
    ];
    let mut x = numbers(batch * time * F, 7);
    let h = numbers(batch * H, 8);
    for (row, mask) in mask.iter().enumerate() {
        for (t, _) in mask.iter().enumerate().filter(|(_, m)| **m == 0.0) {
            x[(row * time + t) * F..][..F].fill(f32::NAN);
        }
    }
    for (flags, zero, backward) in [(0, false, false), (2, true, false), (1, false, true), (3, true, true)] {
        let options = Options { flags: MASK | flags, ..PLAIN };
        let made = run(options, [batch as i32, time as i32], &x, mask.as_flattened(), &h);
        for row in 0..batch {
            let mut steps = rows(&x[row * time * F..][..time * F], F);
            let mut order = mask[row].to_vec();
            if backward {
                steps.reverse();
                order.reverse();
            }
            let (all, last, state) = masked(&steps, &order, &h[row * H..][..H], zero);
            assert_eq!(bits(&made[0][row * time * 2..][..time * 2]), bits(&all), "row {row}, flags {flags}");
            assert_eq!(bits(&made[1][row * 2..][..2]), bits(&last));
            assert_eq!(bits(&made[2][row * H..][..H]), bits(&state));
        }
    }
    assert_eq!((BACKWARD, ZERO_OUTPUT), (1, 2));
}

#[test]
fn time_may_come_first() {
    let (batch, time) = (3, 4);
    let (x, h) = (numbers(batch * time * F, 5), numbers(batch * H, 6));
    let mut turned = vec![];
    for t in 0..time {
        (0..batch).for_each(|b| turned.extend(&x[(b * time + t) * F..][..F]));
    }
    let made = run(PLAIN, [3, 4], &x, &[], &h);
    let options = Options { part: Part::TimeMajorX, all: Emit::TimeMajorAll, ..PLAIN };
    let other = run(options, [3, 4], &turned, &[], &h);
    for t in 0..time {
        for b in 0..batch {
            assert_eq!(
                bits(&other[0][(t * batch + b) * 2..][..2]),
                bits(&made[0][(b * time + t) * 2..][..2])
            );
        }
    }
    assert_eq!(bits(&other[2]), bits(&made[2]));
}

/// A cell whose state is the mean of x over the batch, added up, with a counter that rows share.
#[test]
fn steps_that_mix_rows_run_whole() {
    let mut lab = Lab::new();
    let n = f32::NAN;
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 2]);
    let mask = lab.input(Dtype::Bool, &[BATCH, TIME]);
    let count = lab.input(Dtype::Float32, &[]);
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, 2]);
        let h = lab.input(Dtype::Float32, &[BATCH, 2]);
        let count = lab.input(Dtype::Float32, &[]);
        let mean = lab.op(Op::Reduce, &[x], &[Reduce::Sum as u32, 0, 1, 0]);
        let h = lab.op(Op::Binary, &[h, mean], &[Binary::Add as u32]);
        let one = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 1f32.to_bits(), 0]);
        let count = lab.op(Op::Binary, &[count, one], &[Binary::Add as u32]);
        vec![h, count, h]
    });
    let attrs = [body, MASK, 0, 3, Part::X as u32, Part::ZeroState as u32, Part::State as u32];
    let results = [6, Emit::All as u32, 2, Emit::FinalState as u32, 0, Emit::FinalState as u32, 1];
    let made = lab.record(Op::Steps, &[x, count, mask], &[&attrs[..], &results].concat()).unwrap();
    let program = lab.finish(&made, &[]);
    let tensors = [
        lab.tensor(Dtype::Float32, &[2, 3, 2], &[1., 2., n, n, n, n, 10., 20., 30., 40., n, n]),
        lab.tensor(Dtype::Bool, &[2, 3], &[1., 0., 0., 1., 1., 0.]),
        lab.tensor(Dtype::Float32, &[], &[7.]),
    ];
    let made = lab.run(program, &tensors).unwrap();
    assert_eq!(
        made[0],
        [11., 22., 11., 22., 11., 22., 11., 22., 41., 62., 41., 62.],
        "a masked x counts as 0"
    );
    assert_eq!(made[1], [11., 22., 41., 62.]);
    assert_eq!(made[2], [9.], "the wholly masked step does not count");
}

/// A running sum over time without any rows, inside a sequence with rows.
#[test]
fn sequences_nest_and_need_no_rows() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 4]);
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, 4]);
        let h = lab.input(Dtype::Float32, &[BATCH, 1]);
        let along = lab.op(Op::Reshape, &[x], &[6, 1, 0, 0, 4, 0, 1]);
        let inner = lab.body(|lab| {
            let x = lab.input(Dtype::Float32, &[BATCH, 1]);
            let sum = lab.input(Dtype::Float32, &[BATCH, 1]);
            let start = lab.input(Dtype::Float32, &[BATCH, 1]);
            let sum = lab.op(Op::Binary, &[sum, x], &[Binary::Add as u32]);
            vec![sum, lab.op(Op::Binary, &[sum, start], &[Binary::Add as u32])]
        });
        let attrs = [inner, 0, 0, 3, Part::X as u32, Part::ZeroState as u32, Part::Capture as u32];
        let results = [2, Emit::Last as u32, 1];
        let h = lab.op(Op::Steps, &[along, h], &[&attrs[..], &results].concat());
        vec![h, h]
    });
    let attrs = [body, 0, 0, 2, Part::X as u32, Part::ZeroState as u32, 2, Emit::All as u32, 1];
    let made = lab.record(Op::Steps, &[x], &attrs).unwrap();
    let program = lab.finish(&made, &[]);
    let x = lab.tensor(
        Dtype::Float32,
        &[2, 2, 4],
        &[1., 2., 3., 4., 5., 6., 7., 8., 1., 1., 1., 1., 2., 2., 2., 2.],
    );
    assert_eq!(lab.run(program, &[x]).unwrap()[0], [10., 36., 4., 12.]);
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[TIME, 2]);
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[2]);
        let sum = lab.input(Dtype::Float32, &[2]);
        let sum = lab.op(Op::Binary, &[sum, x], &[Binary::Add as u32]);
        vec![sum, sum]
    });
    let attrs = [body, 0, 0, 2, Part::X as u32, Part::ZeroState as u32, 4, Emit::All as u32, 1, 3, 0];
    let made = lab.record(Op::Steps, &[x], &attrs).unwrap();
    let program = lab.finish(&made, &[]);
    let x = lab.tensor(Dtype::Float32, &[3, 2], &[1., 2., 3., 4., 5., 6.]);
    assert_eq!(lab.run(program, &[x]).unwrap(), [vec![1., 2., 4., 6., 9., 12.], vec![9., 12.]]);
}

/// What is drawn in a step is what is drawn at its row and time, whichever rows are active; rows may have seeds and first steps of
/// their own.
#[test]
fn random_numbers_of_a_step_are_those_of_its_row_and_time() {
    let (batch, time) = (4, 3);
    let mask = [1., 1., 1., 0., 1., 0., 0., 0., 1., 0., 0., 0.];
    let (states, firsts) = ([9., 0., 9., 1., 8., 0., 9., 0.], [0., 5., 0., 2.]);
    let draw = |shape: &[u32], given: u32| {
        let head = [Distribution::Normal as u32, 0f32.to_bits(), 1f32.to_bits(), 3, 4, given];
        [&head[..], &[shape.len() as u32], shape].concat()
    };
    // by row, and one for all rows
    let by_rows = [1, 0, 0, 0, 2, 0];
    for backward in [0, BACKWARD] {
        let mut lab = Lab::new();
        let x = lab.input(Dtype::Float32, &[BATCH, TIME, 2]);
        let state = lab.input(Dtype::Int32, &[BATCH, 2]);
        let first = lab.input(Dtype::Int32, &[BATCH]);
        let valid = lab.input(Dtype::Bool, &[BATCH, TIME]);
        let body = lab.body(|lab| {
            let x = lab.input(Dtype::Float32, &[BATCH, 2]);
            let h = lab.input(Dtype::Float32, &[BATCH, 2]);
            let state = lab.input(Dtype::Int32, &[BATCH, 2]);
            let first = lab.input(Dtype::Int32, &[BATCH]);
            let ahead = lab.op(Op::Random, &[x, state, first], &draw(&by_rows, 3));
            let inside = lab.op(Op::Random, &[h], &draw(&by_rows, 0));
            let shared = lab.op(Op::Random, &[], &draw(&[0, 2, 0], 0));
            let h = lab.op(Op::Binary, &[h, x], &[Binary::Add as u32]);
            vec![h, ahead, inside, shared]
        });
        let c = Part::Capture as u32;
        let attrs = [body, MASK | backward, 0, 4, Part::X as u32, Part::ZeroState as u32, c, c, 6];
        let results = [1, 1, 1, 2, 1, 3];
        let made =
            lab.record(Op::Steps, &[x, state, first, valid], &[&attrs[..], &results].concat()).unwrap();
        let program = lab.finish(&made, &[]);
        let tensors = [
            lab.tensor(Dtype::Float32, &[batch, time, 2], &[0.; 24]),
            lab.tensor(Dtype::Int32, &[batch, 2], &states),
            lab.tensor(Dtype::Int32, &[batch], &firsts),
            lab.tensor(Dtype::Bool, &[batch, time], &mask),
        ];
        let made = lab.run(program, &tensors).unwrap();
        for t in 0..time {
            let [own, plain, one] = eager(&states, &firsts, t, &draw);
            for row in 0..batch as usize {
                if mask[row * time as usize + t as usize] == 0. {
                    continue;
                }
                let step = if backward > 0 { time - 1 - t } else { t } as usize;
                let at = (row * time as usize + step) * 2;
                assert_eq!(bits(&made[0][at..][..2]), bits(&own[row * 2..][..2]), "row {row}, step {t}");
                assert_eq!(bits(&made[1][at..][..2]), bits(&plain[row * 2..][..2]), "row {row}, step {t}");
                assert_eq!(bits(&made[2][step * 2..][..2]), bits(&one), "step {t}");
            }
        }
    }
}

/// The same draws outside of a sequence, `t` steps on: by states and first steps of rows, without, and for all rows.
fn eager(states: &[f32], firsts: &[f32], t: i32, draw: &dyn Fn(&[u32], u32) -> Vec<u32>) -> [Vec<f32>; 3] {
    let mut lab = Lab::new();
    let rows = firsts.len() as i32;
    let state = lab.input(Dtype::Int32, &[rows, 2]);
    let first = lab.input(Dtype::Int32, &[rows]);
    let step = lab.input(Dtype::Int32, &[]);
    let shape = [0, rows as u32, 0, 0, 2, 0];
    let own = lab.op(Op::Random, &[state, first], &draw(&shape, 3));
    let plain = lab.op(Op::Random, &[step], &draw(&shape, 2));
    let one = lab.op(Op::Random, &[step], &draw(&[0, 2, 0], 2));
    let program = lab.finish(&[own, plain, one], &[]);
    let later: Vec<f32> = firsts.iter().map(|first| first + t as f32).collect();
    let tensors = [
        lab.tensor(Dtype::Int32, &[rows, 2], states),
        lab.tensor(Dtype::Int32, &[rows], &later),
        lab.tensor(Dtype::Int32, &[], &[t as f32]),
    ];
    lab.run(program, &tensors).unwrap().try_into().unwrap()
}

#[test]
fn the_name_of_an_axis_follows_through_ops_where_sizes_are_the_same_by_chance() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[4, 3, 4]);
    let kernel = lab.input(Dtype::Float32, &[4, 4]);
    let sums = lab.op(Op::Reduce, &[x], &[Reduce::Sum as u32, 0, 1, 1]);
    let turned = lab.op(Op::Transpose, &[sums], &[2, 1, 0]);
    let across = lab.op(Op::MatMul, &[turned, sums], &[0]);
    let along = lab.op(Op::MatMul, &[sums, across], &[0]);
    let mixed = lab.op(Op::Binary, &[along, kernel], &[Binary::Add as u32]);
    let follows = |lab: &mut Lab, named: &[u32]| {
        [sums, turned, across, along, mixed, kernel].map(|value| lab.follows(value, named).unwrap())
    };
    assert_eq!(follows(&mut lab, &[x]), [true, false, false, true, false, false]);
    assert_eq!(follows(&mut lab, &[x, kernel]), [true, false, false, true, true, true]);
    assert_eq!(follows(&mut lab, &[across]), [false, false, true, false, false, false]);
    assert!(lab.follows(x, &[99]).is_err());
}
