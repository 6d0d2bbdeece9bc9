//! Whole vectors: what the QR decomposition and the end of a run need.

use crate::ensure;
use crate::simd::F32x4;

/// Σ x·y in one fixed order: four chains by index modulo four, added in pairs.
pub fn dot(x: &[f32], y: &[f32]) -> f32 {
    ensure(x.len() == y.len());
    let (x4, x_rest) = x.as_chunks::<4>();
    let (y4, y_rest) = y.as_chunks::<4>();
    let mut sum = F32x4::ZERO;
    for (x, y) in x4.iter().zip(y4) {
        sum = sum + F32x4::load(x) * F32x4::load(y);
    }
    sum = sum + F32x4::load_part(x_rest) * F32x4::load_part(y_rest);
    let [a, b, c, d] = sum.to_array();
    (a + b) + (c + d)
}

/// y += a·x.
pub fn axpy(a: f32, x: &[f32], y: &mut [f32]) {
    ensure(x.len() == y.len());
    let (x4, x_rest) = x.as_chunks::<4>();
    let (y4, y_rest) = y.as_chunks_mut::<4>();
    let factor = F32x4::splat(a);
    for (x, y) in x4.iter().zip(y4) {
        (F32x4::load(y) + factor * F32x4::load(x)).store(y);
    }
    for (x, y) in x_rest.iter().zip(y_rest) {
        *y += a * x;
    }
}

/// x *= a.
pub fn scale(a: f32, x: &mut [f32]) {
    x.iter_mut().for_each(|x| *x *= a);
}

/// √x.
pub fn sqrt(x: f32) -> f32 {
    F32x4::splat(x).sqrt().to_array()[0]
}

/// Gives every NaN the one bit pattern with which data leave the engine.
pub fn canonical_nan(x: &mut [f32]) {
    let nan = F32x4::splat(f32::NAN);
    let (x4, rest) = x.as_chunks_mut::<4>();
    for x in x4 {
        let lanes = F32x4::load(x);
        lanes.ne(lanes).choose(nan, lanes).store(x);
    }
    for x in rest {
        if x.is_nan() {
            *x = f32::NAN;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn products_of_odd_lengths() {
        let x: [f32; 7] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];
        let mut y: [f32; 7] = [1.0; 7];
        assert_eq!(dot(&x, &y), 28.0);
        axpy(2.0, &x, &mut y);
        assert_eq!(y, [3.0, 5.0, 7.0, 9.0, 11.0, 13.0, 15.0]);
        scale(0.5, &mut y);
        assert_eq!(y[6], 7.5);
        assert_eq!(sqrt(9.0), 3.0);
    }

    #[test]
    fn every_nan_becomes_the_same() {
        let mut x = [f32::from_bits(0xffc0_1234), 1.0, f32::INFINITY, 0.0, f32::from_bits(0x7fc0_0001)];
        canonical_nan(&mut x);
        assert_eq!(x[0].to_bits(), f32::NAN.to_bits());
        assert_eq!(x[4].to_bits(), f32::NAN.to_bits());
        assert_eq!(x[1..4], [1.0, f32::INFINITY, 0.0]);
    }
}
