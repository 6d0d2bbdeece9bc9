//! Keras's activations, with Keras 3's default parameters, in place.

use crate::math::{self, Lanewise, apply, each, exp, expm1, sigmoid, softplus, tanh};
use crate::simd::F32x4;
use crate::{ensure, fits, softmax};

crate::numbered! {
    /// An activation function. All but `Softmax`, `LogSoftmax` and `Sparsemax` act on each number by itself.
    pub enum Activation {
        /// x
        Linear,
        /// max(x, 0)
        Relu,
        /// min(max(x, 0), 6)
        Relu6,
        /// x, or 0.2 x below 0
        LeakyRelu,
        /// x, or eˣ − 1 below 0
        Elu,
        /// 1.0507 x, or 1.0507 · 1.67326 (eˣ − 1) below 0
        Selu,
        /// max(x, 0) + e^min(x, 0) − 1
        Celu,
        /// x Φ(x), by the error function
        Gelu,
        /// x Φ(x), by the approximation with tanh
        GeluTanh,
        /// x sigmoid(x)
        Silu,
        /// tanh x
        Tanh,
        /// 1 / (1 + e⁻ˣ)
        Sigmoid,
        /// Keras 3: min(max(x + 3, 0), 6) / 6
        HardSigmoid,
        /// Keras 2: min(max(0.2 x + 0.5, 0), 1)
        HardSigmoidKeras2,
        /// x · hard sigmoid of Keras 3
        HardSilu,
        /// min(max(x, −1), 1)
        HardTanh,
        /// x where |x| > 0.5, else 0
        HardShrink,
        /// x less 0.5 towards 0
        SoftShrink,
        /// x − tanh x
        TanhShrink,
        /// ln(1 + eˣ)
        Softplus,
        /// x / (1 + |x|)
        Softsign,
        /// eˣ
        Exponential,
        /// ln sigmoid(x)
        LogSigmoid,
        /// x tanh(softplus(x))
        Mish,
        /// (x + √(x² + 4)) / 2
        Squareplus,
        /// 0, (x + 1)² / 4 between −1 and 1, then x
        SparsePlus,
        /// 0, (x + 1) / 2 between −1 and 1, then 1
        SparseSigmoid,
        /// eˣ over the row's sum of them
        Softmax,
        /// ln of softmax
        LogSoftmax,
        /// The row's projection onto the simplex
        Sparsemax,
    }
}

impl Activation {
    /// Whether each row is one unit (softmax and its kin).
    pub fn is_row(self) -> bool {
        matches!(self, Activation::Softmax | Activation::LogSoftmax | Activation::Sparsemax)
    }
}

/// Activates rows of `width` in place; for all but the row kinds the rows do not matter.
pub fn activate(kind: Activation, width: usize, x: &mut [f32]) {
    if kind.is_row() {
        let rows = x.len().checked_div(width).unwrap_or(0);
        activate_rows(kind, rows, width, width, x);
    } else {
        apply(lanewise(kind), x);
    }
}

/// Activates `rows` rows of `width` that start `stride` apart, in place; what lies between them is not touched.
pub fn activate_rows(kind: Activation, rows: usize, width: usize, stride: usize, x: &mut [f32]) {
    ensure(fits(x.len(), rows, width, stride) && (rows <= 1 || width <= stride));
    if kind == Activation::Linear || width == 0 {
        return;
    }
    let row: fn(Lanewise, &mut [f32]) = match kind {
        Activation::Softmax => |_, x| softmax::softmax(x),
        Activation::LogSoftmax => |_, x| softmax::log_softmax(x),
        Activation::Sparsemax => |_, x| softmax::sparsemax(x),
        _ => apply,
    };
    let f = lanewise(kind);
    for x in x.chunks_mut(stride.max(1)).take(rows) {
        if let Some(x) = x.get_mut(..width) {
            row(f, x);
        }
    }
}

#[inline(always)]
pub(crate) fn number(x: f32) -> F32x4 {
    F32x4::splat(x)
}

/// max(x, 0), a NaN staying.
#[inline(always)]
fn relu(x: F32x4) -> F32x4 {
    x.pmax(F32x4::ZERO)
}

#[inline(always)]
fn clip(x: F32x4, low: f32, high: f32) -> F32x4 {
    x.pmax(number(low)).pmin(number(high))
}

#[inline(always)]
pub(crate) fn hard_sigmoid(x: F32x4) -> F32x4 {
    clip(x + number(3.0), 0.0, 6.0) / number(6.0)
}

/// `above` where x > 0, else `below`.
#[inline(always)]
pub(crate) fn by_sign(x: F32x4, above: F32x4, below: F32x4) -> F32x4 {
    F32x4::ZERO.lt(x).choose(above, below)
}

/// tanh(softplus(x))
#[inline(always)]
pub(crate) fn mish_factor(x: F32x4) -> F32x4 {
    // With w = e^−|x| no sum cancels and nothing overflows.
    let w = exp(-x.abs());
    let (one, two) = (number(1.0), number(2.0));
    let below = w * (w + two);
    let above = one + two * w;
    let square = w * w;
    by_sign(x, above / (above + two * square), below / (below + two))
}

/// The function of an elementwise kind; the row kinds give the identity.
pub fn lanewise(kind: Activation) -> Lanewise {
    use Activation::*;
    match kind {
        Linear | Softmax | LogSoftmax | Sparsemax => |_| {},
        Relu => |x| each(x, relu),
        Relu6 => |x| each(x, |x| clip(x, 0.0, 6.0)),
        LeakyRelu => |x| each(x, |x| by_sign(x, x, x * number(0.2))),
        Elu | Celu => |x| each(x, |x| by_sign(x, x, expm1(x))),
        Selu => |x| each(x, |x| by_sign(x, x * number(1.050_701), expm1(x) * number(1.758_099_3))),
        Gelu => |x| {
            each(x, |x| {
                number(0.5) * x * (number(1.0) + math::erf(x * number(core::f32::consts::FRAC_1_SQRT_2)))
            })
        },
        GeluTanh => |x| {
            each(x, |x| {
                let inner = number(0.797_884_6) * (x + number(0.044_715) * (x * x * x));
                number(0.5) * x * (number(1.0) + tanh(inner))
            })
        },
        Silu => |x| each(x, |x| x * sigmoid(x)),
        Tanh => math::tanh_all,
        Sigmoid => math::sigmoid_all,
        HardSigmoid => |x| each(x, hard_sigmoid),
        HardSigmoidKeras2 => |x| each(x, |x| clip(x * number(0.2) + number(0.5), 0.0, 1.0)),
        HardSilu => |x| each(x, |x| x * hard_sigmoid(x)),
        HardTanh => |x| each(x, |x| clip(x, -1.0, 1.0)),
        HardShrink => |x| each(x, |x| (!x.abs().le(number(0.5))).keep(x)),
        SoftShrink => |x| each(x, |x| x - clip(x, -0.5, 0.5)),
        TanhShrink => |x| each(x, |x| x - tanh(x)),
        Softplus => |x| each(x, softplus),
        Softsign => |x| each(x, |x| x / (number(1.0) + x.abs())),
        Exponential => math::exp_all,
        LogSigmoid => |x| each(x, |x| -softplus(-x)),
        Mish => |x| each(x, |x| x * mish_factor(x)),
        Squareplus => |x| {
            each(x, |x| {
                // The second form does not cancel below 0.
                let root = (x * x + number(4.0)).sqrt();
                by_sign(x, number(0.5) * (x + root), number(2.0) / (root - x))
            })
        },
        SparsePlus => |x| {
            each(x, |x| {
                let y = clip(x, -1.0, 1.0) + number(1.0);
                number(1.0).lt(x).choose(x, number(0.25) * (y * y))
            })
        },
        SparseSigmoid => |x| each(x, |x| number(0.5) * (clip(x, -1.0, 1.0) + number(1.0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use layer_rnn_testkit::{close, naive, random::Random};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn every_kind_matches_its_definition() {
        let mut random = Random::new(1);
        for width in [1, 3, 4, 7, 13] {
            let mut x = random.numbers(5 * width, 4.0);
            x.iter_mut().step_by(5).for_each(|x| *x *= 8.0);
            x[0] = 0.0;
            for &kind in Activation::ALL {
                let mut y = x.clone();
                activate(kind, width, &mut y);
                let want = naive::activation(&format!("{kind:?}"), width, &x);
                close(&y, &want, 4e-7, 2e-6, &format!("{kind:?}"));
            }
        }
    }

    #[test]
    fn rows_apart_leave_the_rest_alone() {
        let mut random = Random::new(2);
        let x = random.numbers(3 * 11, 2.0);
        for &kind in Activation::ALL {
            let mut y = x.clone();
            activate_rows(kind, 3, 7, 11, &mut y);
            for row in 0..3 {
                let mut alone = x[row * 11..row * 11 + 7].to_vec();
                activate(kind, 7, &mut alone);
                assert_eq!(y[row * 11..row * 11 + 7], alone, "{kind:?}");
                assert_eq!(y[row * 11 + 7..row * 11 + 11], x[row * 11 + 7..row * 11 + 11], "{kind:?}");
            }
        }
    }

    #[test]
    fn not_a_number_stays_so() {
        for &kind in Activation::ALL {
            let mut x = [1.0, f32::NAN, -1.0];
            activate(kind, 3, &mut x);
            assert!(x[1].is_nan(), "{kind:?}");
            assert!(kind.is_row() || !x[0].is_nan() && !x[2].is_nan(), "{kind:?}");
        }
    }

    #[test]
    fn numbers_name_the_kinds() {
        for (n, &kind) in Activation::ALL.iter().enumerate() {
            assert_eq!(Activation::from_u32(n as u32), Some(kind));
            assert_eq!(kind as usize, n);
        }
        assert_eq!(Activation::from_u32(Activation::ALL.len() as u32), None);
    }
}
