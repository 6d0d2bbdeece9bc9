//! Distances in units of the last place.

/// |got − want| in ulps of an f32 of `want`'s size (subnormal: 2⁻¹⁴⁹). Infinite when only one is NaN or infinite.
pub fn distance(got: f32, want: f64) -> f64 {
    if got.is_nan() && want.is_nan() || f64::from(got) == want || got == want as f32 {
        // Rounded as well as can be: half an ulp or less.
        return if got.is_finite() { (f64::from(got) - want).abs() / ulp(want) } else { 0.0 };
    }
    if got.is_nan() || want.is_nan() {
        return f64::INFINITY;
    }
    if got.is_infinite() {
        // Overflow is as far as its neighbour below, 2¹²⁸, stands for.
        return (2f64.powi(128).copysign(f64::from(got)) - want).abs() / ulp(want);
    }
    (f64::from(got) - want).abs() / ulp(want)
}

/// The distance between neighbouring f32 numbers around `x`.
pub fn ulp(x: f64) -> f64 {
    let exponent = ((x.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    2f64.powi(exponent.clamp(-126, 127) - 23)
}

/// Whether `got` is within `ulps` of `want` where `want` is a normal f32, and within 2⁻¹²⁶ where it is smaller.
pub fn within(got: f32, want: f64, ulps: f64) -> bool {
    if want.abs() < f64::from(f32::MIN_POSITIVE) {
        return (f64::from(got) - want).abs() <= f64::from(f32::MIN_POSITIVE);
    }
    distance(got, want) <= ulps
}
