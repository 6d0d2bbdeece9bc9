//! Gradients against central differences of the ops themselves, and against values worked out by hand.

mod support;

use layer_rnn_engine::{
    Activation, Binary, Compare, Dtype, Error, Failure, Logical, Op, Reduce, Shape, Type, Unary,
};
use support::{Lab, bits, numbers};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const F: Dtype = Dtype::Float32;

/// Dtype, shape, numbers.
type Given = (Dtype, Vec<i32>, Vec<f32>);

/// What is differentiated: appends ops to inputs.
type Build<'a> = &'a dyn Fn(&mut Lab, &[u32]) -> Vec<u32>;

fn list(words: &[i32]) -> Vec<u32> {
    [words.len() as i32].iter().chain(words).map(|&w| w as u32).collect()
}

fn float(dims: &[i32], seed: u32) -> Given {
    (F, dims.into(), numbers(dims.iter().product::<i32>() as usize, seed))
}

/// Numbers between 0.3 and 1.3, of both signs, 1/16 away from all eighths: these are kinks.
fn away(dims: &[i32], seed: u32) -> Given {
    let (dtype, dims, data) = float(dims, seed);
    (dtype, dims, data.into_iter().map(|x| grid(x + if x < 0.0 { -0.25 } else { 0.25 })).collect())
}

fn grid(x: f32) -> f32 {
    ((8.0 * x).floor() + 0.5) / 8.0
}

fn shifted((dtype, dims, data): Given, by: f32) -> Given {
    (dtype, dims, data.into_iter().map(|x| x + by).collect())
}

fn positive(dims: &[i32], seed: u32) -> Given {
    let (dtype, dims, data) = away(dims, seed);
    (dtype, dims, data.into_iter().map(f32::abs).collect())
}

/// A program over inputs like these; all sizes are unknown if so wanted.
fn begin(given: &[Given], unknown: bool) -> (Lab, Vec<u32>, Vec<u32>) {
    let mut lab = Lab::new();
    let mut symbol = 0;
    let mut values = Vec::new();
    let mut tensors = Vec::new();
    for (dtype, dims, data) in given {
        let mut name = |&dim: &i32| {
            symbol -= 1;
            if unknown { symbol } else { dim }
        };
        let traced: Vec<i32> = dims.iter().map(&mut name).collect();
        values.push(lab.input(*dtype, &traced));
        tensors.push(lab.tensor(*dtype, dims, data));
    }
    (lab, values, tensors)
}

fn shapes(given: &[Given]) -> Vec<Shape> {
    given.iter().map(|(_, dims, _)| Shape::new(dims).unwrap()).collect()
}

/// Values of the outputs, and gradients of all float inputs for gradients of the outputs that look random.
fn gradients(given: &[Given], unknown: bool, build: Build) -> (Vec<Given>, Vec<Option<Vec<f32>>>) {
    let (mut lab, values, _) = begin(given, unknown);
    let ys = build(&mut lab, &values);
    let program = lab.finish(&ys, &[]);
    let plan = lab.engine.program_bind(program, &shapes(given)).unwrap();
    let types = lab.engine.plan_outputs(plan).unwrap().to_vec();
    let dys: Vec<Given> = types.iter().zip(90..).map(|(ty, seed)| float(ty.shape.dims(), seed)).collect();

    let all: Vec<Given> = given.iter().chain(&dys).cloned().collect();
    let (mut lab, values, tensors) = begin(&all, unknown);
    let (inputs, dy_values) = values.split_at(given.len());
    let ys = build(&mut lab, inputs);
    let xs: Vec<u32> = inputs.iter().copied().filter(|&x| lab.ty(x).dtype == F).collect();
    let seeds: Vec<Option<u32>> = dy_values.iter().map(|&dy| Some(dy)).collect();
    let (dxs, _) = lab.gradient(&ys, &seeds, &xs).unwrap();
    let outputs: Vec<u32> = dxs.iter().flatten().copied().collect();
    let program = lab.finish(&outputs, &[]);
    let mut read = lab.run(program, &tensors).unwrap().into_iter();
    (dys, dxs.iter().map(|dx| dx.map(|_| read.next().unwrap())).collect())
}

/// Richardson's extrapolation of central differences, in f64: its error is of the fourth order.
fn differences(given: &[Given], dys: &[Given], build: Build) -> Vec<Vec<f64>> {
    let (mut lab, values, tensors) = begin(given, false);
    let ys = build(&mut lab, &values);
    let program = lab.finish(&ys, &[]);
    let mut total = |input: usize, at: usize, x: f32| -> f64 {
        let before = lab.engine.tensor_words(tensors[input]).unwrap()[at];
        lab.engine.tensor_words_mut(tensors[input]).unwrap()[at] = x;
        let ys = lab.run(program, &tensors).unwrap();
        lab.engine.tensor_words_mut(tensors[input]).unwrap()[at] = before;
        let pairs = ys.iter().zip(dys).flat_map(|(y, (_, _, dy))| y.iter().zip(dy));
        pairs.map(|(&y, &dy)| f64::from(y) * f64::from(dy)).sum()
    };
    let mut all = Vec::new();
    for (input, (_, _, data)) in given.iter().enumerate().filter(|(_, (dtype, ..))| *dtype == F) {
        let mut slopes = Vec::new();
        for (at, &x) in data.iter().enumerate() {
            let mut slope = |h: f32| {
                let (up, down) = (x + h, x - h);
                (total(input, at, up) - total(input, at, down)) / f64::from(up - down)
            };
            let (near, far) = (slope(1.0 / 64.0), slope(1.0 / 32.0));
            slopes.push((4.0 * near - far) / 3.0);
        }
        all.push(slopes);
    }
    all
}

/// The gradients are the slopes, with known sizes as with unknown ones, and these are the same bits.
fn check(name: &str, given: &[Given], build: Build) {
    let (dys, dxs) = gradients(given, false, build);
    let want = differences(given, &dys, build);
    for (input, (dx, want)) in dxs.iter().zip(&want).enumerate() {
        let zeros = vec![0.0; want.len()];
        let dx = dx.as_ref().unwrap_or(&zeros);
        assert_eq!(dx.len(), want.len(), "{name}: input {input}");
        for (at, (&dx, &want)) in dx.iter().zip(want).enumerate() {
            let error = (f64::from(dx) - want).abs();
            assert!(error <= 1e-4 * (1.0 + want.abs()), "{name}: input {input} [{at}]: {dx}, not {want}");
        }
    }
    let (_, unknown) = gradients(given, true, build);
    for (a, b) in dxs.iter().zip(&unknown) {
        assert_eq!(a.as_deref().map(bits), b.as_deref().map(bits), "{name}: unknown sizes");
    }
}

/// One op.
fn op(op: Op, given: &[Given], attrs: &[u32]) {
    let name = format!("{op:?} {attrs:?}");
    check(&name, given, &|lab, x| lab.record(op, x, attrs).unwrap());
}

#[test]
fn functions_of_one_number() {
    for &kind in Unary::ALL {
        let x = match kind {
            Unary::Sqrt | Unary::Rsqrt | Unary::Log | Unary::Log1p => positive(&[3, 5], 1),
            // away from their steps
            Unary::Floor | Unary::Ceil | Unary::Round => (F, vec![4], vec![0.2, 0.7, -1.3, 2.8]),
            _ => away(&[3, 5], 1),
        };
        op(Op::Unary, &[x], &[kind as u32]);
    }
}

#[test]
fn functions_of_two_numbers_broadcast() {
    let shapes: [(&[i32], &[i32]); 6] = [
        (&[3, 5], &[3, 5]),
        (&[2, 3, 5], &[5]),
        (&[3, 1], &[2, 3, 5]),
        (&[], &[3, 2]),
        (&[2, 1, 3], &[1, 5, 1]),
        (&[1, 1], &[7]),
    ];
    for &kind in Binary::ALL {
        for (a, b) in shapes {
            let (a, b) = match kind {
                Binary::Pow => (positive(a, 2), away(b, 3)),
                // quotients between 4.1 and 4.5: away from steps
                Binary::Mod | Binary::FloorDiv => {
                    let near = |(dtype, dims, data): Given, by: f32, scale: f32| -> Given {
                        (dtype, dims, data.iter().map(|x| by + scale * x.abs()).collect())
                    };
                    (near(float(a, 2), 9.1, 0.3), near(float(b, 3), 2.1, 0.1))
                }
                // the second one on eighths
                _ => (away(a, 2), shifted(away(b, 3), 1.0 / 16.0)),
            };
            op(Op::Binary, &[a, b], &[kind as u32]);
        }
    }
}

#[test]
fn ties_kinks_and_steps_are_as_in_tensorflow() {
    let at = |op: Op, given: &[Given], attrs: &[u32]| {
        let (dys, dxs) = gradients(given, true, &|lab, x| lab.record(op, x, attrs).unwrap());
        let dy = dys[0].2.clone();
        (dy, dxs.into_iter().map(Option::unwrap).collect::<Vec<_>>())
    };
    let x: Given = (F, vec![2], vec![1.0, 2.0]);
    let (dy, dxs) = at(Op::Binary, &[x.clone(), x.clone()], &[Binary::Maximum as u32]);
    assert_eq!(dxs, [dy, vec![0.0, 0.0]]);
    let zero: Given = (F, vec![1], vec![0.0]);
    for (op, kind, slope) in [
        (Op::Unary, Unary::Abs as u32, 0.0),
        (Op::Activate, Activation::Relu as u32, 0.0),
        (Op::Activate, Activation::Relu6 as u32, 0.0),
        (Op::Activate, Activation::Elu as u32, 1.0),
    ] {
        let (dy, dxs) = at(op, std::slice::from_ref(&zero), &[kind]);
        assert_eq!(dxs[0][0], slope * dy[0], "{op:?} {kind}");
    }
    // 0⁰: x to the power 0 is 1 everywhere
    let (_, dxs) = at(Op::Binary, &[zero.clone(), zero], &[Binary::Pow as u32]);
    assert_eq!(dxs, [[0.0], [0.0]]);
    let x: Given = (F, vec![5], vec![3.0, 1.0, 3.0, 0.0, 3.0]);
    let attrs: Vec<u32> = [Reduce::Max as u32, 0].into_iter().chain(list(&[0])).collect();
    let (dy, dxs) = at(Op::Reduce, &[x], &attrs);
    let share = dy[0] / 3.0;
    assert_eq!(dxs[0], [share, 0.0, share, 0.0, share]);
}

#[test]
fn activations() {
    for &kind in Activation::ALL {
        op(Op::Activate, &[away(&[3, 7], 4)], &[kind as u32]);
        let (dtype, dims, data) = float(&[2, 2, 5], 5);
        let wide = data.iter().map(|x| grid(4.1 * x)).collect();
        op(Op::Activate, &[(dtype, dims, wide)], &[kind as u32]);
    }
}

#[test]
fn activations_twice() {
    let mut without = Vec::new();
    for &kind in Activation::ALL {
        let twice = |lab: &mut Lab, x: &[u32]| {
            let y = lab.op(Op::Activate, x, &[kind as u32]);
            let (dxs, _) = lab.gradient(&[y], &[Some(y)], x)?;
            Ok::<_, Failure>(dxs.into_iter().flatten().collect::<Vec<u32>>())
        };
        let given = [away(&[3, 7], 4)];
        let (mut lab, values, _) = begin(&given, false);
        let first = twice(&mut lab, &values).unwrap();
        match lab.gradient(&first, &[Some(values[0])], &values) {
            Ok(_) => check(&format!("{kind:?} twice"), &given, &|lab, x| twice(lab, x).unwrap()),
            Err(failure) => {
                assert_eq!(*failure.error, Error::Gradient { op: Op::ActivateGrad as u32 });
                without.push(kind);
            }
        }
    }
    use Activation::*;
    let expected = [GeluTanh, HardSilu, TanhShrink, Softsign, Mish, Squareplus, SparsePlus];
    assert_eq!(without, expected);
}

#[test]
fn choices_do_not_leak() {
    let mask: Given = (Dtype::Bool, vec![2, 3], vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
    op(Op::Select, &[mask.clone(), float(&[2, 3], 6), float(&[2, 3], 7)], &[]);
    op(Op::Select, &[mask.clone(), float(&[3], 6), float(&[], 7)], &[]);
    op(Op::Select, &[mask.clone(), float(&[4, 1, 1], 6), float(&[2, 1], 7)], &[]);
    // √ of what is not chosen has no slope
    let x: Given = (F, vec![2, 3], vec![4.0, -1.0, 1.0, -2.0, f32::NAN, 0.25]);
    let (dys, dxs) = gradients(&[mask, x], true, &|lab, x| {
        let root = lab.op(Op::Unary, &[x[1]], &[Unary::Sqrt as u32]);
        let safe = lab.op(Op::Select, &[x[0], root, x[1]], &[]);
        vec![lab.op(Op::Select, &[x[0], safe, root], &[])]
    });
    let dy = &dys[0].2;
    let dx = dxs[0].as_ref().unwrap();
    assert_eq!([dx[0], dx[2], dx[5]], [dy[0] / 4.0, dy[2] / 2.0, dy[5]]);
}

#[test]
fn moves_of_numbers() {
    let x = || float(&[2, 3, 5], 8);
    op(Op::Transpose, &[x()], &list(&[2, 0, -2]));
    op(Op::Flip, &[x()], &list(&[0, -1]));
    for part in [
        [1, 1, i32::MAX, 1],
        [2, 3, 0, -2],
        [2, i32::MAX, i32::MAX, -1],
        [-1, -3, -1, 1],
        [1, 2, 2, 1],
        [2, 0, 5, 3],
    ] {
        op(Op::Slice, &[x()], &list(&part));
    }
    op(Op::Slice, &[x()], &list(&[0, -1, i32::MAX, 1, 2, i32::MAX, i32::MAX, -2]));
    op(Op::Reshape, &[x()], &list(&[1, 0, 2, 0]));
    op(Op::Reshape, &[x()], &list(&[2, 0]));
    op(Op::Reshape, &[x(), float(&[5, 3, 2], 1)], &list(&[3, 0, 3, 1, 3, 2]));
    op(Op::Broadcast, &[float(&[3, 1], 8), float(&[2, 3, 5], 9)], &list(&[1, 0, 1, 1, 1, 1, 1, 2, 1]));
    op(Op::Broadcast, &[float(&[], 8)], &list(&[0, 4, 0, 0, 2, 0]));
    op(Op::Concat, &[x(), float(&[2, 1, 5], 2), float(&[2, 0, 5], 2), float(&[2, 4, 5], 3)], &[1]);
    op(Op::Concat, &[float(&[3], 1), float(&[2], 2)], &[0]);
    op(Op::Cast, &[x()], &[F as u32]);
    op(Op::Place, &[float(&[2, 2, 5], 1), x()], &list(&[1, 2, i32::MAX, -2]));
    op(Op::Part, &[float(&[5, 2], 1), float(&[3, 2], 2), float(&[2, 2], 3)], &[0, 1]);
    op(Op::SumTo, &[x(), float(&[3, 1], 2), float(&[3, 1], 3)], &[]);
    op(Op::SumTo, &[x(), float(&[], 2)], &[]);
    op(Op::Size, &[x()], &list(&[0, 1]));
}

#[test]
fn reductions() {
    for kind in [Reduce::Sum, Reduce::Mean, Reduce::Max, Reduce::Min, Reduce::Prod] {
        for keep in [0, 1] {
            for axes in [&[0, 1, 2][..], &[1], &[-1], &[0, 2], &[]] {
                let attrs: Vec<u32> = [kind as u32, keep].into_iter().chain(list(axes)).collect();
                // far enough apart that no step makes another the largest
                let mut x = float(&[3, 5, 2], 9);
                for (at, x) in x.2.iter_mut().enumerate() {
                    *x = 0.2 * ((at * 7) % 30) as f32 - 2.9 + 0.05 * *x;
                }
                if kind == Reduce::Prod {
                    x.2.iter_mut().for_each(|x| *x = 1.0 + 0.1 * *x);
                }
                op(Op::Reduce, &[x], &attrs);
            }
        }
    }
    // one zero of a product has a slope, two have none
    let x: Given = (F, vec![3, 3], vec![2.0, 0.0, 3.0, 0.0, 5.0, 0.0, 1.5, -2.0, 0.5]);
    let attrs: Vec<u32> = [Reduce::Prod as u32, 0].into_iter().chain(list(&[1])).collect();
    op(Op::Reduce, &[x], &attrs);
}

#[test]
fn products() {
    for transposed in [0, 1] {
        let b: &[i32] = if transposed == 1 { &[7, 5] } else { &[5, 7] };
        for a in [&[5][..], &[3, 5], &[2, 3, 5]] {
            op(Op::MatMul, &[float(a, 1), float(b, 2), float(&[7], 3)], &[transposed]);
            op(Op::MatMul, &[float(a, 1), float(b, 2)], &[transposed]);
        }
        let b: &[i32] = if transposed == 1 { &[2, 7, 5] } else { &[2, 5, 7] };
        op(Op::MatMul, &[float(&[2, 3, 5], 1), float(b, 2), float(&[7], 3)], &[transposed]);
    }
    op(Op::WeightGrad, &[float(&[2, 3, 5], 1), float(&[2, 3, 7], 2), float(&[5, 7], 3)], &[]);
    op(Op::WeightGrad, &[float(&[5], 1), float(&[3], 2)], &[]);
    let ids: Given = (Dtype::Int32, vec![2, 2], vec![3.0, 0.0, 3.0, 1.0]);
    op(Op::Gather, &[float(&[4, 3], 1), ids.clone()], &[]);
    op(Op::ScatterAdd, &[float(&[2, 2, 3], 1), ids, float(&[4, 3], 2), float(&[4, 3], 3)], &[]);
}

#[test]
fn convolutions() {
    // padding, axes of (size, stride, dilation); x, y
    let cases: [(&[u32], &[i32], &[i32]); 5] = [
        (&[0, 3, 2, 2, 1], &[2, 5, 3], &[2, 2, 4]),
        (&[2, 3, 2, 1, 2], &[2, 4, 1], &[2, 4, 2]),
        (&[1, 6, 3, 1, 1, 2, 1, 1], &[2, 3, 4, 2], &[2, 3, 4, 3]),
        (&[1, 6, 1, 1, 1, 1, 1, 1], &[2, 3, 2, 2], &[2, 3, 2, 3]),
        (&[1, 9, 1, 2, 1, 2, 1, 2, 3, 1, 1], &[1, 3, 3, 4, 2], &[1, 2, 3, 4, 2]),
    ];
    for (attrs, x, y) in cases {
        let places: u32 = attrs[2..].iter().step_by(3).product();
        let (cin, cout) = (*x.last().unwrap(), *y.last().unwrap());
        let kernel = [places as i32 * cin, cout];
        op(Op::Conv, &[float(x, 1), float(&kernel, 2), float(&[cout], 3)], attrs);
        op(Op::ConvInputGrad, &[float(y, 1), float(&kernel, 2), float(x, 3)], attrs);
        op(Op::ConvKernelGrad, &[float(x, 1), float(y, 2), float(&kernel, 3)], attrs);
    }
}

/// A value used often, several outputs, one of them on the way to the other.
fn tangle(lab: &mut Lab, x: &[u32]) -> Vec<u32> {
    let product = lab.op(Op::MatMul, &[x[0], x[1], x[2]], &[0]);
    let hidden = lab.op(Op::Activate, &[product], &[Activation::Tanh as u32]);
    let square = lab.op(Op::Binary, &[hidden, hidden], &[Binary::Mul as u32]);
    let twice = lab.op(Op::Binary, &[square, hidden], &[Binary::Add as u32]);
    let sum: Vec<u32> = [Reduce::Mean as u32, 0].into_iter().chain(list(&[0])).collect();
    let mean = lab.op(Op::Reduce, &[twice], &sum);
    let apart = lab.op(Op::Binary, &[twice, mean], &[Binary::Sub as u32]);
    vec![hidden, apart]
}

#[test]
fn values_used_often_and_many_outputs() {
    check("tangle", &[float(&[3, 5], 1), float(&[5, 4], 2), float(&[4], 3)], &tangle);
    // the gradient of an output that is an input, and of a value on the way
    let (mut lab, values, tensors) = begin(&[float(&[3], 1), float(&[3], 2)], false);
    let y = lab.op(Op::Unary, &[values[0]], &[Unary::Square as u32]);
    let z = lab.op(Op::Unary, &[y], &[Unary::Neg as u32]);
    let dys = [Some(values[1]), None, Some(values[1])];
    let (dxs, appended) = lab.gradient(&[z, y, values[0]], &dys, &[y, values[0], values[1]]).unwrap();
    assert_eq!((dxs[2], appended), (None, 4)); // −dy, 2x, their product, the sum
    let program = lab.finish(&[dxs[0].unwrap(), dxs[1].unwrap()], &[]);
    let read = lab.run(program, &tensors).unwrap();
    let (x, dy) = (numbers(3, 1), numbers(3, 2));
    for i in 0..3 {
        assert_eq!(read[0][i], -dy[i]);
        assert!((read[1][i] - (dy[i] - 2.0 * x[i] * dy[i])).abs() < 1e-6);
    }
}

#[test]
fn gradients_of_gradients() {
    let second = |lab: &mut Lab, x: &[u32], y: u32| -> Vec<u32> {
        let (dxs, _) = lab.gradient(&[y], &[Some(y)], x).unwrap();
        dxs.into_iter().flatten().collect()
    };
    check("tangle", &[float(&[3, 5], 1), float(&[5, 4], 2), float(&[4], 3)], &|lab, x| {
        let ys = tangle(lab, x);
        second(lab, x, ys[1])
    });
    let parts: [(Op, Vec<u32>, Vec<Given>); 8] = [
        (Op::Slice, list(&[1, 3, 0, -2]), vec![away(&[2, 5], 1)]),
        (Op::Concat, vec![1], vec![away(&[2, 3], 1), away(&[2, 2], 2)]),
        (Op::MatMul, vec![1], vec![away(&[2, 2, 3], 1), away(&[2, 4, 3], 2)]),
        (Op::Reduce, [Reduce::Max as u32, 1, 1, 0].into(), vec![(F, vec![4], vec![0.1, 0.7, -0.4, 0.4])]),
        (Op::Binary, vec![Binary::Pow as u32], vec![positive(&[3], 1), away(&[2, 1], 2)]),
        (Op::Binary, vec![Binary::Div as u32], vec![away(&[3], 1), away(&[2, 1], 2)]),
        (Op::Unary, vec![Unary::Erf as u32], vec![away(&[5], 1)]),
        (Op::Activate, vec![Activation::Relu as u32], vec![away(&[5], 1)]),
    ];
    for (op, attrs, given) in parts {
        check(&format!("{op:?} twice"), &given, &|lab, x| {
            let y = lab.op(op, x, &attrs);
            second(lab, x, y)
        });
    }
    // of products with no, one, two and three zeros
    let rows = vec![2.0, -0.5, 3.0, 1.5, 0.0, 5.0, 0.0, 3.0, 0.0, 0.0, 0.0, 0.0];
    for attrs in [list(&[1]), list(&[0, 1])] {
        let attrs = [&[Reduce::Prod as u32, 1], &attrs[..]].concat();
        let dy = positive(if attrs[2] == 1 { &[4, 1] } else { &[1, 1] }, 3);
        check("Prod twice", &[(F, vec![4, 3], rows.clone()), dy], &|lab, x| {
            let y = lab.op(Op::Reduce, &x[..1], &attrs);
            let (dxs, _) = lab.gradient(&[y], &[Some(x[1])], &x[..1]).unwrap();
            dxs.into_iter().flatten().collect()
        });
    }
}

#[test]
fn sums_continue_bit_for_bit() {
    let rows = 37;
    let a = numbers(rows * 5, 1);
    let b = numbers(rows * 3, 2);
    let ids: Vec<f32> = (0..rows).map(|row| ((row * 5) % 4) as f32).collect();
    for cut in [1, 8, 20, 36] {
        let pieces = [0..cut, cut..rows];
        let run = |op: Op, inputs: &[Given]| {
            let (mut lab, values, tensors) = begin(inputs, true);
            let y = lab.op(op, &values, &[]);
            let program = lab.finish(&[y], &[]);
            lab.run(program, &tensors).unwrap().remove(0)
        };
        let law = |op: Op, piece: &dyn Fn(std::ops::Range<usize>) -> Vec<Given>, dims: &[i32]| {
            let whole = run(op, &piece(0..rows));
            let first = run(op, &piece(pieces[0].clone()));
            let mut second = piece(pieces[1].clone());
            second.push((F, dims.into(), first));
            assert_eq!(bits(&run(op, &second)), bits(&whole), "{op:?} cut at {cut}");
        };
        let of = |x: &[f32], width: usize, part: std::ops::Range<usize>| -> Given {
            let rows = part.len() as i32;
            (F, vec![rows, width as i32], x[part.start * width..part.end * width].into())
        };
        law(Op::WeightGrad, &|part| vec![of(&a, 5, part.clone()), of(&b, 3, part)], &[5, 3]);
        for like in [&[5][..], &[1], &[]] {
            law(Op::SumTo, &|part| vec![of(&a, 5, part), float(like, 3)], like);
        }
        let ids = |part: std::ops::Range<usize>| -> Given {
            (Dtype::Int32, vec![part.len() as i32], ids[part].into())
        };
        law(Op::ScatterAdd, &|part| vec![of(&a, 5, part.clone()), ids(part), float(&[4, 5], 3)], &[4, 5]);
    }
    // rows of a convolution
    let (x, dy) = (numbers(5 * 12, 1), numbers(5 * 16, 2));
    let run = |rows: std::ops::Range<usize>, start: Option<Vec<f32>>| {
        let n = rows.len() as i32;
        let x = (F, vec![n, 4, 3], x[rows.start * 12..rows.end * 12].into());
        let dy = (F, vec![n, 4, 4], dy[rows.start * 16..rows.end * 16].into());
        let start = start.map(|start| (F, vec![9, 4], start));
        let (mut lab, values, tensors) = begin(&[x, dy].into_iter().chain(start).collect::<Vec<_>>(), true);
        let y = lab.op(Op::ConvKernelGrad, &values, &[1, 3, 3, 1, 1]);
        let program = lab.finish(&[y], &[]);
        lab.run(program, &tensors).unwrap().remove(0)
    };
    assert_eq!(bits(&run(2..5, Some(run(0..2, None)))), bits(&run(0..5, None)));
    // a step's rows at a time, or those of all steps at once
    let x: Given = (F, vec![4, 3, 5], numbers(60, 5));
    for like in [&[3, 1][..], &[5], &[1, 5], &[]] {
        let (mut lab, values, tensors) = begin(&[x.clone(), float(like, 1), float(like, 2)], true);
        let whole = lab.op(Op::SumTo, &values, &[]);
        let mut step = values[2];
        for t in 0..4 {
            let slice = lab.op(Op::Slice, &[values[0]], &list(&[0, t, t + 1, 1]));
            step = lab.op(Op::SumTo, &[slice, values[1], step], &[]);
        }
        let program = lab.finish(&[whole, step], &[]);
        let read = lab.run(program, &tensors).unwrap();
        assert_eq!(bits(&read[0]), bits(&read[1]), "{like:?}");
    }
}

#[test]
fn what_lets_no_gradient_through() {
    let (mut lab, values, _) = begin(&[float(&[3, 3], 1), float(&[3, 3], 2)], true);
    let (x, dy) = (values[0], values[1]);
    let flat = |lab: &mut Lab, op: Op, attrs: &[u32]| lab.op(op, &[x], attrs);
    let stop = flat(&mut lab, Op::Stop, &[]);
    let zeros: Vec<u32> = [F as u32, 0].into_iter().chain(list(&[1, 0, 0, 1, 1, 0])).collect();
    let fill = flat(&mut lab, Op::Fill, &zeros);
    let less = lab.op(Op::Compare, &[x, stop], &[Compare::Less as u32]);
    let both = lab.op(Op::Logical, &[less, less], &[Logical::And as u32]);
    let cast = lab.op(Op::Cast, &[both], &[F as u32]);
    let whole = lab.op(Op::Cast, &[x], &[Dtype::Int32 as u32]);
    let back = lab.op(Op::Cast, &[whole], &[F as u32]);
    for y in [stop, fill, cast, back] {
        assert_eq!(lab.gradient(&[y], &[Some(dy)], &[x]).unwrap(), (vec![None], 0));
    }
    let none = lab.gradient(&[x], &[None], &[x]).unwrap();
    assert_eq!(none, (vec![None], 0));
}

#[test]
fn errors_name_what_is_wrong() {
    let integers: Given = (Dtype::Int32, vec![3], vec![1.0, 2.0, 3.0]);
    let (mut lab, values, _) = begin(&[float(&[3, 3], 1), integers, float(&[2, 3], 2)], false);
    let [x, n, other] = values[..] else { panic!() };
    let qr = lab.record(Op::Qr, &[x], &[]).unwrap();
    let failure = lab.gradient(&qr[..1], &[Some(x)], &[x]).unwrap_err();
    assert_eq!(failure, Failure { error: Error::Gradient { op: Op::Qr as u32 }.into(), record: Some(3) });
    let dtype = |input| Error::Dtype { input, expected: F, actual: Dtype::Int32 };
    assert_eq!(*lab.gradient(&[x], &[Some(x)], &[x, n]).unwrap_err().error, dtype(1));
    assert_eq!(*lab.gradient(&[n], &[Some(x)], &[x]).unwrap_err().error, dtype(0));
    let shape = Error::Shape { input: 0, axis: 0, expected: 3, actual: 2 };
    assert_eq!(*lab.gradient(&[x], &[Some(other)], &[x]).unwrap_err().error, shape);
    let index = Error::Index { value: 99, limit: 5 };
    assert_eq!(*lab.gradient(&[99], &[None], &[x]).unwrap_err().error, index);
    assert_eq!(*lab.gradient(&[x], &[None], &[99]).unwrap_err().error, index);
    // nothing reaches it, nothing fails
    assert_eq!(lab.gradient(&qr[..1], &[None], &[x]).unwrap(), (vec![None], 0));
    assert_eq!(lab.ty(x), Type { dtype: F, shape: Shape::new(&[3, 3]).unwrap() });
}
