//! Derivatives of the activations: one table, for whole values and for the cells' gates.
//!
//! Most take the activation's output, six kinds need what went in ([`Activation::derives_from_input`]). Where a function has a kink
//! its derivative is that of TensorFlow's kernels: of the side that is flat or, for `elu` and its kin, of the right side.

use crate::activation::{Activation, by_sign, hard_sigmoid, mish_factor, number};
use crate::math::{Pairwise, apply, apply_pairs, each_pair, erf, exp, exp_all, expm1, sigmoid, tanh};
use crate::reduce::{Reduce, fold};
use crate::simd::{Bits, F32x4};
use crate::vector::{axpy, dot};
use crate::{ensure, fits};

impl Activation {
    /// Is the derivative a function of the input, not of the output?
    pub fn derives_from_input(self) -> bool {
        use Activation::*;
        matches!(self, Gelu | GeluTanh | Silu | HardSilu | TanhShrink | Mish)
    }
}

/// `d` times the derivative, in place, for rows of `width`; `at` is the activation's input where the kind
/// [derives from it](Activation::derives_from_input), else its output.
pub fn derive(kind: Activation, width: usize, at: &[f32], d: &mut [f32]) {
    let (rows, width) =
        if kind.is_row() { (d.len().checked_div(width).unwrap_or(0), width) } else { (1, d.len()) };
    derive_rows(kind, rows, width, at, width, d, width);
}

/// [`derive`] for rows that start `lda` and `ldd` apart; what lies between them is not touched.
pub fn derive_rows(
    kind: Activation,
    rows: usize,
    width: usize,
    at: &[f32],
    lda: usize,
    d: &mut [f32],
    ldd: usize,
) {
    ensure(fits(at.len(), rows, width, lda) && fits(d.len(), rows, width, ldd));
    ensure(rows <= 1 || width <= ldd);
    if kind == Activation::Linear || width == 0 {
        return;
    }
    let row: fn(Pairwise, &[f32], &mut [f32]) = match kind {
        Activation::Softmax => |_, y, d| softmax(y, d),
        Activation::LogSoftmax => |_, y, d| log_softmax(y, d),
        Activation::Sparsemax => |_, y, d| sparsemax(y, d),
        _ => apply_pairs,
    };
    let f = lanewise(kind);
    for (at, d) in at.chunks(lda.max(1)).zip(d.chunks_mut(ldd.max(1))).take(rows) {
        if let (Some(at), Some(d)) = (at.get(..width), d.get_mut(..width)) {
            row(f, at, d);
        }
    }
}

/// y (d − Σ y d)
fn softmax(y: &[f32], d: &mut [f32]) {
    let sum = dot(y, d);
    d.iter_mut().zip(y).for_each(|(d, y)| *d = y * (*d - sum));
}

/// d − eʸ Σ d
fn log_softmax(y: &[f32], d: &mut [f32]) {
    let sum = fold(Reduce::Sum, d);
    let mut block = [0.0; 256];
    for (y, d) in y.chunks(256).zip(d.chunks_mut(256)) {
        let block = &mut block[..y.len()];
        block.copy_from_slice(y);
        apply(exp_all, block);
        axpy(-sum, block, d);
    }
}

/// Where y > 0 d less its mean there, else 0.
fn sparsemax(y: &[f32], d: &mut [f32]) {
    let (mut sum, mut count) = (0.0, 0.0);
    for (y, d) in y.iter().zip(d.iter()) {
        if *y > 0.0 {
            sum += d;
            count += 1.0;
        }
    }
    let mean = sum / count;
    d.iter_mut().zip(y).for_each(|(d, y)| *d = if *y > 0.0 { *d - mean } else { 0.0 });
}

/// Is `y` strictly between?
#[inline(always)]
fn between(low: f32, y: F32x4, high: f32) -> Bits {
    number(low).lt(y) & y.lt(number(high))
}

/// What an elementwise kind makes of (input or output, d); the row kinds change nothing.
fn lanewise(kind: Activation) -> Pairwise {
    use Activation::*;
    match kind {
        Linear | Softmax | LogSoftmax | Sparsemax => |_, _| {},
        Relu => |y, d| each_pair(y, d, |y, d| F32x4::ZERO.lt(y).keep(d)),
        Relu6 => |y, d| each_pair(y, d, |y, d| between(0.0, y, 6.0).keep(d)),
        LeakyRelu => |y, d| each_pair(y, d, |y, d| by_sign(y, d, d * number(0.2))),
        Elu | Celu => |y, d| each_pair(y, d, |y, d| by_sign(y, d, d * (y + number(1.0)))),
        Selu => |y, d| {
            each_pair(y, d, |y, d| d * y.lt(F32x4::ZERO).choose(y + number(1.758_099_3), number(1.050_701)))
        },
        Gelu => |x, d| {
            each_pair(x, d, |x, d| {
                let normal = number(0.398_942_3) * exp(number(-0.5) * (x * x));
                let below = number(0.5) + number(0.5) * erf(x * number(core::f32::consts::FRAC_1_SQRT_2));
                d * (below + x * normal)
            })
        },
        GeluTanh => |x, d| {
            each_pair(x, d, |x, d| {
                let square = x * x;
                let t = tanh(number(0.797_884_6) * (x + number(0.044_715) * (square * x)));
                let slope = number(0.797_884_6) * (number(1.0) + number(0.134_145) * square);
                d * (number(0.5) * ((number(1.0) + t) + x * ((number(1.0) - t * t) * slope)))
            })
        },
        Silu => |x, d| {
            each_pair(x, d, |x, d| {
                let s = sigmoid(x);
                d * (s * (number(1.0) + x * (number(1.0) - s)))
            })
        },
        Tanh => |y, d| each_pair(y, d, tanh_times),
        Sigmoid => |y, d| each_pair(y, d, sigmoid_times),
        HardSigmoid => |y, d| each_pair(y, d, |y, d| between(0.0, y, 1.0).keep(d / number(6.0))),
        HardSigmoidKeras2 => |y, d| each_pair(y, d, |y, d| between(0.0, y, 1.0).keep(d * number(0.2))),
        HardSilu => {
            |x, d| each_pair(x, d, |x, d| d * (hard_sigmoid(x) + between(-3.0, x, 3.0).keep(x / number(6.0))))
        }
        HardTanh => |y, d| each_pair(y, d, |y, d| between(-1.0, y, 1.0).keep(d)),
        HardShrink | SoftShrink => |y, d| each_pair(y, d, |y, d| y.ne(F32x4::ZERO).keep(d)),
        TanhShrink => |x, d| {
            each_pair(x, d, |x, d| {
                let t = tanh(x);
                d * (t * t)
            })
        },
        Softplus => |y, d| each_pair(y, d, |y, d| -(d * expm1(-y))),
        Softsign => |y, d| {
            each_pair(y, d, |y, d| {
                let root = number(1.0) - y.abs();
                d * (root * root)
            })
        },
        Exponential => |y, d| each_pair(y, d, |y, d| d * y),
        LogSigmoid => |y, d| each_pair(y, d, |y, d| -(d * expm1(y))),
        Mish => |x, d| {
            each_pair(x, d, |x, d| {
                let (t, w) = (mish_factor(x), exp(-x.abs()));
                let s = by_sign(x, number(1.0), w) / (number(1.0) + w);
                d * (t + x * (s * (number(1.0) - t * t)))
            })
        },
        Squareplus => |y, d| {
            each_pair(y, d, |y, d| {
                let square = y * y;
                d * (square / (square + number(1.0)))
            })
        },
        SparsePlus => |y, d| each_pair(y, d, |y, d| d * y.pmin(number(1.0)).sqrt()),
        SparseSigmoid => |y, d| each_pair(y, d, |y, d| between(0.0, y, 1.0).keep(d * number(0.5))),
    }
}

/// d times the derivative of tanh, whose value is y.
#[inline(always)]
pub(crate) fn tanh_times(y: F32x4, d: F32x4) -> F32x4 {
    d * (number(1.0) - y * y)
}

/// d times the derivative of sigmoid, whose value is y.
#[inline(always)]
pub(crate) fn sigmoid_times(y: F32x4, d: F32x4) -> F32x4 {
    d * (y * (number(1.0) - y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::activate;
    use layer_rnn_testkit::{close, naive, random::Random};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Numbers that keep away from kinks, and rows whose sparsemax has no element near the edge.
    fn inputs(count: usize) -> Vec<f32> {
        let mut random = Random::new(7);
        let near = |x: f32| [-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0].iter().any(|k| (x - k).abs() < 1e-3);
        (0..count)
            .map(|_| {
                loop {
                    let x = random.number(4.0) * if random.below(4) == 0 { 3.0 } else { 1.0 };
                    if !near(x) {
                        return x;
                    }
                }
            })
            .collect()
    }

    #[test]
    fn every_kind_is_the_slope_of_its_function() {
        const H: f64 = 1e-6;
        for width in [1, 3, 4, 7, 13] {
            let x = inputs(5 * width);
            let d = Random::new(8).numbers(x.len(), 1.0);
            for &kind in Activation::ALL {
                let name = format!("{kind:?}");
                let mut y = x.clone();
                activate(kind, width, &mut y);
                let mut got = d.clone();
                derive(kind, width, if kind.derives_from_input() { &x } else { &y }, &mut got);
                let wide: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                let want: Vec<f64> = (0..x.len())
                    .map(|i| {
                        let side = |by: f64| {
                            let mut x = wide.clone();
                            x[i] += by;
                            naive::activation_wide(&name, width, x)
                        };
                        let (above, below) = (side(H), side(-H));
                        let slopes = above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * H));
                        slopes.zip(&d).map(|(slope, &d)| slope * f64::from(d)).sum()
                    })
                    .collect();
                close(&got, &want, 1e-6, 2e-6, &name);
            }
        }
    }

    #[test]
    fn rows_apart_leave_the_rest_alone() {
        let (at, d) = (inputs(3 * 9), inputs(3 * 11));
        for &kind in Activation::ALL {
            let mut got = d.clone();
            derive_rows(kind, 3, 7, &at, 9, &mut got, 11);
            for row in 0..3 {
                let mut alone = d[row * 11..row * 11 + 7].to_vec();
                derive(kind, 7, &at[row * 9..row * 9 + 7], &mut alone);
                let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&got[row * 11..row * 11 + 7]), bits(&alone), "{kind:?}");
                assert_eq!(got[row * 11 + 7..row * 11 + 11], d[row * 11 + 7..row * 11 + 11], "{kind:?}");
            }
        }
    }

    #[test]
    fn kinks_take_the_side_that_keras_takes() {
        use Activation::*;
        let at_zero = |kind: Activation| {
            let mut d = [1.0];
            derive(kind, 1, &[0.0], &mut d);
            d[0]
        };
        for (kind, want) in [(Relu, 0.0), (Relu6, 0.0), (LeakyRelu, 0.2), (Elu, 1.0), (Selu, 1.050_701)] {
            assert_eq!(at_zero(kind), want, "{kind:?}");
        }
    }
}
