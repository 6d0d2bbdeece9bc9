//! What the kernels compute, written as in a textbook, in f64.

use ndarray::{Array2, ArrayView2, Axis};

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| f64::from(x)).collect()
}

/// `a[m, k] · b[k, n]`.
pub fn gemm(m: usize, k: usize, n: usize, a: &[f32], b: &[f32]) -> Vec<f64> {
    let (a, b) = (wide(&a[..m * k]), wide(&b[..k * n]));
    let a = ArrayView2::from_shape((m, k), &a).expect("a is [m, k]");
    let b = ArrayView2::from_shape((k, n), &b).expect("b is [k, n]");
    a.dot(&b).into_raw_vec_and_offset().0
}

/// The error function by its series of positive terms: 2x/√π e^−x² Σ (2x²)ⁱ / (2i + 1)!!.
pub fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut i) = (1.0, 0.0, 1.0);
    while term > sum * 1e-18 {
        sum += term;
        term *= 2.0 * x * x / (2.0 * i + 1.0);
        i += 1.0;
    }
    2.0 * x / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

/// 1 / (1 + e⁻ˣ).
pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// An activation by its Rust name, on rows of `width`; rows that are cut short are left as they are.
pub fn activation(name: &str, width: usize, x: &[f32]) -> Vec<f64> {
    activation_wide(name, width, wide(x))
}

/// [`activation`] of numbers in f64.
pub fn activation_wide(name: &str, width: usize, mut y: Vec<f64>) -> Vec<f64> {
    match name {
        "Softmax" | "LogSoftmax" | "Sparsemax" => {
            let rows = y.len() / width;
            let mut y = Array2::from_shape_vec((rows, width), y).expect("whole rows");
            for mut row in y.axis_iter_mut(Axis(0)) {
                let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = row.iter().map(|x| (x - most).exp()).sum();
                match name {
                    "Softmax" => row.mapv_inplace(|x| (x - most).exp() / sum),
                    "LogSoftmax" => row.mapv_inplace(|x| x - most - sum.ln()),
                    _ => {
                        let tau = sparsemax_threshold(&row.to_vec());
                        row.mapv_inplace(|x| (x - tau).max(0.0));
                    }
                }
            }
            y.into_raw_vec_and_offset().0
        }
        _ => {
            y.iter_mut().for_each(|x| *x = scalar(name, *x));
            y
        }
    }
}

/// By sorting, as Keras does.
fn sparsemax_threshold(x: &[f64]) -> f64 {
    let mut sorted = x.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut tau) = (0.0, 0.0);
    for (i, x) in sorted.iter().enumerate() {
        sum += x;
        if x - (sum - 1.0) / (i + 1) as f64 > 0.0 {
            tau = (sum - 1.0) / (i + 1) as f64;
        }
    }
    tau
}

fn scalar(name: &str, x: f64) -> f64 {
    const SCALE: f64 = 1.050_700_987_355_480_5;
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    let hard_sigmoid = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match name {
        "Linear" => x,
        "Relu" => x.max(0.0),
        "Relu6" => x.clamp(0.0, 6.0),
        "LeakyRelu" => x.max(0.0) + 0.2 * x.min(0.0),
        "Elu" | "Celu" => x.max(0.0) + x.min(0.0).exp_m1(),
        "Selu" => SCALE * (x.max(0.0) + ALPHA * x.min(0.0).exp_m1()),
        "Gelu" => 0.5 * x * (1.0 + erf(x * std::f64::consts::FRAC_1_SQRT_2)),
        "GeluTanh" => {
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3));
            0.5 * x * (1.0 + inner.tanh())
        }
        "Silu" => x * sigmoid(x),
        "Tanh" => x.tanh(),
        "Sigmoid" => sigmoid(x),
        "HardSigmoid" => hard_sigmoid,
        "HardSigmoidKeras2" => (0.2 * x + 0.5).clamp(0.0, 1.0),
        "HardSilu" => x * hard_sigmoid,
        "HardTanh" => x.clamp(-1.0, 1.0),
        "HardShrink" => {
            if x.abs() > 0.5 {
                x
            } else {
                0.0
            }
        }
        "SoftShrink" => x - x.clamp(-0.5, 0.5),
        "TanhShrink" => x - x.tanh(),
        "Softplus" => softplus(x),
        "Softsign" => x / (1.0 + x.abs()),
        "Exponential" => x.exp(),
        "LogSigmoid" => -softplus(-x),
        "Mish" => x * softplus(x).tanh(),
        "Squareplus" => (x + (x * x + 4.0).sqrt()) / 2.0,
        "SparsePlus" => {
            if x < 1.0 {
                (x.max(-1.0) + 1.0).powi(2) / 4.0
            } else {
                x
            }
        }
        "SparseSigmoid" => 0.5 * (x.clamp(-1.0, 1.0) + 1.0),
        _ => panic!("no reference for {name}"),
    }
}
