//! Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"), and
//! distributions, each a function of 32 random bits.

use crate::math::erf_inv;
use crate::simd::F32x4;

/// 128 random bits for a key and a counter.
pub fn philox(key: [u32; 2], counter: [u32; 4]) -> [u32; 4] {
    let [mut k0, mut k1] = key;
    let [mut a, mut b, mut c, mut d] = counter;
    for _ in 0..10 {
        let (x, y) = (u64::from(a) * 0xd251_1f53, u64::from(c) * 0xcd9e_8d57);
        (a, b, c, d) = ((y >> 32) as u32 ^ b ^ k0, y as u32, (x >> 32) as u32 ^ d ^ k1, x as u32);
        k0 = k0.wrapping_add(0x9e37_79b9);
        k1 = k1.wrapping_add(0xbb67_ae85);
    }
    [a, b, c, d]
}

/// Uniform in [0, 1): a multiple of 2⁻²⁴.
pub fn uniform01(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Uniform in (−1, 1), symmetric, never 0: an odd multiple of 2⁻²³.
fn symmetric(bits: u32) -> f32 {
    ((bits >> 9) as f32 + 0.5) * (1.0 / 4_194_304.0) - 1.0
}

/// √2 erf⁻¹(y): the normal number below which a fraction (1 + y) / 2 lies.
#[inline(never)]
fn quantile(y: f32) -> f32 {
    let [x, ..] = erf_inv(F32x4::splat(y)).to_array();
    x * core::f32::consts::SQRT_2
}

/// Normal, mean 0, deviation 1; within ±5.3.
pub fn normal(bits: u32) -> f32 {
    quantile(symmetric(bits))
}

/// Normal, mean 0 and deviation 1 before the cut, within ±2 (as Keras's truncated normal: redrawn outside).
pub fn truncated_normal(bits: u32) -> f32 {
    /// The part of the normal distribution within ±2: erf √2.
    const INSIDE: f32 = 0.954_499_7;
    quantile(symmetric(bits) * INSIDE).clamp(-2.0, 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The known answers of Random123.
    #[test]
    fn philox_known_answers() {
        assert_eq!(philox([0; 2], [0; 4]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([!0; 2], [!0; 4]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            philox([0xa409_3822, 0x299f_31d0], [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    fn draws(f: fn(u32) -> f32) -> Vec<f64> {
        (0..25_000).flat_map(|i| philox([7, 9], [i, 0, 0, 0])).map(|bits| f64::from(f(bits))).collect()
    }

    fn moments(x: &[f64]) -> (f64, f64) {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64)
    }

    #[test]
    fn distributions_have_their_moments() {
        let (mean, variance) = moments(&draws(uniform01));
        assert!((mean - 0.5).abs() < 4e-3 && (variance - 1.0 / 12.0).abs() < 1e-3);
        let (mean, variance) = moments(&draws(normal));
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        let (mean, variance) = moments(&draws(truncated_normal));
        assert!(mean.abs() < 0.012 && (variance - 0.773_741).abs() < 0.012, "{mean} {variance}");
    }

    #[test]
    fn extremes_stay_inside() {
        assert_eq!((uniform01(0), uniform01(!0)), (0.0, 1.0 - 2f32.powi(-24)));
        assert!(normal(!0).is_finite() && normal(!0) > 5.0 && normal(0) == -normal(!0));
        assert!(truncated_normal(!0) <= 2.0 && truncated_normal(!0) > 1.999);
        assert_eq!(truncated_normal(0), -truncated_normal(!0));
    }
}
