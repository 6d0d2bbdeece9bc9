//! Convolutions against sums in f64; how they treat rows; their errors.

mod support;

use layer_rnn_engine::{Binary, Dtype, Emit, Error, Op, Part};
use support::{Lab, bits, numbers};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const VALID: u32 = 0;
const SAME: u32 = 1;
const CAUSAL: u32 = 2;

/// Size, stride, dilation of the kernel, size of the input.
type Axis = [usize; 4];

struct Case {
    batch: usize,
    cin: usize,
    cout: usize,
    padding: u32,
    axes: Vec<Axis>,
    x: Vec<f32>,
    kernel: Vec<f32>,
    bias: Vec<f32>,
}

impl Case {
    fn new(batch: usize, cin: usize, cout: usize, padding: u32, axes: &[Axis]) -> Case {
        let inputs: usize = axes.iter().map(|axis| axis[3]).product();
        let places: usize = axes.iter().map(|axis| axis[0]).product();
        let x = numbers(batch * inputs * cin, 1);
        let kernel = numbers(places * cin * cout, 2);
        Case { batch, cin, cout, padding, axes: axes.into(), x, kernel, bias: numbers(cout, 3) }
    }

    fn x_dims(&self) -> Vec<i32> {
        let sizes = self.axes.iter().map(|axis| axis[3]);
        [self.batch].into_iter().chain(sizes).chain([self.cin]).map(|n| n as i32).collect()
    }

    /// Output size, and zeros in front, by TensorFlow's formulas.
    fn padded(&self, &[k, s, d, n]: &Axis) -> (usize, i64) {
        let reach = (k - 1) * d;
        match self.padding {
            VALID => ((n - reach).div_ceil(s), 0),
            SAME => {
                let out = n.div_ceil(s);
                let total = (out as i64 - 1) * s as i64 + reach as i64 + 1 - n as i64;
                (out, total.max(0) / 2)
            }
            _ => (n.div_ceil(s), reach as i64),
        }
    }

    fn naive(&self) -> Vec<f64> {
        let three = |axes: &[Axis]| -> [Axis; 3] {
            let mut all = [[1, 1, 1, 1]; 3];
            all[3 - axes.len()..].copy_from_slice(axes);
            all
        };
        let axes = three(&self.axes);
        let out = axes.each_ref().map(|axis| self.padded(axis));
        let mut y = Vec::new();
        for b in 0..self.batch {
            for at in 0..out[0].0 * out[1].0 * out[2].0 {
                let o = [at / (out[1].0 * out[2].0), at / out[2].0 % out[1].0, at % out[2].0];
                for column in 0..self.cout {
                    let mut sum = f64::from(self.bias[column]);
                    for place in 0..axes.iter().map(|axis| axis[0]).product() {
                        let p = [
                            place / (axes[1][0] * axes[2][0]),
                            place / axes[2][0] % axes[1][0],
                            place % axes[2][0],
                        ];
                        let i: [i64; 3] = std::array::from_fn(|a| {
                            (o[a] * axes[a][1] + p[a] * axes[a][2]) as i64 - out[a].1
                        });
                        if (0..3).any(|a| i[a] < 0 || i[a] >= axes[a][3] as i64) {
                            continue;
                        }
                        let i = i.map(|i| i as usize);
                        let from = ((b * axes[0][3] + i[0]) * axes[1][3] + i[1]) * axes[2][3] + i[2];
                        for c in 0..self.cin {
                            let w = self.kernel[(place * self.cin + c) * self.cout + column];
                            sum += f64::from(self.x[from * self.cin + c]) * f64::from(w);
                        }
                    }
                    y.push(sum);
                }
            }
        }
        y
    }

    fn attrs(&self) -> Vec<u32> {
        let axes = self.axes.iter().flat_map(|&[k, s, d, _]| [k as u32, s as u32, d as u32]);
        [self.padding, 3 * self.axes.len() as u32].into_iter().chain(axes).collect()
    }

    /// The op, of some rows of x.
    fn run(&self, rows: std::ops::Range<usize>) -> Vec<f32> {
        let mut lab = Lab::new();
        let mut dims = self.x_dims();
        let width = self.x.len() / self.batch;
        let unknown: Vec<i32> = (0..dims.len() as i32).map(|axis| -1 - axis).collect();
        let x = lab.input(Dtype::Float32, &unknown);
        let patch = (self.kernel.len() / self.cout) as i32;
        let kernel = lab.variable(&[patch, self.cout as i32], &self.kernel);
        let bias = lab.variable(&[self.cout as i32], &self.bias);
        let y = lab.op(Op::Conv, &[x, kernel, bias], &self.attrs());
        let program = lab.finish(&[y], &[]);
        dims[0] = rows.len() as i32;
        let x = lab.tensor(Dtype::Float32, &dims, &self.x[rows.start * width..rows.end * width]);
        lab.run(program, &[x]).unwrap().remove(0)
    }

    fn check(&self) {
        let y = self.run(0..self.batch);
        let want = self.naive();
        assert_eq!(y.len(), want.len());
        for (at, (&y, want)) in y.iter().zip(want).enumerate() {
            let error = (f64::from(y) - want).abs();
            assert!(error < 1e-5 * (1.0 + want.abs()), "{:?} [{at}]: {y}, not {want}", self.axes);
        }
        let one_by_one: Vec<f32> = (0..self.batch).flat_map(|row| self.run(row..row + 1)).collect();
        assert_eq!(bits(&one_by_one), bits(&y), "{:?}: rows alone", self.axes);
    }
}

#[test]
fn along_one_axis() {
    for padding in [VALID, SAME, CAUSAL] {
        for size in [1, 2, 3, 5] {
            for stride in [1, 2, 3] {
                for dilation in [1, 2] {
                    Case::new(2, 3, 5, padding, &[[size, stride, dilation, 11]]).check();
                }
            }
        }
        Case::new(1, 1, 1, padding, &[[1, 1, 1, 1]]).check();
    }
    // a kernel longer than the input, all in the padding
    Case::new(2, 2, 3, SAME, &[[7, 1, 3, 2]]).check();
    Case::new(2, 2, 3, CAUSAL, &[[7, 4, 3, 2]]).check();
}

#[test]
fn along_two_and_three_axes() {
    for padding in [VALID, SAME] {
        Case::new(3, 2, 4, padding, &[[3, 1, 1, 7], [3, 1, 1, 6]]).check();
        Case::new(2, 3, 4, padding, &[[2, 2, 1, 7], [3, 3, 1, 9]]).check();
        Case::new(2, 3, 9, padding, &[[3, 1, 2, 7], [2, 1, 3, 8]]).check();
        Case::new(2, 3, 9, padding, &[[1, 1, 1, 7], [1, 2, 1, 8]]).check();
        Case::new(2, 3, 9, padding, &[[1, 1, 1, 7], [1, 1, 1, 8]]).check();
        Case::new(2, 2, 3, padding, &[[2, 1, 1, 4], [3, 2, 1, 5], [2, 1, 2, 6]]).check();
        // more patches than one tile holds
        Case::new(2, 8, 16, padding, &[[3, 1, 1, 33], [3, 1, 1, 31]]).check();
    }
}

#[test]
fn nothing_leaves_nothing() {
    let none = Case::new(1, 3, 2, SAME, &[[3, 1, 1, 5]]);
    assert!(none.run(0..0).is_empty());
    Case::new(2, 3, 2, SAME, &[[3, 1, 1, 0]]).check();
    Case::new(2, 0, 2, SAME, &[[3, 1, 1, 4]]).check();
}

#[test]
fn errors_name_what_is_wrong() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[-1, 4, 3]);
    let kernel = lab.input(Dtype::Float32, &[6, 5]);
    let mut conv =
        |attrs: &[u32]| lab.record(Op::Conv, &[x, kernel], attrs).map(|values| lab.ty(values[0]).shape);
    assert_eq!(conv(&[VALID, 3, 2, 1, 1]).unwrap().dims(), [-1, 3, 5]);
    let expected = Error::Shape { input: 1, axis: 0, expected: 9, actual: 6 };
    assert_eq!(*conv(&[VALID, 3, 3, 1, 1]).unwrap_err(), expected);
    let short = Error::Shape { input: 0, axis: 1, expected: 5, actual: 4 };
    assert_eq!(*conv(&[VALID, 3, 2, 1, 4]).unwrap_err(), short);
    assert_eq!(*conv(&[3, 3, 2, 1, 1]).unwrap_err(), Error::Attribute { index: 0, value: 3 });
    assert_eq!(*conv(&[VALID, 3, 2, 0, 1]).unwrap_err(), Error::Attribute { index: 3, value: 0 });
    assert_eq!(*conv(&[VALID, 0]).unwrap_err(), Error::Attribute { index: 1, value: 0 });
    let two = [VALID, 6, 1, 1, 1, 2, 1, 1];
    assert_eq!(*conv(&two).unwrap_err(), Error::Rank { input: 0, expected: 4, actual: 3 });
    let far = [VALID, 3, 1 << 20, 1, 1 << 20];
    assert_eq!(*conv(&far).unwrap_err(), Error::Attribute { index: 2, value: 1 << 20 });
}

/// `h' = conv(x) + conv(h)` in a sequence, and the gradients of x and the kernels, the same as unrolled.
#[test]
fn in_steps() {
    let (rows, time, n) = (3, 4, 5);
    let valid = [VALID, 3, 2, 1, 1];
    let same = [SAME, 3, 2, 1, 1];
    let step = |lab: &mut Lab, x: u32, h: u32, kernels: [u32; 3]| {
        let a = lab.op(Op::Conv, &[x, kernels[0], kernels[2]], &valid);
        let b = lab.op(Op::Conv, &[h, kernels[1]], &same);
        lab.op(Op::Binary, &[a, b], &[Binary::Add as u32])
    };
    let run = |unrolled: bool| {
        let mut lab = Lab::new();
        let x = lab.input(Dtype::Float32, &[-1, -2, n, 2]);
        let start = lab.input(Dtype::Float32, &[-1, n - 1, 3]);
        let kernel = lab.variable(&[4, 3], &numbers(12, 1));
        let wide = lab.variable(&[2, 3, 3], &numbers(18, 2));
        let recurrent = lab.op(Op::Reshape, &[wide], &[4, 0, 6, 0, 3]);
        let kernels = [kernel, recurrent, lab.variable(&[3], &numbers(3, 3))];
        let last = if unrolled {
            (0..time).fold(start, |h, t| {
                let x = lab.op(Op::Slice, &[x], &[4, 1, t, t + 1, 1]);
                let x = lab.op(Op::Reshape, &[x], &[6, 1, 0, 0, n as u32, 0, 2]);
                step(&mut lab, x, h, kernels)
            })
        } else {
            let body = lab.body(|lab| {
                let x = lab.input(Dtype::Float32, &[-1, n, 2]);
                let h = lab.input(Dtype::Float32, &[-1, n - 1, 3]);
                let kernels = [&[4, 3][..], &[6, 3], &[3]].map(|dims| lab.input(Dtype::Float32, dims));
                vec![step(lab, x, h, kernels)]
            });
            let [x_part, state, capture] = [Part::X as u32, Part::State as u32, Part::Capture as u32];
            let attrs =
                [body, 0, 0, 5, x_part, state, capture, capture, capture, 2, Emit::FinalState as u32, 0];
            lab.op(Op::Steps, &[x, start, kernels[0], kernels[1], kernels[2]], &attrs)
        };
        let square = lab.op(Op::Binary, &[last, last], &[Binary::Mul as u32]);
        let (gradients, _) =
            lab.gradient(&[square], &[Some(last)], &[x, start, kernel, wide, kernels[2]]).unwrap();
        let outputs: Vec<u32> = [last].into_iter().chain(gradients.into_iter().flatten()).collect();
        let program = lab.finish(&outputs, &[]);
        let x = lab.tensor(Dtype::Float32, &[rows, time as i32, n, 2], &numbers(120, 5));
        let start = lab.tensor(Dtype::Float32, &[rows, n - 1, 3], &numbers(36, 6));
        lab.run(program, &[x, start]).unwrap()
    };
    let (steps, unrolled) = (run(false), run(true));
    assert_eq!(steps.len(), 6);
    assert_eq!(bits(&steps[0]), bits(&unrolled[0]));
    for (steps, unrolled) in steps.iter().zip(&unrolled) {
        for (a, b) in steps.iter().zip(unrolled) {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{a} {b}");
        }
    }
}
