use super::*;
use layer_rnn_testkit::{close, random::Random};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn naive(kind: Reduce, x: impl Iterator<Item = f32>) -> f64 {
    let x: Vec<f64> = x.map(f64::from).collect();
    match kind {
        Reduce::Sum => x.iter().sum(),
        Reduce::Mean => x.iter().sum::<f64>() / x.len() as f64,
        Reduce::Max => x.into_iter().fold(f64::NEG_INFINITY, f64::max),
        Reduce::Min => x.into_iter().fold(f64::INFINITY, f64::min),
        Reduce::Prod => x.iter().product(),
        Reduce::Any | Reduce::All => unreachable!("of booleans"),
    }
}

const NUMBERS: &[Reduce] = &[Reduce::Sum, Reduce::Mean, Reduce::Max, Reduce::Min, Reduce::Prod];

#[test]
fn every_kind_along_and_across_memory() {
    let mut random = Random::new(41);
    for n in [1, 2, 3, 7, 8, 9, 13, 40, 255, 256, 257, 1029] {
        for inner in [1, 2, 3, 4, 5, 9] {
            let outer = 2;
            // Around 1, so that products stay in range; some zeros.
            let x: Vec<f32> = (0..outer * n * inner)
                .map(|_| if random.below(50) == 0 { 0.0 } else { 1.0 + random.number(0.05) })
                .collect();
            for &kind in NUMBERS {
                let mut out = vec![9.0; outer * inner];
                reduce(kind, &x, outer, n, inner, &mut out);
                let at = |o: usize, i: usize| (0..n).map(move |t| (o * n + t) * inner + i);
                let want: Vec<f64> = (0..outer * inner)
                    .map(|j| naive(kind, at(j / inner, j % inner).map(|at| x[at])))
                    .collect();
                close(
                    &out,
                    &want,
                    0.0,
                    if kind == Reduce::Prod { 1e-4 } else { 1e-6 },
                    &format!("{kind:?} {n} {inner}"),
                );
                // The same tree, whatever the stride.
                for o in 0..outer {
                    for i in 0..inner {
                        let column: Vec<f32> = at(o, i).map(|at| x[at]).collect();
                        assert_eq!(
                            out[o * inner + i].to_bits(),
                            fold(kind, &column).to_bits(),
                            "{kind:?} {n} {inner}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn not_a_number_stays() {
    for &kind in NUMBERS {
        for n in [1, 5, 9, 300] {
            for at in [0, n / 2, n - 1] {
                let mut x = vec![1.0; n];
                x[at] = f32::NAN;
                assert!(fold(kind, &x).is_nan(), "{kind:?} {n} {at}");
            }
        }
    }
}

#[test]
fn long_sums_are_exact_enough() {
    let x = vec![0.1f32; 1_000_003];
    let want = f64::from(0.1f32) * 1_000_003.0;
    assert!((f64::from(fold(Reduce::Sum, &x)) - want).abs() < 1e-6 * want);
}

#[test]
fn nothing_gives_where_the_chains_start() {
    assert_eq!(fold(Reduce::Sum, &[]), 0.0);
    assert_eq!(fold(Reduce::Prod, &[]), 1.0);
    assert_eq!(fold(Reduce::Max, &[]), f32::NEG_INFINITY);
    let mut out = [5.0; 6];
    reduce(Reduce::Min, &[], 2, 0, 3, &mut out);
    assert_eq!(out, [f32::INFINITY; 6]);
}

#[test]
fn truth_and_places() {
    let x = [0, 1, 1, 0, 1, 1];
    let mut out = [9; 3];
    reduce_bool(Reduce::Any, &x, 1, 2, 3, &mut out);
    assert_eq!(out, [0, 1, 1]);
    reduce_bool(Reduce::All, &x, 1, 2, 3, &mut out);
    assert_eq!(out, [0, 1, 1]);
    reduce_bool(Reduce::All, &x, 3, 2, 1, &mut out);
    assert_eq!(out, [0, 0, 1]);

    let x = [1.0, 5.0, f32::NAN, 5.0, 0.0, 7.0, -1.0, 5.0, 2.0];
    let mut out = [9; 3];
    arg_max(&x, 1, 3, 3, &mut out);
    assert_eq!(out, [1, 0, 0]);
    arg_min(&x, 1, 3, 3, &mut out);
    assert_eq!(out, [2, 1, 0]);
    arg_max(&x, 3, 3, 1, &mut out);
    assert_eq!(out, [2, 2, 1]);
}
