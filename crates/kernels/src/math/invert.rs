//! The error function and its inverse.

use super::{exp, log};
use crate::simd::{F32x4, poly};

/// erf x = 2/√π ∫₀ˣ e⁻ᵗ² dt.
#[inline(always)]
pub fn erf(x: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    let a = x.abs();
    let s = x * x;
    let near = poly(
        s,
        [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_25e-1, -3.761_253_4e-1, 1.283_791_7e-1],
    );
    let near = near * x + x;
    // 1 − e^p(|x|); from 4 on erf is 1 in f32, and p is fitted only up to there.
    let t = a.pmin(F32x4::splat(4.0));
    let p = poly(
        t,
        [
            -1.728_534_7e-5,
            3.831_972e-4,
            -3.883_964_4e-3,
            2.425_462_2e-2,
            -1.067_778_8e-1,
            -6.348_467e-1,
            -1.287_175_1e-1,
        ],
    );
    let far = (one - exp(p * t - t)).copysign(x);
    a.le(F32x4::splat(0.927_734_4)).choose(near, far)
}

/// The x whose erf is `y`, for −1 < y < 1 (M. Giles, "Approximating the erfinv function", single precision).
#[inline(always)]
pub fn erf_inv(y: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    let w = -log((one - y) * (one + y));
    let center = poly(
        w - F32x4::splat(2.5),
        [
            2.810_226_4e-8,
            3.432_739_4e-7,
            -3.523_387_7e-6,
            -4.391_506_5e-6,
            2.185_808_7e-4,
            -1.253_725e-3,
            -4.177_681_6e-3,
            2.466_407_3e-1,
            1.501_409_4,
        ],
    );
    let tail = poly(
        w.sqrt() - F32x4::splat(3.0),
        [
            -2.002_142_6e-4,
            1.009_505_6e-4,
            1.349_343_2e-3,
            -3.673_428_4e-3,
            5.739_507_7e-3,
            -7.622_461_3e-3,
            9.438_870_5e-3,
            1.001_674,
            2.832_976_8,
        ],
    );
    w.lt(F32x4::splat(5.0)).choose(center, tail) * y
}
