//! exp, log, tanh, sigmoid and their kin on four lanes: at most 2 ULP from the true value where the result is a normal
//! number (exhaustively tested for the first four), at most 2⁻¹²⁶ away where it is not. A NaN stays a NaN, infinities
//! go where the limit is, |tanh| ≤ 1 and 0 ≤ sigmoid ≤ 1.
//!
//! All start from one reduction: x = n ln 2 + r with |r| ≤ ln 2 / 2, and a polynomial for eʳ − 1.

mod invert;
pub mod wide;

pub use invert::{erf, erf_inv};

use crate::simd::{Bits, F32x4, poly};

const LOG2_E: f32 = core::f32::consts::LOG2_E;
/// ln 2 in two parts; the first has so few digits that n times it is exact.
const LN2_HIGH: f32 = 0.693_359_4;
const LN2_LOW: f32 = -2.121_944_4e-4;
/// Adding 1.5 · 2²³ rounds to an integer and leaves it in the low bits.
const ROUND: f32 = 12_582_912.0;
/// eʳ − 1 ≈ r + r² P(r), relative error 0.23 · 2⁻²⁴ for |r| ≤ ln 2 / 2 (a minimax fit of eʳ − 1's relative error).
const EXPM1: [f32; 5] = [
    1.387_028_5e-3,
    8.366_253e-3,
    4.166_744e-2,
    1.666_654_6e-1,
    4.999_999_7e-1,
];

/// `n` still with [`ROUND`] added (its low bits are the integer), and eʳ − 1, for `x = n ln 2 + r`.
#[inline(always)]
fn reduce(x: F32x4, scaled: F32x4) -> (Bits, F32x4) {
    let rounded = scaled + F32x4::splat(ROUND);
    let n = rounded - F32x4::splat(ROUND);
    // What the low part of n ln 2 takes joins the small terms: one rounding less.
    let (high, low) = (x - n * F32x4::splat(LN2_HIGH), n * F32x4::splat(LN2_LOW));
    let r = high - low;
    (rounded.bits(), (r * r * poly(r, EXPM1) - low) + high)
}

/// 2ⁿ⁺ᵇⁱᵃˢ, for n as [`reduce`] gives it; infinity for an exponent of 128, 0 for −127.
#[inline(always)]
fn power(n: Bits, bias: i32) -> F32x4 {
    n.left(23)
        .plus(Bits::splat(((127 + bias) as u32) << 23))
        .float()
}

/// eˣ. Results below 2⁻¹²⁶ are 0.
#[inline(always)]
pub fn exp(x: F32x4) -> F32x4 {
    let (n, q) = reduce(x, x * F32x4::splat(LOG2_E));
    // The exponent is added to the bits: 2¹²⁸ does not exist, a number between 2¹²⁷ and 2¹²⁸ does.
    let y = (q + F32x4::splat(1.0)).bits().plus(n.left(23)).float();
    let most = F32x4::splat(88.722_83); // the last before overflow
    let y = x.le(most).choose(y, x + F32x4::splat(f32::INFINITY));
    (!x.lt(F32x4::splat(-87.336_54))).keep(y)
}

/// eˣ − 1.
#[inline(always)]
pub fn expm1(x: F32x4) -> F32x4 {
    let x = x.pmin(F32x4::splat(89.0)).pmax(F32x4::splat(-20.0));
    let (n, q) = reduce(x, x * F32x4::splat(LOG2_E));
    // Halved, so that 2¹²⁸ need not exist.
    let half = power(n, -1);
    let y = half * q + (half - F32x4::splat(0.5));
    y + y
}

/// tanh x = (e²ˣ − 1) / (e²ˣ + 1).
#[inline(always)]
pub fn tanh(x: F32x4) -> F32x4 {
    // From 10 on the quotient is 1 exactly.
    let a = x.abs().pmin(F32x4::splat(10.0));
    let (n, q) = reduce(a + a, a * F32x4::splat(2.0 * LOG2_E));
    let s = power(n, 0);
    let t = s * q + (s - F32x4::splat(1.0));
    (t / (t + F32x4::splat(2.0))).copysign(x)
}

/// 1 / (1 + e⁻ˣ).
#[inline(always)]
pub fn sigmoid(x: F32x4) -> F32x4 {
    // Numerator and denominator carry 2⁻²⁴, so that 2ⁿ stays in range until the quotient is 0.
    const SCALE: f32 = 1.0 / 16_777_216.0;
    let y = (-x).pmin(F32x4::splat(104.5)).pmax(F32x4::splat(-70.0));
    let (n, q) = reduce(y, y * F32x4::splat(LOG2_E));
    let s = power(n, -24);
    F32x4::splat(SCALE) / (s * q + F32x4::splat(SCALE) + s)
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
    let n = x
        .bits()
        .plus(Bits::splat(ROOT_HALF.wrapping_neg()))
        .right(23);
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
    let outside = x
        .eq(F32x4::ZERO)
        .choose(F32x4::splat(f32::NEG_INFINITY), below);
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

/// [`exp`] over vectors.
pub fn exp_all(x: &mut [[f32; 4]]) {
    each(x, exp);
}

/// [`tanh`] over vectors.
pub fn tanh_all(x: &mut [[f32; 4]]) {
    each(x, tanh);
}

/// [`sigmoid`] over vectors.
pub fn sigmoid_all(x: &mut [[f32; 4]]) {
    each(x, sigmoid);
}

#[cfg(test)]
#[path = "math/tests.rs"]
mod tests;
