use super::wide;
use super::*;
use layer_rnn_testkit::{naive, random::Random, ulp};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// A function, its reference, and how many ULP it may be off where the result is normal.
type Case = (&'static str, fn(F32x4) -> F32x4, fn(f64) -> f64, f64);

const CASES: [Case; 7] = [
    ("exp", exp, f64::exp, 2.0),
    ("log", log, f64::ln, 2.0),
    ("tanh", tanh, f64::tanh, 2.0),
    ("sigmoid", sigmoid, naive::sigmoid, 2.0),
    ("expm1", expm1, f64::exp_m1, 2.0),
    ("log1p", log1p, f64::ln_1p, 2.0),
    ("erf", erf, naive::erf, 2.0),
];

/// The worst distance in ULP over some bit patterns, in fours.
fn worst(case: &Case, patterns: impl Iterator<Item = u32>) -> (f64, f32) {
    let (name, f, reference, limit) = case;
    let mut worst = (0.0, 0.0);
    let mut lanes = [0.0; 4];
    for (i, bits) in patterns.enumerate() {
        lanes[i % 4] = f32::from_bits(bits);
        if i % 4 < 3 {
            continue;
        }
        for (x, y) in lanes.into_iter().zip(f(F32x4::load(&lanes)).to_array()) {
            let want = reference(f64::from(x));
            assert!(ulp::within(y, want, *limit), "{name}({x:e}) is {y:e}, expected {want:e}");
            match *name {
                "tanh" => assert!(x.is_nan() || y.abs() <= 1.0),
                "sigmoid" => assert!(x.is_nan() || (0.0..=1.0).contains(&y)),
                _ => {}
            }
            let distance = ulp::distance(y, want);
            if want.abs() >= f64::from(f32::MIN_POSITIVE) && distance > worst.0 {
                worst = (distance, x);
            }
        }
    }
    worst
}

#[test]
fn a_sample_is_within_two_ulp() {
    let mut random = Random::new(11);
    for case in &CASES {
        let sample: Vec<u32> = (0..100_000).map(|_| random.bits() as u32).collect();
        worst(case, sample.into_iter());
        // Where something happens, all exponents being equally likely above.
        let near: Vec<u32> = (0..100_000).map(|_| random.number(20.0).to_bits()).collect();
        worst(case, near.into_iter());
    }
}

/// All f32. Run natively: `cargo test --release -p layer-rnn-kernels exhaustive -- --ignored --nocapture`.
#[cfg(not(target_arch = "wasm32"))]
mod exhaustive {
    macro_rules! exhaustive {
        ($($name:ident = $case:expr;)+) => {$(
            #[test]
            #[ignore = "takes a minute or two"]
            fn $name() {
                let (distance, x) = super::worst(&super::CASES[$case], 0..=u32::MAX);
                println!("{}: {distance:.3} ULP at {x:e}", super::CASES[$case].0);
            }
        )+};
    }
    exhaustive! {
        exp = 0;
        log = 1;
        tanh = 2;
        sigmoid = 3;
        expm1 = 4;
        log1p = 5;
        erf = 6;
    }
}

#[test]
fn limits() {
    let at = |f: fn(F32x4) -> F32x4, x: f32| f(F32x4::splat(x)).to_array()[0];
    let infinity = f32::INFINITY;
    for (f, low, high) in [
        (exp as fn(F32x4) -> F32x4, 0.0, infinity),
        (expm1, -1.0, infinity),
        (tanh, -1.0, 1.0),
        (sigmoid, 0.0, 1.0),
        (erf, -1.0, 1.0),
        (softplus, 0.0, infinity),
    ] {
        assert_eq!((at(f, -infinity), at(f, infinity)), (low, high));
        assert!(at(f, f32::NAN).is_nan() && at(f, -f32::NAN).is_nan());
        // A NaN with all its bits set goes the same way.
        assert!(at(f, f32::from_bits(0x7fff_ffff)).is_nan());
    }
    for (f, pole) in [(log as fn(F32x4) -> F32x4, 0.0), (log1p, -1.0)] {
        assert_eq!((at(f, pole), at(f, infinity)), (-infinity, infinity));
        assert!(at(f, pole - 1.0).is_nan() && at(f, -infinity).is_nan() && at(f, f32::NAN).is_nan());
    }
    assert_eq!(at(log, -0.0), -infinity);
    assert_eq!(at(tanh, -0.0).to_bits(), (-0.0f32).to_bits());
    assert_eq!((at(exp, 0.0), at(log, 1.0), at(sigmoid, 0.0)), (1.0, 0.0, 0.5));
}

#[test]
fn monotone_to_a_rounding() {
    // Over every step of the reduction; two roundings may turn neighbours around, no more.
    for (f, low, high) in
        [(tanh as fn(F32x4) -> F32x4, -9.2f32, 9.2f32), (sigmoid, -20.0, 20.0), (exp, -20.0, 20.0)]
    {
        let mut before = f32::NEG_INFINITY;
        for i in 0..200_000 {
            let x = low + (high - low) * (i as f32 / 200_000.0);
            let y = f(F32x4::splat(x)).to_array()[0];
            assert!(f64::from(y) >= f64::from(before) - 2.0 * ulp::ulp(f64::from(before)).min(1e-3), "{x}");
            before = y;
        }
    }
}

#[test]
fn inverse_of_erf() {
    for i in 1..2000 {
        let y = i as f32 / 1000.0 - 1.0;
        let x = erf_inv(F32x4::splat(y)).to_array()[0];
        assert!((naive::erf(f64::from(x)) - f64::from(y)).abs() < 3e-7, "{y}: {x}");
    }
}

#[test]
fn any_length() {
    for n in 0..19 {
        let x: Vec<f32> = (0..n).map(|i| i as f32 * 0.3 - 2.0).collect();
        let mut y = x.clone();
        apply(tanh_all, &mut y);
        for (x, y) in x.iter().zip(&y) {
            assert_eq!(*y, tanh(F32x4::splat(*x)).to_array()[0]);
        }
    }
}

#[test]
fn sine_and_cosine() {
    let mut random = Random::new(12);
    for i in 0..200_000 {
        let x = match i {
            0..100_000 => random.number(100.0),
            100_000..150_000 => random.number(1e9),
            _ => f32::from_bits(random.bits() as u32),
        };
        let (sin, cos) = (f64::from(x).sin(), f64::from(x).cos());
        assert!(ulp::within(wide::sin(x), sin, 1.0), "sin {x:e}: {:e} {sin:e}", wide::sin(x));
        assert!(ulp::within(wide::cos(x), cos, 1.0), "cos {x:e}: {:e} {cos:e}", wide::cos(x));
    }
}

#[test]
fn powers() {
    let mut random = Random::new(13);
    for i in 0..200_000 {
        let x = if i % 2 == 0 { random.number(4.0) } else { f32::from_bits(random.bits() as u32) };
        let y = match i % 3 {
            0 => random.number(30.0),
            1 => random.number(9.0).round(),
            _ => f32::from_bits(random.bits() as u32),
        };
        let want = f64::from(x).powf(f64::from(y));
        assert!(
            ulp::within(wide::pow(x, y), want, 1.0),
            "{x:e} ^ {y:e} is {:e}, not {want:e}",
            wide::pow(x, y)
        );
    }
    let special =
        [0.0, -0.0, 1.0, -1.0, 2.0, -3.0, 0.5, -0.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e30];
    for x in special {
        for y in special {
            let (got, want) = (wide::pow(x, y), f64::from(x).powf(f64::from(y)) as f32);
            assert!(
                got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
                "{x} ^ {y}: {got} {want}"
            );
        }
    }
}

#[test]
fn remainders_are_exact() {
    let mut random = Random::new(14);
    let special = [0.0, -0.0, 1.0, -3.0, f32::MIN_POSITIVE / 4.0, f32::MAX, f32::INFINITY, f32::NAN];
    for i in 0..200_000 {
        let mut number = |range: f32| match random.below(8) {
            0 => special[random.below(special.len())],
            1..4 => f32::from_bits(random.bits() as u32),
            _ => random.number(range),
        };
        let (x, y) = (number(1e3), number(9.0));
        let rest = x % y;
        let want = if rest != 0.0 && (rest < 0.0) != (y < 0.0) { rest + y } else { rest };
        let got = wide::modulo(x, y);
        assert!(
            got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan(),
            "{i}: {x:e} % {y:e}: {got:e}"
        );
    }
}
