use super::*;
use layer_rnn_testkit::{close, random::Random};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn unary_functions() {
    let mut random = Random::new(51);
    for n in [0, 1, 3, 4, 5, 8, 30] {
        let x = random.numbers(n, 3.0);
        for &kind in Unary::ALL {
            let positive = matches!(kind, Unary::Sqrt | Unary::Rsqrt | Unary::Log | Unary::Log1p);
            let x: Vec<f32> = x.iter().map(|x| if positive { x.abs() } else { *x }).collect();
            let mut y = vec![9.0; n];
            unary(kind, &x, &mut y);
            let want: Vec<f64> = x
                .iter()
                .map(|&x| f64::from(x))
                .map(|x| match kind {
                    Unary::Neg => -x,
                    Unary::Abs => x.abs(),
                    Unary::Sign => x.signum(),
                    Unary::Square => x * x,
                    Unary::Sqrt => x.sqrt(),
                    Unary::Rsqrt => 1.0 / x.sqrt(),
                    Unary::Reciprocal => 1.0 / x,
                    Unary::Floor => x.floor(),
                    Unary::Ceil => x.ceil(),
                    Unary::Round => x.round_ties_even(),
                    Unary::Exp => x.exp(),
                    Unary::Expm1 => x.exp_m1(),
                    Unary::Log => x.ln(),
                    Unary::Log1p => x.ln_1p(),
                    Unary::Sin => x.sin(),
                    Unary::Cos => x.cos(),
                    Unary::Erf => layer_rnn_testkit::naive::erf(x),
                })
                .collect();
            close(&y, &want, 0.0, 2.4e-7, &format!("{kind:?}"));
        }
    }
    let mut y = [0.0; 4];
    unary(Unary::Sign, &[0.0, -0.0, f32::NAN, f32::NEG_INFINITY], &mut y);
    assert!(y[0] == 0.0 && y[1] == 0.0 && y[2].is_nan() && y[3] == -1.0);
}

fn operand(x: &[f32], scalar: bool) -> Operand<'_, f32> {
    if scalar { Operand::Scalar(*x.first().unwrap_or(&0.5)) } else { Operand::Slice(x) }
}

#[test]
fn binary_functions() {
    let mut random = Random::new(52);
    for n in [0, 1, 3, 4, 5, 8, 30] {
        let (a, b) = (random.numbers(n, 3.0), random.numbers(n, 3.0));
        let a: Vec<f32> = a.iter().map(|a| a.abs()).collect();
        for &kind in Binary::ALL {
            for (scalar_a, scalar_b) in [(false, false), (true, false), (false, true), (true, true)] {
                let mut y = vec![9.0; n];
                binary(kind, operand(&a, scalar_a), operand(&b, scalar_b), &mut y);
                let at = |x: &[f32], scalar: bool, i: usize| f64::from(x[if scalar { 0 } else { i }]);
                let want: Vec<f64> = (0..n)
                    .map(|i| (at(&a, scalar_a, i), at(&b, scalar_b, i)))
                    .map(|(a, b)| match kind {
                        Binary::Add => a + b,
                        Binary::Sub => a - b,
                        Binary::Mul => a * b,
                        Binary::Div => a / b,
                        Binary::Maximum => a.max(b),
                        Binary::Minimum => a.min(b),
                        Binary::Pow => a.powf(b),
                        Binary::FloorDiv => (a / b).floor(),
                        Binary::Mod => a - b * (a / b).floor(),
                    })
                    .collect();
                close(&y, &want, 4e-7, 1.2e-7, &format!("{kind:?}"));
            }
        }
    }
    let mut y = [0.0; 4];
    binary(Binary::Maximum, Operand::Slice(&[f32::NAN, 1.0, 2.0, 3.0]), Operand::Scalar(2.0), &mut y);
    assert!(y[0].is_nan() && y[1..] == [2.0, 2.0, 3.0]);
    binary(
        Binary::Mod,
        Operand::Slice(&[7.0, -7.0, 7.0, -7.0]),
        Operand::Slice(&[3.0, 3.0, -3.0, -3.0]),
        &mut y,
    );
    assert_eq!(y, [1.0, 2.0, -2.0, -1.0]);
}

#[test]
fn integers() {
    let a = [7, -7, 7, -7, i32::MIN, i32::MAX, 5];
    let b = [2, 2, -2, -2, -1, 1, 0];
    let mut y = [0; 7];
    let mut run = |kind| {
        binary_i32(kind, Operand::Slice(&a), Operand::Slice(&b), &mut y);
        y
    };
    assert_eq!(run(Binary::Div), [3, -4, -4, 3, i32::MIN, i32::MAX, 0]);
    assert_eq!(run(Binary::FloorDiv), run(Binary::Div));
    assert_eq!(run(Binary::Mod), [1, 1, -1, -1, 0, 0, 0]);
    assert_eq!(run(Binary::Add)[5], i32::MIN);
    assert_eq!(run(Binary::Pow)[..4], [49, 49, 0, 0]);
    assert_eq!(run(Binary::Maximum)[..2], [7, 2]);
    assert_eq!(run(Binary::Minimum)[..2], [2, -7]);
    binary_i32(Binary::Mul, Operand::Scalar(3), Operand::Slice(&b), &mut y);
    assert_eq!(y, [6, 6, -6, -6, -3, 3, 0]);
}

#[test]
fn comparisons_and_logic() {
    let (a, b) = ([1.0, 2.0, f32::NAN, 0.0, 3.0], [1.0, 3.0, f32::NAN, -0.0, 2.0]);
    let mut y = [9; 5];
    for (kind, want) in [
        (Compare::Equal, [1, 0, 0, 1, 0]),
        (Compare::NotEqual, [0, 1, 1, 0, 1]),
        (Compare::Less, [0, 1, 0, 0, 0]),
        (Compare::LessEqual, [1, 1, 0, 1, 0]),
        (Compare::Greater, [0, 0, 0, 0, 1]),
        (Compare::GreaterEqual, [1, 0, 0, 1, 1]),
    ] {
        compare(kind, Operand::Slice(&a), Operand::Slice(&b), &mut y);
        assert_eq!(y, want, "{kind:?}");
    }
    compare(Compare::Less, Operand::Slice(&[1, -1, 0, 5, 2]), Operand::Scalar(1), &mut y);
    assert_eq!(y, [0, 1, 1, 0, 0]);
    for (kind, want) in
        [(Logical::And, [0, 0, 0, 1]), (Logical::Or, [0, 1, 1, 1]), (Logical::Xor, [0, 1, 1, 0])]
    {
        let mut y = [9; 4];
        logical(kind, Operand::Slice(&[0, 0, 1, 7]), Operand::Slice(&[0, 1, 0, 1]), &mut y);
        assert_eq!(y, want, "{kind:?}");
    }
    not(&[0, 1, 3, 0, 1], &mut y);
    assert_eq!(y, [1, 0, 0, 1, 0]);
}

#[test]
fn choices() {
    let (c, a, b) = ([1, 0, 2, 0, 1], [1.0, 2.0, 3.0, 4.0, 5.0], [-1.0, -2.0, -3.0, -4.0, -5.0]);
    let mut y = [0.0; 5];
    select(Operand::Slice(&c), Operand::Slice(&a), Operand::Slice(&b), &mut y);
    assert_eq!(y, [1.0, -2.0, 3.0, -4.0, 5.0]);
    select(Operand::Slice(&c), Operand::Scalar(0.0), Operand::Slice(&b), &mut y);
    assert_eq!(y, [0.0, -2.0, 0.0, -4.0, 0.0]);
    select(Operand::Scalar(0), Operand::Slice(&a), Operand::Slice(&b), &mut y);
    assert_eq!(y, b);
    let mut y = [0; 5];
    select(Operand::Slice(&c), Operand::Slice(&[1, 2, 3, 4, 5]), Operand::Scalar(9), &mut y);
    assert_eq!(y, [1, 9, 3, 9, 5]);
}
