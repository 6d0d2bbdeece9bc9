//! Ops against values worked out by hand or in f64; their errors.

mod support;

use layer_rnn_engine::{Activation, Binary, Compare, Distribution, Dtype, Error, Op, Reduce, Unary};
use support::{BATCH, Lab, bits, numbers};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const F: Dtype = Dtype::Float32;

/// Dtype, shape, numbers.
type Given<'a> = (Dtype, &'a [i32], &'a [f32]);

/// One op on concrete tensors.
fn run(op: Op, inputs: &[Given], attrs: &[u32]) -> Vec<Vec<f32>> {
    let mut lab = Lab::new();
    // dims unknown while tracing, so that both ways through the shape rules are walked
    let mut symbol = 0;
    let values: Vec<u32> = inputs
        .iter()
        .map(|(dtype, dims, _)| {
            let unknown: Vec<i32> = dims
                .iter()
                .map(|_| {
                    symbol -= 1;
                    symbol
                })
                .collect();
            lab.input(*dtype, &unknown)
        })
        .collect();
    let ids: Vec<u32> = inputs.iter().map(|(dtype, dims, data)| lab.tensor(*dtype, dims, data)).collect();
    let made = lab.record(op, &values, attrs).unwrap();
    let program = lab.finish(&made, &[]);
    lab.run(program, &ids).unwrap()
}

fn list(words: &[i32]) -> Vec<u32> {
    [words.len() as i32].iter().chain(words).map(|&w| w as u32).collect()
}

#[test]
fn arithmetic_broadcasts_as_numpy() {
    let a: Given = (F, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let kind = &[Binary::Sub as u32];
    assert_eq!(run(Op::Binary, &[a, (F, &[3], &[1.0, 0.0, 2.0])], kind)[0], [0.0, 2.0, 1.0, 3.0, 5.0, 4.0]);
    assert_eq!(run(Op::Binary, &[a, (F, &[2, 1], &[1.0, 4.0])], kind)[0], [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    assert_eq!(run(Op::Binary, &[(F, &[], &[10.0]), a], kind)[0], [9.0, 8.0, 7.0, 6.0, 5.0, 4.0]);
    let outer = run(Op::Binary, &[(F, &[3, 1, 1], &[1.0, 2.0, 3.0]), (F, &[1, 2, 1], &[10.0, 20.0])], kind);
    assert_eq!(outer[0], [-9.0, -19.0, -8.0, -18.0, -7.0, -17.0]);
    let integers = run(
        Op::Binary,
        &[(Dtype::Int32, &[2], &[7.0, -7.0]), (Dtype::Int32, &[], &[2.0])],
        &[Binary::Mul as u32],
    );
    assert_eq!(integers[0], [14.0, -14.0]);
}

#[test]
fn comparison_selection_and_casts() {
    let x: Given = (F, &[5], &[-1.0, 0.0, 2.5, f32::NAN, 2.5]);
    let equal = run(Op::Compare, &[x, (F, &[], &[2.5])], &[Compare::NotEqual as u32]);
    assert_eq!(equal[0], [1.0, 1.0, 0.0, 1.0, 0.0]);
    let mask: Given = (Dtype::Bool, &[5], &[1.0, 1.0, 1.0, 0.0, 0.0]);
    assert_eq!(run(Op::Select, &[mask, x, (F, &[], &[9.0])], &[])[0], [-1.0, 0.0, 2.5, 9.0, 9.0]);
    assert_eq!(run(Op::Not, &[mask], &[])[0], [0.0, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(run(Op::Cast, &[(F, &[2], &[2.9, -2.9])], &[Dtype::Int32 as u32])[0], [2.0, -2.0]);
    assert_eq!(run(Op::Cast, &[mask], &[F as u32])[0], [1.0, 1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn shapes_move_without_changing_numbers() {
    let x: Given = (F, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(run(Op::Transpose, &[x], &list(&[1, 0]))[0], [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(run(Op::Flip, &[x], &list(&[-1]))[0], [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    assert_eq!(run(Op::Slice, &[x], &list(&[1, 1, i32::MAX, 1]))[0], [2.0, 3.0, 5.0, 6.0]);
    assert_eq!(run(Op::Slice, &[x], &list(&[1, i32::MAX, i32::MAX, -2]))[0], [3.0, 1.0, 6.0, 4.0]);
    assert_eq!(run(Op::Slice, &[x], &list(&[0, -1, i32::MAX, 1, 1, 0, -1, 1]))[0], [4.0, 5.0]);
    assert_eq!(run(Op::Reshape, &[x], &list(&[1, 1, 2, 0]))[0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let joined = run(Op::Concat, &[x, (F, &[2, 1], &[7.0, 8.0])], &[1]);
    assert_eq!(joined[0], [1.0, 2.0, 3.0, 7.0, 4.0, 5.0, 6.0, 8.0]);
    let wide = run(Op::Broadcast, &[(F, &[2, 1], &[7.0, 8.0]), x], &list(&[1, 0, 1, 1, 1, 1]));
    assert_eq!(wide[0], [7.0, 7.0, 7.0, 8.0, 8.0, 8.0]);
    let mut fill = vec![F as u32, 2.5f32.to_bits()];
    fill.extend(list(&[1, 0, 0, 0, 2, 0]));
    assert_eq!(run(Op::Fill, &[x], &fill)[0], [2.5; 4]);
    let mask: Given = (Dtype::Bool, &[2, 3], &[1.0, 0.0, 0.0, 0.0, 1.0, 1.0]);
    assert_eq!(run(Op::Flip, &[mask], &list(&[1]))[0], [0.0, 0.0, 1.0, 1.0, 1.0, 0.0]);
}

#[test]
fn reductions_over_any_axes() {
    let data = numbers(2 * 3 * 5, 3);
    let x: Given = (F, &[2, 3, 5], &data);
    let sum = |axes: &[i32]| {
        let mut attrs = vec![Reduce::Sum as u32, 0];
        attrs.extend(list(axes));
        run(Op::Reduce, &[x], &attrs).remove(0)
    };
    let expected = |keep: &dyn Fn(usize, usize, usize) -> usize, count: usize| {
        let mut sums = vec![0.0; count];
        for i in 0..30 {
            sums[keep(i / 15, i / 5 % 3, i % 5)] += f64::from(data[i]);
        }
        sums
    };
    let close = |a: Vec<f32>, b: Vec<f64>| {
        assert_eq!(a.len(), b.len());
        a.iter().zip(b).for_each(|(a, b)| assert!((f64::from(*a) - b).abs() < 1e-6));
    };
    close(sum(&[2]), expected(&|a, b, _| a * 3 + b, 6));
    close(sum(&[0]), expected(&|_, b, c| b * 5 + c, 15));
    close(sum(&[0, 2]), expected(&|_, b, _| b, 3));
    close(sum(&[0, 1, 2]), expected(&|_, _, _| 0, 1));
    close(sum(&[]), data.iter().map(|&x| x.into()).collect());
    let mut any = vec![Reduce::Any as u32, 0];
    any.extend(list(&[-1]));
    let mask: Given = (Dtype::Bool, &[2, 3], &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    assert_eq!(run(Op::Reduce, &[mask], &any)[0], [0.0, 1.0]);
    assert_eq!(run(Op::ArgReduce, &[(F, &[2, 2], &[1.0, 3.0, 9.0, 2.0])], &[0, 1])[0], [1.0, 0.0]);
}

#[test]
fn products_of_matrices() {
    let (a, b, bias) = (numbers(6 * 7, 1), numbers(7 * 9, 2), numbers(9, 3));
    let cell = |i: usize, j: usize, at: &dyn Fn(usize, usize) -> usize| {
        (0..7).map(|k| f64::from(a[i * 7 + k]) * f64::from(b[at(k, j)])).sum::<f64>() + f64::from(bias[j])
    };
    let plain = run(Op::MatMul, &[(F, &[2, 3, 7], &a), (F, &[7, 9], &b), (F, &[9], &bias)], &[0]);
    let turned = run(Op::MatMul, &[(F, &[2, 3, 7], &a), (F, &[9, 7], &b), (F, &[9], &bias)], &[1]);
    for i in 0..6 {
        for j in 0..9 {
            assert!((f64::from(plain[0][i * 9 + j]) - cell(i, j, &|k, j| k * 9 + j)).abs() < 1e-5);
            assert!((f64::from(turned[0][i * 9 + j]) - cell(i, j, &|k, j| j * 7 + k)).abs() < 1e-5);
        }
    }
    let batched = run(
        Op::MatMul,
        &[(F, &[2, 1, 2], &[1.0, 2.0, 3.0, 4.0]), (F, &[2, 2, 1], &[1.0, 1.0, 2.0, 3.0])],
        &[0],
    );
    assert_eq!(batched[0], [3.0, 18.0]);
}

#[test]
fn rows_of_a_table() {
    let table: Given = (F, &[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let rows = run(Op::Gather, &[table, (Dtype::Int32, &[1, 3], &[2.0, 0.0, 2.0])], &[]);
    assert_eq!(rows[0], [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
    let mut lab = Lab::new();
    let table = lab.variable(&[3, 2], &[0.0; 6]);
    let ids = lab.input(Dtype::Int32, &[BATCH]);
    let y = lab.op(Op::Gather, &[table, ids], &[]);
    let program = lab.finish(&[y], &[]);
    for id in [3.0, -1.0] {
        let ids = lab.tensor(Dtype::Int32, &[1], &[id]);
        let failure = lab.run(program, &[ids]).unwrap_err();
        assert_eq!(*failure.error, Error::Index { value: id as i32, limit: 3 });
        assert_eq!(failure.record, Some(2));
    }
}

#[test]
fn activations_and_softmax() {
    let x: Given = (F, &[2, 2], &[-1.0, 2.0, 0.0, 0.0]);
    assert_eq!(run(Op::Activate, &[x], &[Activation::Relu as u32])[0], [0.0, 2.0, 0.0, 0.0]);
    let soft = run(Op::Activate, &[x], &[Activation::Softmax as u32]);
    let p = 1.0 / (1.0 + 3f64.exp());
    for (y, e) in soft[0].iter().zip([p, 1.0 - p, 0.5, 0.5]) {
        assert!((f64::from(*y) - e).abs() < 1e-7);
    }
}

#[test]
fn random_numbers_depend_on_seed_and_address_alone() {
    let draw = |distribution: Distribution, rows: i32, seed: u32| {
        let mut attrs = vec![distribution as u32, 0f32.to_bits(), 1f32.to_bits(), seed, 0, 0];
        attrs.extend(list(&[0, rows, 0, 0, 7, 0]));
        run(Op::Random, &[], &attrs).remove(0)
    };
    for distribution in [Distribution::Uniform, Distribution::Normal, Distribution::TruncatedNormal] {
        let many = draw(distribution, 3000, 5);
        assert_eq!(many[..14], draw(distribution, 2, 5), "a row does not depend on how many there are");
        assert_ne!(many[..14], draw(distribution, 2, 6));
        let n = many.len() as f64;
        let mean = many.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = many.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let (m, v) = match distribution {
            Distribution::Uniform => (0.5, 1.0 / 12.0),
            Distribution::Normal => (0.0, 1.0),
            Distribution::TruncatedNormal => (0.0, 0.773_741),
        };
        assert!((mean - m).abs() < 0.03 && (variance - v).abs() < 0.03, "{distribution:?} {mean} {variance}");
    }
    assert!(draw(Distribution::TruncatedNormal, 3000, 1).iter().all(|x| x.abs() <= 2.0));
    assert!(draw(Distribution::Uniform, 3000, 1).iter().all(|x| (0.0..1.0).contains(x)));
}

#[test]
fn random_numbers_change_with_seed_call_and_step() {
    let attrs = |operands: u32, rows: i32| {
        let mut attrs = vec![Distribution::Uniform as u32, 0f32.to_bits(), 1f32.to_bits(), 11, 12, operands];
        attrs.extend(list(&[0, rows, 0, 0, 6, 0]));
        attrs
    };
    let plain = run(Op::Random, &[], &attrs(0, 3)).remove(0);
    let state = |seed: f32, call: f32| {
        run(Op::Random, &[(Dtype::Int32, &[2], &[seed, call])], &attrs(1, 3)).remove(0)
    };
    assert_eq!(state(0.0, 0.0), plain, "seed 0, first call");
    let many: Vec<Vec<f32>> = [(0.0, 1.0), (1.0, 0.0), (1.0, 1.0), (0.0, 2.0), (-1.0, 0.0)]
        .into_iter()
        .map(|(seed, call)| state(seed, call))
        .collect();
    for (at, a) in many.iter().enumerate() {
        assert!(many[..at].iter().chain([&plain]).all(|b| a.iter().zip(b).all(|(a, b)| a != b)));
    }

    let step = |steps: Given| run(Op::Random, &[steps], &attrs(2, 3)).remove(0);
    assert_eq!(step((Dtype::Int32, &[], &[0.0])), plain);
    let fifth = step((Dtype::Int32, &[], &[5.0]));
    assert!(fifth.iter().zip(&plain).all(|(a, b)| a != b));
    let mixed = step((Dtype::Int32, &[3], &[5.0, 0.0, 5.0]));
    assert_eq!(
        mixed,
        [&fifth[..6], &plain[6..12], &fifth[12..]].concat(),
        "each row is at a step of its own"
    );
    let both: [Given; 2] = [(Dtype::Int32, &[2], &[0.0, 0.0]), (Dtype::Int32, &[], &[5.0])];
    assert_eq!(run(Op::Random, &both, &attrs(3, 3)).remove(0), fifth);
}

/// Over every coordinate of the address alone, uniform draws fill 64 bins evenly: chi² with 63 degrees of freedom exceeds 111
/// once in 5000 times.
#[test]
fn random_numbers_are_even_along_every_coordinate() {
    let draws = 6400;
    let even = |name: &str, draw: &dyn Fn(i32) -> f32| {
        let mut bins = [0; 64];
        (0..draws).for_each(|i| bins[(draw(i) * 64.0) as usize] += 1);
        let expected = f64::from(draws) / 64.0;
        let chi: f64 = bins.iter().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!((25.0..111.0).contains(&chi), "{name}: chi² {chi}");
    };
    let attrs = |operands: u32, stream: u32, dims: &[i32]| {
        let head = [Distribution::Uniform as u32, 0f32.to_bits(), 1f32.to_bits(), stream, 77, operands];
        [&head[..], &list(dims)].concat()
    };
    let column = run(Op::Random, &[], &attrs(0, 3, &[0, 1, 0, 0, draws, 0])).remove(0);
    even("column", &|i| column[i as usize]);
    let row = run(Op::Random, &[], &attrs(0, 3, &[0, draws, 0, 0, 1, 0])).remove(0);
    even("row", &|i| row[i as usize]);
    let steps: Vec<f32> = (0..draws).map(|i| i as f32).collect();
    let step = run(Op::Random, &[(Dtype::Int32, &[draws], &steps)], &attrs(2, 3, &[0, draws, 0])).remove(0);
    even("step and row", &|i| step[i as usize]);
    even("seed", &|i| {
        run(Op::Random, &[(Dtype::Int32, &[2], &[i as f32, 0.0])], &attrs(1, 3, &[0, 1, 0]))[0][0]
    });
    even("call", &|i| {
        run(Op::Random, &[(Dtype::Int32, &[2], &[0.0, i as f32])], &attrs(1, 3, &[0, 1, 0]))[0][0]
    });
    even("stream", &|i| run(Op::Random, &[], &attrs(0, i as u32, &[0, 1, 0]))[0][0]);
}

#[test]
fn qr_is_orthonormal_and_multiplies_back() {
    let (m, n) = (13, 6);
    let x = numbers(m * n, 4);
    let out = run(Op::Qr, &[(F, &[13, 6], &x)], &[]);
    let (q, r) = (&out[0], &out[1]);
    for a in 0..n {
        assert!(r[a * n + a] > 0.0);
        for b in 0..n {
            let dot: f64 = (0..m).map(|i| f64::from(q[i * n + a]) * f64::from(q[i * n + b])).sum();
            assert!((dot - f64::from(a == b)).abs() < 1e-6);
            assert!(a <= b || r[a * n + b] == 0.0);
        }
    }
    for i in 0..m {
        for j in 0..n {
            let back: f64 = (0..n).map(|k| f64::from(q[i * n + k]) * f64::from(r[k * n + j])).sum();
            assert!((back - f64::from(x[i * n + j])).abs() < 1e-6);
        }
    }
}

#[test]
fn shape_errors_name_input_axis_and_sizes() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH, 5]);
    let w = lab.variable(&[4, 3], &[0.0; 12]);
    let error = lab.record(Op::MatMul, &[x, w], &[0]).unwrap_err();
    assert_eq!(*error, Error::Shape { input: 0, axis: 1, expected: 4, actual: 5 });
    let ids = lab.input(Dtype::Int32, &[BATCH]);
    let error = lab.record(Op::MatMul, &[ids, w], &[0]).unwrap_err();
    assert_eq!(*error, Error::Dtype { input: 0, expected: F, actual: Dtype::Int32 });
    let error = lab.record(Op::MatMul, &[x], &[0]).unwrap_err();
    assert_eq!(*error, Error::Inputs { expected: 3, actual: 1 });
    assert_eq!(*lab.record(Op::Unary, &[x], &[999]).unwrap_err(), Error::Attribute { index: 0, value: 999 });
    assert!(matches!(*lab.record(Op::Unary, &[77], &[0]).unwrap_err(), Error::Index { value: 77, .. }));
}

#[test]
fn empty_tensors_pass_through_every_op() {
    let x: Given = (F, &[0, 3], &[]);
    let row: Given = (F, &[3], &[1.0, 2.0, 3.0]);
    let mask: Given = (Dtype::Bool, &[0, 3], &[]);
    let ids: Given = (Dtype::Int32, &[0], &[]);
    let table: Given = (F, &[3, 2], &[0.0; 6]);
    let with = |words: &[u32], more: &[i32]| [words, &list(more)].concat();
    let cases: &[(Op, Vec<Given>, Vec<u32>)] = &[
        (Op::Unary, vec![x], vec![0]),
        (Op::Binary, vec![x, row], vec![0]),
        (Op::Compare, vec![x, row], vec![0]),
        (Op::Logical, vec![mask, mask], vec![0]),
        (Op::Not, vec![mask], vec![]),
        (Op::Select, vec![mask, x, row], vec![]),
        (Op::Cast, vec![x], vec![Dtype::Bool as u32]),
        (Op::Activate, vec![x], vec![Activation::Softmax as u32]),
        (Op::Reshape, vec![x], list(&[1, 0, 0, 3, 0, 1])),
        (Op::Reshape, vec![x], list(&[2, 0, 0, 3])),
        (Op::Transpose, vec![x], list(&[1, 0])),
        (Op::Slice, vec![x], list(&[0, 0, i32::MAX, 1, 1, 2, 3, 1])),
        (Op::Flip, vec![x], list(&[0, 1])),
        (Op::Concat, vec![x, x], vec![0]),
        (Op::Concat, vec![x, x], vec![1]),
        (Op::Broadcast, vec![(F, &[0, 1], &[]), x], list(&[1, 0, 1, 1, 1, 1])),
        (Op::Reduce, vec![x], with(&[Reduce::Sum as u32, 0], &[1])),
        (Op::Reduce, vec![x], with(&[Reduce::Mean as u32, 1], &[0, 1])),
        (Op::Reduce, vec![(F, &[2, 0, 3], &[])], with(&[Reduce::Max as u32, 0], &[0, 2])),
        (Op::ArgReduce, vec![x], vec![0, 1]),
        (Op::MatMul, vec![x, table], vec![0]),
        (Op::MatMul, vec![table, (F, &[2, 0], &[])], vec![0]),
        (Op::MatMul, vec![(F, &[2, 0], &[]), (F, &[0, 2], &[])], vec![0]),
        (Op::MatMul, vec![(F, &[0, 2, 3], &[]), (F, &[0, 3, 2], &[])], vec![0]),
        (Op::Gather, vec![table, ids], vec![]),
        (Op::Gather, vec![(F, &[3, 0], &[]), (Dtype::Int32, &[2], &[0.0, 2.0])], vec![]),
        (Op::Qr, vec![(F, &[3, 0], &[])], vec![]),
    ];
    for (op, inputs, attrs) in cases {
        for output in run(*op, inputs, attrs) {
            assert!(output.len() <= 6, "{op:?}");
        }
    }
}

#[test]
fn a_variable_in_another_shape_is_packed_as_that() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[2, 3]);
    let data = numbers(12, 4);
    let flat = lab.variable(&[12], &data);
    let square = lab.variable(&[3, 4], &data);
    let shaped = lab.op(Op::Reshape, &[flat], &list(&[0, 3, 0, 4]));
    let products = [lab.op(Op::MatMul, &[x, shaped], &[0]), lab.op(Op::MatMul, &[x, square], &[0])];
    let program = lab.finish(&products, &[]);
    let given = lab.tensor(F, &[2, 3], &numbers(6, 5));
    let read = lab.run(program, &[given]).unwrap();
    assert_eq!(read[0], read[1]);
}

/// Neighbours that work element by element go block by block where there are many elements: the same bits as for few.
#[test]
fn groups_of_ops_change_no_bit() {
    let run = |rows: i32, x: &[f32]| {
        let mut lab = Lab::new();
        let input = lab.input(Dtype::Float32, &[BATCH, 7]);
        let half = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 0.5f32.to_bits(), 0]);
        let a = lab.op(Op::Binary, &[input, half], &[Binary::Mul as u32]);
        let b = lab.op(Op::Activate, &[a], &[Activation::Tanh as u32]);
        let positive = lab.op(Op::Compare, &[input, half], &[Compare::Greater as u32]);
        let c = lab.op(Op::Select, &[positive, a, b], &[]);
        let d = lab.op(Op::Unary, &[c], &[Unary::Exp as u32]);
        let program = lab.finish(&[d, positive], &[]);
        let x = lab.tensor(Dtype::Float32, &[rows, 7], x);
        lab.run(program, &[x]).unwrap()
    };
    let x = numbers(7 * 1500, 1);
    let all = run(1500, &x);
    for (at, x) in x.chunks(7 * 10).enumerate() {
        let few = run(10, x);
        assert_eq!(bits(&all[0][at * 70..][..70]), bits(&few[0]));
        assert_eq!(all[1][at * 70..][..70], few[1]);
    }
}
