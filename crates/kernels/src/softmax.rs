//! softmax, log-softmax and sparsemax of one row, in place. Sums go by [`crate::reduce`]'s tree.

use crate::math::{apply, exp_all, log};
use crate::reduce::{Reduce, fold};
use crate::simd::F32x4;

/// eˣ over their sum; a row of −∞, or with +∞ or NaN, is NaN.
pub fn softmax(x: &mut [f32]) {
    shift(x, fold(Reduce::Max, x));
    apply(exp_all, x);
    let sum = fold(Reduce::Sum, x);
    let by = F32x4::splat(sum);
    let (whole, rest) = x.as_chunks_mut::<4>();
    for v in whole {
        (F32x4::load(v) / by).store(v);
    }
    for x in rest {
        *x /= sum;
    }
}

/// x less the logarithm of the sum of eˣ.
pub fn log_softmax(x: &mut [f32]) {
    shift(x, fold(Reduce::Max, x));
    // The sum of eˣ over blocks that fit the stack; each block's sum joins one chain.
    let mut sum = 0.0;
    let mut block = [0.0; 256];
    for part in x.chunks(256) {
        for (y, x) in block.iter_mut().zip(part) {
            *y = *x;
        }
        if let Some(block) = block.get_mut(..part.len()) {
            apply(exp_all, block);
            sum += fold(Reduce::Sum, block);
        }
    }
    let [log_sum, ..] = log(F32x4::splat(sum)).to_array();
    shift(x, log_sum);
}

/// The nearest point of the simplex: max(x − τ, 0) with τ such that the sum is 1.
pub fn sparsemax(x: &mut [f32]) {
    let most = fold(Reduce::Max, x);
    shift(x, most);
    // The support only shrinks: τ of all candidates, those above it, again (Michelot). It starts above −1, for τ is at least that.
    let mut tau = -1.0;
    let mut support = 0;
    loop {
        let mut sum = 0.0;
        let mut count = 0;
        for &x in x.iter() {
            if x > tau {
                sum += x;
                count += 1;
            }
        }
        if count == support || count == 0 {
            break;
        }
        support = count;
        tau = (sum - 1.0) / count as f32;
    }
    for x in x {
        let y = *x - tau;
        *x = if y < 0.0 { 0.0 } else { y };
    }
}

fn shift(x: &mut [f32], by: f32) {
    for x in x {
        *x -= by;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn large_and_infinite_numbers() {
        let mut x = [1e30, 1e30, f32::NEG_INFINITY];
        softmax(&mut x);
        assert_eq!(x, [0.5, 0.5, 0.0]);
        let mut x = [200.0, -200.0, f32::NEG_INFINITY];
        log_softmax(&mut x);
        assert_eq!(x, [0.0, -400.0, f32::NEG_INFINITY]);
        let mut x = [3.0, f32::NEG_INFINITY, 2.5, 1e-3];
        sparsemax(&mut x);
        assert_eq!(x, [0.75, 0.0, 0.25, 0.0]);
        let mut x = [f32::NEG_INFINITY; 5];
        softmax(&mut x);
        assert!(x.iter().all(|x| x.is_nan()));
    }

    #[test]
    fn long_rows_sum_to_one() {
        let x: Vec<f32> = (0..1003).map(|i| ((i * 37) % 101) as f32 * 0.05).collect();
        for f in [softmax, sparsemax] {
            let mut y = x.clone();
            f(&mut y);
            let sum: f64 = y.iter().map(|&y| f64::from(y)).sum();
            assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        }
        let mut y = x;
        log_softmax(&mut y);
        let sum: f64 = y.iter().map(|&y| f64::from(y).exp()).sum();
        assert!((sum - 1.0).abs() < 1e-6, "{sum}");
    }
}
