//! exp, log, tanh, sigmoid and their kin on four lanes: at most 2 ULP from the true value where the result is a normal
//! number (exhaustively tested for the first four), at most 2⁻¹²⁶ away where it is not. A NaN stays a NaN, infinities
//! go where the limit is, |tanh| ≤ 1 and 0 ≤ sigmoid ≤ 1.
//!
//! All start from one reduction: x = n ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial for eʳ − 1.

mod invert;
pub mod wide;

pub use invert::{erf, erf_inv};

use crate::simd::{Bits, F32x4, poly};

/// The numbers of exp, tanh and sigmoid. Loops take them from memory, by [`Constants::hidden`]: V8 builds a constant vector anew
/// at each use, which takes longer than a load (bench/record/).
pub struct Constants {
    log2_e: f32,
    /// Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
    round: f32,
    /// ln 2 in two parts; the first has so few digits that n times it is exact.
    ln2_high: f32,
    ln2_low: f32,
    /// eʳ − 1 ≈ r + r² P(r), relative error 0.23 · 2⁻²⁴ for |r| ≤ ln 2 / 2 (a minimax fit of eʳ − 1's relative error).
    expm1: [f32; 5],
    one: f32,
    minus_zero: f32,
    /// tanh x ≈ x + x³ P(x²), relative error 0.63 · 2⁻²⁴ up to `tanh_middle` (a minimax fit).
    tanh_near: [f32; 4],
    tanh_middle: f32,
    two_log2_e: f32,
    /// 2ᶠ = (C + f) / (C − f) with C ≈ P(f²), relative error 0.02 · 2⁻²⁴ for |f| ≤ ½ (a minimax fit).
    tanh_far: [f32; 3],
    /// From here on tanh is 1 exactly.
    tanh_end: f32,
    /// 2⁻²⁴: with it in numerator and denominator 2ⁿ stays in range until sigmoid's quotient is 0.
    sigmoid_scale: f32,
    sigmoid_low: f32,
    sigmoid_high: f32,
}

/// The numbers, known to the compiler.
static CONSTANTS: Constants = Constants {
    log2_e: core::f32::consts::LOG2_E,
    round: 12_582_912.0,
    ln2_high: 0.693_359_4,
    ln2_low: -2.121_944_4e-4,
    expm1: [1.387_028_5e-3, 8.366_253e-3, 4.166_744e-2, 1.666_654_6e-1, 4.999_999_7e-1],
    one: 1.0,
    minus_zero: -0.0,
    tanh_near: [1.642_070_3e-2, -5.266_312_5e-2, 1.332_059_2e-1, -3.333_294e-1],
    tanh_middle: 0.55,
    two_log2_e: 2.0 * core::f32::consts::LOG2_E,
    tanh_far: [-9.204_594_5e-4, 0.115_523_96, 2.885_39],
    tanh_end: 10.0,
    sigmoid_scale: 1.0 / 16_777_216.0,
    sigmoid_low: -104.5,
    sigmoid_high: 70.0,
};

impl Constants {
    /// The numbers, without the compiler's knowing what they are.
    #[inline(always)]
    pub fn hidden() -> &'static Constants {
        core::hint::black_box(&CONSTANTS)
    }
}

/// `n` still with [`Constants::round`] added (its low bits are the integer), and eʳ − 1, for `x = n ln 2 + r`.
#[inline(always)]
fn reduce(k: &Constants, x: F32x4) -> (Bits, F32x4) {
    let round = F32x4::splat(k.round);
    let rounded = x * F32x4::splat(k.log2_e) + round;
    let n = rounded - round;
    // What the low part of n ln 2 takes joins the small terms: one rounding less.
    let (high, low) = (x - n * F32x4::splat(k.ln2_high), n * F32x4::splat(k.ln2_low));
    let r = high - low;
    (rounded.bits(), (r * r * poly(r, k.expm1) - low) + high)
}

/// 2ⁿ · `scale` (a power of two), for n as [`reduce`] gives it, by adding to the exponent.
#[inline(always)]
fn power(n: Bits, scale: f32) -> F32x4 {
    n.left(23).plus(F32x4::splat(scale).bits()).float()
}

/// eˣ. Results below 2⁻¹²⁶ are 0.
#[inline(always)]
pub fn exp(x: F32x4) -> F32x4 {
    exp_by(&CONSTANTS, x)
}

/// [`exp`] with the constants in memory.
#[inline(always)]
pub fn exp_by(k: &Constants, x: F32x4) -> F32x4 {
    let (n, q) = reduce(k, x);
    // The exponent is added to the bits: 2¹²⁸ does not exist, a number between 2¹²⁷ and 2¹²⁸ does.
    let y = (q + F32x4::splat(k.one)).bits().plus(n.left(23)).float();
    let most = F32x4::splat(88.722_83); // the last before overflow
    let y = x.le(most).choose(y, x + F32x4::splat(f32::INFINITY));
    (!x.lt(F32x4::splat(-87.336_54))).keep(y)
}

/// eˣ − 1.
#[inline(always)]
pub fn expm1(x: F32x4) -> F32x4 {
    let x = x.pmin(F32x4::splat(89.0)).pmax(F32x4::splat(-20.0));
    let (n, q) = reduce(&CONSTANTS, x);
    // Halved, so that 2¹²⁸ need not exist.
    let half = power(n, 0.5);
    let y = half * q + (half - F32x4::splat(0.5));
    y + y
}

/// tanh x: x + x³ P(x²) near 0, 1 − 2 / (e²ˣ + 1) from 0.55 on.
#[inline(always)]
pub fn tanh(x: F32x4) -> F32x4 {
    tanh_by(&CONSTANTS, x)
}

/// [`tanh`] with the constants in memory.
#[inline(always)]
pub fn tanh_by(k: &Constants, x: F32x4) -> F32x4 {
    let sign = x.bits() & F32x4::splat(k.minus_zero).bits();
    let a = (x.bits() ^ sign).float().pmin(F32x4::splat(k.tanh_end));
    let z = a * a;
    let near = a + a * (z * poly(z, k.tanh_near));
    // e²ˣ = 2ⁿ 2ᶠ: what rounding 2x log₂ e costs, the 1 swallows; with both from v, 2ᶠ = u / v feels nothing of v's rounding.
    let (t, round) = (a * F32x4::splat(k.two_log2_e), F32x4::splat(k.round));
    let rounded = t + round;
    let f = t - (rounded - round);
    let v = poly(f * f, k.tanh_far) - f;
    let u = v + (f + f);
    let far = F32x4::splat(k.one) - (v + v) / (power(rounded.bits(), k.one) * u + v);
    let y = a.lt(F32x4::splat(k.tanh_middle)).choose(near, far);
    (y.bits() | sign).float()
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: F32x4) -> F32x4 {
    sigmoid_by(&CONSTANTS, x)
}

/// [`sigmoid`] with the constants in memory.
#[inline(always)]
pub fn sigmoid_by(k: &Constants, x: F32x4) -> F32x4 {
    let x = x.pmax(F32x4::splat(k.sigmoid_low)).pmin(F32x4::splat(k.sigmoid_high));
    // −x = n ln 2 − r, as in `reduce`, and e⁻ʳ − 1 by pairs of terms: loops are bound by how long the chain is.
    let round = F32x4::splat(k.round);
    let rounded = round - x * F32x4::splat(k.log2_e);
    let n = rounded - round;
    let r = (x + n * F32x4::splat(k.ln2_high)) + n * F32x4::splat(k.ln2_low);
    let (c, z) = (|i: usize| F32x4::splat(k.expm1[i]), r * r);
    let q = z * ((c(4) - c(3) * r) + z * ((c(2) - c(1) * r) + z * c(0))) - r;
    let scale = F32x4::splat(k.sigmoid_scale);
    let s = power(rounded.bits(), k.sigmoid_scale);
    scale / (s * q + scale + s)
}

/// ln x; −∞ at ±0, NaN below.
#[inline(always)]
pub fn log(x: F32x4) -> F32x4 {
    let (e, f) = split(x);
    finish_log(x, log_near(e, f, F32x4::ZERO))
}

/// ln(1 + x); −∞ at −1, NaN below.
#[inline(always)]
pub fn log1p(x: F32x4) -> F32x4 {
    let one = F32x4::splat(1.0);
    let u = one + x;
    // What 1 + x lost, relative to it.
    let lost = one.lt(x).choose(one - (u - x), x - (u - one)) / u;
    let (e, f) = split(u);
    let finite = u.lt(F32x4::splat(f32::INFINITY));
    finish_log(u, log_near(e, f, finite.keep(lost)))
}

/// x = 2ᵉ (1 + f) with 1 + f between √½ and √2, for positive finite x.
#[inline(always)]
fn split(x: F32x4) -> (F32x4, F32x4) {
    let tiny = x.lt(F32x4::splat(f32::MIN_POSITIVE));
    let x = tiny.choose(x * F32x4::splat(8_388_608.0), x);
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let n = x.bits().plus(Bits::splat(ROOT_HALF.wrapping_neg())).right(23);
    let m = x.bits().plus((!n).plus(Bits::splat(1)).left(23)).float();
    let e = n.to_f32() - tiny.keep(F32x4::splat(23.0));
    (e, m - F32x4::splat(1.0))
}

/// e ln 2 + ln(1 + f) + more, as FreeBSD's logf: with s = f / (2 + f), ln(1 + f) = f − f²/2 + s (f²/2 + R(s²)).
#[inline(always)]
fn log_near(e: F32x4, f: F32x4, more: F32x4) -> F32x4 {
    let s = f / (F32x4::splat(2.0) + f);
    let z = s * s;
    let r = z * poly(z, [0.242_790_79, 0.284_987_87, 0.400_009_72, 0.666_666_6]);
    let half = F32x4::splat(0.5) * f * f;
    let low = e * F32x4::splat(9.058_001e-6) + more;
    s * (half + r) + low - half + f + e * F32x4::splat(0.693_138_1)
}

/// The logarithm's values where x is not positive and finite.
#[inline(always)]
fn finish_log(x: F32x4, y: F32x4) -> F32x4 {
    let inside = F32x4::ZERO.lt(x) & x.lt(F32x4::splat(f32::INFINITY));
    let below = x.lt(F32x4::ZERO).choose(F32x4::splat(f32::NAN), x);
    let outside = x.eq(F32x4::ZERO).choose(F32x4::splat(f32::NEG_INFINITY), below);
    inside.choose(y, outside)
}

/// ln(1 + eˣ) without overflow.
#[inline(always)]
pub fn softplus(x: F32x4) -> F32x4 {
    x.pmax(F32x4::ZERO) + log1p(exp(-x.abs()))
}

/// A function of each number, in place over whole vectors.
pub type Lanewise = fn(&mut [[f32; 4]]);

/// Applies `f` to a slice of any length; what is left of a last vector is padded with zeros.
pub fn apply(f: Lanewise, x: &mut [f32]) {
    let (whole, rest) = x.as_chunks_mut::<4>();
    f(whole);
    if !rest.is_empty() {
        let mut last = [[0.0; 4]];
        F32x4::load_part(rest).store(&mut last[0]);
        f(&mut last);
        F32x4::load(&last[0]).store_part(rest);
    }
}

/// The loop of a [`Lanewise`] function. Inlined: one loop per function, none of it shared at run time.
#[inline(always)]
pub(crate) fn each(x: &mut [[f32; 4]], f: impl Fn(F32x4) -> F32x4) {
    for v in x {
        f(F32x4::load(v)).store(v);
    }
}

/// A function that changes numbers by what is at the same place of others, over whole vectors.
pub type Pairwise = fn(&[[f32; 4]], &mut [[f32; 4]]);

/// [`apply`] for a function that changes `d` by what is at the same place of `x`.
pub fn apply_pairs(f: Pairwise, x: &[f32], d: &mut [f32]) {
    let (x, x_rest) = x.as_chunks::<4>();
    let (whole, rest) = d.as_chunks_mut::<4>();
    f(x, whole);
    if !rest.is_empty() {
        let (mut last_x, mut last) = ([[0.0; 4]], [[0.0; 4]]);
        F32x4::load_part(x_rest).store(&mut last_x[0]);
        F32x4::load_part(rest).store(&mut last[0]);
        f(&last_x, &mut last);
        F32x4::load(&last[0]).store_part(rest);
    }
}

/// The loop of such a function.
#[inline(always)]
pub(crate) fn each_pair(x: &[[f32; 4]], d: &mut [[f32; 4]], f: impl Fn(F32x4, F32x4) -> F32x4) {
    for (x, d) in x.iter().zip(d) {
        f(F32x4::load(x), F32x4::load(d)).store(d);
    }
}

/// [`exp`] over vectors.
pub fn exp_all(x: &mut [[f32; 4]]) {
    let k = Constants::hidden();
    each(x, |x| exp_by(k, x));
}

/// [`tanh`] over vectors.
pub fn tanh_all(x: &mut [[f32; 4]]) {
    let k = Constants::hidden();
    each(x, |x| tanh_by(k, x));
}

/// [`sigmoid`] over vectors.
pub fn sigmoid_all(x: &mut [[f32; 4]]) {
    let k = Constants::hidden();
    each(x, |x| sigmoid_by(k, x));
}

#[cfg(test)]
#[path = "math/tests.rs"]
mod tests;
