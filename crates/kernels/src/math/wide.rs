//! sin, cos and powers, a number at a time in f64: rounded once, so within 1 ULP. Rare enough that speed is not theirs.

use crate::simd::{Bits, F32x4};

/// Adding 1.5 · 2⁵² rounds to an integer.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// The sine of `x` in radians; NaN at infinity.
pub fn sin(x: f32) -> f32 {
    let (quadrant, r) = reduce(x);
    quarter(quadrant, r)
}

/// The cosine of `x` in radians; NaN at infinity.
pub fn cos(x: f32) -> f32 {
    let (quadrant, r) = reduce(x);
    quarter(quadrant.wrapping_add(1), r)
}

/// sin(r + quadrant · π/2) for |r| ≤ π/4 (FreeBSD's kernels for float results).
fn quarter(quadrant: u32, r: f64) -> f32 {
    let z = r * r;
    let w = z * z;
    let y = if quadrant & 1 == 0 {
        let high = -0.000_198_393_348_360_966_32 + z * 2.718_311_493_989_822e-6;
        let s = z * r;
        (r + s * (-0.166_666_666_416_265_24 + z * 0.008_333_329_385_889_463)) + s * w * high
    } else {
        let high = -0.001_388_676_377_460_993 + z * 0.000_024_390_448_796_277_41;
        ((1.0 + z * -0.499_999_997_251_031) + w * 0.041_666_623_323_739_06) + w * z * high
    };
    (if quadrant & 2 == 0 { y } else { -y }) as f32
}

/// x as quadrant · π/2 + r.
fn reduce(x: f32) -> (u32, f64) {
    let wide = f64::from(x);
    if x.abs() < 1e8 {
        let n = wide * core::f64::consts::FRAC_2_PI + ROUND - ROUND;
        let r = wide - n * 1.570_796_310_901_641_8 - n * 1.589_325_477_352_819_6e-8;
        return (n as i32 as u32, r);
    }
    if !x.is_finite() {
        return (0, f64::NAN);
    }
    // x = m · 2^e with 24 digits of m: the product with the digits of 2/π that matter, modulo 4.
    const TWO_OVER_PI: [u32; 8] =
        [0, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041, 0xfe51_63ab];
    let e = ((x.to_bits() >> 23) & 0xff) as usize - 150; // x >= 2^26 here, so e >= 3
    let m = u128::from(x.to_bits() & 0x7f_ffff | 0x80_0000);
    let (word, shift) = (e / 32, e % 32);
    let at = |i: usize| u128::from(TWO_OVER_PI[word + i]);
    // 32 digits before the point and 96 after it; those that overflow would not change the quadrant.
    let window = (at(0) << 96 | at(1) << 64 | at(2) << 32 | at(3)) << shift | at(4) >> (32 - shift);
    let product = m.wrapping_mul(window);
    let quadrant = (product >> 96) as u32;
    let fraction = (product >> 32) as u64;
    // To the nearest quadrant: a fraction of a half or more counts from above.
    let quadrant = quadrant.wrapping_add((fraction >> 63) as u32);
    let r = fraction as i64 as f64 * (core::f64::consts::FRAC_PI_2 / 18_446_744_073_709_551_616.0);
    if x < 0.0 { (quadrant.wrapping_neg(), -r) } else { (quadrant, r) }
}

/// `x` to the power `y`, with C's rules: x⁰ = 1, 1ʸ = 1, NaN for a negative base with a power that is no integer.
pub fn pow(x: f32, y: f32) -> f32 {
    if y == 0.0 || x == 1.0 {
        return 1.0;
    }
    if x.is_nan() || y.is_nan() {
        return f32::NAN;
    }
    let whole = y.abs() >= 8_388_608.0 || y as i32 as f32 == y;
    let odd = whole && y.abs() < 16_777_216.0 && y as i32 & 1 == 1;
    let negative = x.is_sign_negative();
    let magnitude = power(f64::from(x.abs()), f64::from(y));
    match (negative, odd) {
        (true, true) => -magnitude,
        (true, false) if !whole && x != 0.0 && x.is_finite() => f32::NAN,
        _ => magnitude,
    }
}

/// aʸ for a ≥ 0 as 2^(y log2 a), its relative error far below f32's.
fn power(a: f64, y: f64) -> f32 {
    if a == 1.0 {
        return 1.0;
    }
    if a == 0.0 || a == f64::INFINITY {
        return if (a == 0.0) == (y > 0.0) { 0.0 } else { f32::INFINITY };
    }
    // a = 2^e m, m between √½ and √2; every f32 is normal in f64.
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    let e = (a.to_bits().wrapping_sub(ROOT_HALF) as i64) >> 52;
    let m = f64::from_bits(a.to_bits().wrapping_sub((e as u64) << 52));
    // ln m = 2 artanh s
    let s = (m - 1.0) / (m + 1.0);
    let z = s * s;
    let mut sum = 0.0;
    for odd in [17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        sum = sum * z + 1.0 / odd;
    }
    let t = y * (e as f64 + 2.0 * core::f64::consts::LOG2_E * s * sum);
    if t >= 128.0 {
        return f32::INFINITY;
    }
    if t < -150.0 {
        return 0.0;
    }
    // 2^t = 2^n e^r
    let n = t + ROUND - ROUND;
    let r = (t - n) * core::f64::consts::LN_2;
    let mut sum = 1.0;
    for k in [11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0] {
        sum = sum * r / k + 1.0;
    }
    (sum * f64::from_bits(((1023 + n as i64) as u64) << 52)) as f32
}

/// Each lane of `x` by a function of one number.
#[inline(always)]
pub(crate) fn lanes(x: F32x4, f: fn(f32) -> f32) -> F32x4 {
    F32x4::load(&x.to_array().map(f))
}

/// x − y ⌊x / y⌋ exactly, with the sign of `y` (Python's and Keras's `%`); NaN for y = 0.
pub fn modulo(x: f32, y: f32) -> f32 {
    let r = remainder(x, y);
    if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
}

/// What is left of x, with its sign, when y has been taken away as often as it goes in; exact.
fn remainder(x: f32, y: f32) -> f32 {
    let (mut rest, y) = (f64::from(x.abs()), f64::from(y.abs()));
    if rest == f64::INFINITY || y == 0.0 {
        return f32::NAN;
    }
    while rest >= y {
        // y · 2ᵏ, the largest that goes in: the difference of two so near each other is exact
        const EXPONENT: u64 = 0x7ff << 52;
        let power = (rest.to_bits() & EXPONENT) - (y.to_bits() & EXPONENT);
        let part = f64::from_bits(y.to_bits() + power);
        rest -= if part > rest { part * 0.5 } else { part };
    }
    let rest = if y.is_nan() { f32::NAN } else { rest as f32 };
    rest.copysign(x)
}

/// sign of x: −1, 0 or 1; NaN stays.
#[inline(always)]
pub(crate) fn sign(x: F32x4) -> F32x4 {
    let one = Bits::splat(1f32.to_bits()).float();
    x.ne(F32x4::ZERO).choose(x.eq(x).choose(one.copysign(x), x), F32x4::ZERO)
}
