//! Only for tests: naive references in f64, comparisons, and random numbers that are the same everywhere.

pub mod naive;
pub mod random;
pub mod ulp;

/// Panics unless every `got` is within `absolute + relative · |want|` of `want`; NaN equals NaN, infinities themselves.
#[track_caller]
pub fn close(got: &[f32], want: &[f64], absolute: f64, relative: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let same = f64::from(got) == want
            || got.is_nan() && want.is_nan()
            || (f64::from(got) - want).abs() <= absolute + relative * want.abs();
        assert!(same, "{what}: element {i} is {got}, expected {want}");
    }
}
