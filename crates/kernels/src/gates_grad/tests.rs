use super::*;
use crate::gates;
use layer_rnn_testkit::{close, naive, random::Random};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROWS: usize = 2;
const SIZES: [usize; 4] = [1, 3, 7, 8];
const DEFAULT: (Activation, Activation) = (Activation::Tanh, Activation::Sigmoid);

fn pairs() -> Vec<(Activation, Activation)> {
    let all = Activation::ALL.iter();
    let pairs = all.flat_map(|&kind| [(kind, Activation::Sigmoid), (Activation::Tanh, kind)]);
    [DEFAULT].into_iter().chain(pairs).collect()
}

/// Rows of planes; pads hold zeros, as a packed product leaves them.
fn planes(units: usize, planes: usize, seed: u64) -> Vec<f32> {
    let (hp, mut random) = (padded(units), Random::new(seed));
    (0..ROWS * planes * hp).map(|i| if i % hp < units { random.number(2.0) } else { 0.0 }).collect()
}

/// One plane of some rows without pads.
type Plane = Vec<f64>;

fn split(x: &[f32], units: usize, planes: usize) -> Vec<Plane> {
    let hp = padded(units);
    let plane = |p: usize| {
        let at = (0..ROWS * units).map(|i| (i / units * planes + p) * hp + i % units);
        at.map(|i| f64::from(x[i])).collect()
    };
    (0..planes).map(plane).collect()
}

fn act(kind: Activation, units: usize, x: &Plane) -> Plane {
    naive::activation_wide(&format!("{kind:?}"), units, x.clone())
}

fn zip<const N: usize>(operands: [&Plane; N], f: impl Fn([f64; N]) -> f64) -> Plane {
    (0..operands[0].len()).map(|i| f(operands.map(|x| x[i]))).collect()
}

/// The central differences of `loss` by each number of each plane.
fn slopes(planes: &[Plane], loss: impl Fn(&[Plane]) -> f64) -> Vec<Plane> {
    const H: f64 = 1e-6;
    let mut moved = planes.to_vec();
    let mut out = planes.to_vec();
    for (p, plane) in planes.iter().enumerate() {
        for i in 0..plane.len() {
            let mut at = |x: f64| {
                moved[p][i] = x;
                loss(&moved)
            };
            out[p][i] = (at(plane[i] + H) - at(plane[i] - H)) / (2.0 * H);
            moved[p][i] = plane[i];
        }
    }
    out
}

fn check(got: &[f32], units: usize, want: &[Plane], what: &str) {
    for (got, want) in split(got, units, want.len()).iter().zip(want) {
        let got: Vec<f32> = got.iter().map(|&x| x as f32).collect();
        close(&got, want, 4e-6, 8e-6, what);
    }
    let hp = padded(units);
    for plane in got.chunks_exact(hp) {
        assert!(plane[units..].iter().all(|x| *x == 0.0), "{what}: pads");
    }
}

fn sum(planes: &[(&Plane, &Plane)]) -> f64 {
    planes.iter().map(|(x, d)| x.iter().zip(*d).map(|(x, d)| x * d).sum::<f64>()).sum()
}

#[test]
fn simple_rnn() {
    for (kind, _) in pairs() {
        for units in SIZES {
            let (pre, dh) = (planes(units, 1, 1), planes(units, 1, 2));
            let (mut z, mut h, mut dz) = (pre.clone(), dh.clone(), vec![f32::NAN; pre.len()]);
            gates::simple(ROWS, units, &mut z, padded(units), &mut h, kind);
            simple(ROWS, units, Kept { z: &z, pre: &pre }, &dh, &mut dz, kind);
            let d = &split(&dh, units, 1)[0];
            let want = slopes(&split(&pre, units, 1), |z| sum(&[(&act(kind, units, &z[0]), d)]));
            check(&dz, units, &want, &format!("{kind:?} {units}"));
        }
    }
}

#[test]
fn lstm_step() {
    for (kind, recurrent) in pairs() {
        for units in SIZES {
            let hp = padded(units);
            let (pre, c) = (planes(units, 4, 3), planes(units, 1, 4));
            let (dh, mut dc) = (planes(units, 1, 5), planes(units, 1, 6));
            let (mut z, mut h, mut new) = (pre.clone(), dh.clone(), c.clone());
            gates::lstm(ROWS, units, &mut z, 4 * hp, &mut h, &mut new, kind, recurrent);
            let (d_h, d_c) = (&split(&dh, units, 1)[0], &split(&dc, units, 1)[0]);
            let mut dz = vec![f32::NAN; pre.len()];
            let kept = Kept { z: &z, pre: &pre };
            lstm(ROWS, units, kept, &c, &dh, &mut dc, &mut dz, kind, recurrent);
            let from = [split(&pre, units, 4), split(&c, units, 1)].concat();
            let want = slopes(&from, |x| {
                let gate = |p: usize, kind| act(kind, units, &x[p]);
                let (i, f, o) = (gate(0, recurrent), gate(1, recurrent), gate(3, recurrent));
                let c = zip([&f, &x[4], &i, &gate(2, kind)], |[f, c, i, g]| f * c + i * g);
                let h = zip([&o, &act(kind, units, &c)], |[o, c]| o * c);
                sum(&[(&h, d_h), (&c, d_c)])
            });
            let what = format!("{kind:?} {recurrent:?} {units}");
            check(&dz, units, &want[..4], &what);
            check(&dc, units, &want[4..], &what);
        }
    }
}

#[test]
fn gru_reset_after_step() {
    for (kind, recurrent) in pairs() {
        for units in SIZES {
            let hp = padded(units);
            let (mut pre, h) = (planes(units, 4, 7), planes(units, 1, 8));
            let from = [split(&pre, units, 4), split(&h, units, 1)].concat();
            let mut dh = planes(units, 1, 9);
            let (mut z, mut new) = (pre.clone(), h.clone());
            gates::gru_after(ROWS, units, &mut z, 4 * hp, &mut new, kind, recurrent);
            gru_after_candidate(ROWS, units, &z, &mut pre);
            let d = &split(&dh, units, 1)[0];
            let want = slopes(&from, |x| {
                let (update, reset) = (act(recurrent, units, &x[1]), act(recurrent, units, &x[2]));
                let inner = zip([&x[0], &reset, &x[3]], |[x, r, rec]| x + r * rec);
                let blend = |[z, h, c]: [f64; 3]| z * h + (1.0 - z) * c;
                sum(&[(&zip([&update, &x[4], &act(kind, units, &inner)], blend), d)])
            });
            let mut dz = vec![f32::NAN; pre.len()];
            gru_after(ROWS, units, Kept { z: &z, pre: &pre }, &h, &mut dh, &mut dz, kind, recurrent);
            let what = format!("{kind:?} {recurrent:?} {units}");
            check(&dz, units, &want[..4], &what);
            check(&dh, units, &want[4..], &what);
        }
    }
}

/// The candidate's recurrent product is the identity here: plane x holds what is added to r h.
#[test]
fn gru_reset_before_step() {
    for (kind, recurrent) in pairs() {
        for units in SIZES {
            let hp = padded(units);
            let (mut pre, h) = (planes(units, 3, 10), planes(units, 1, 11));
            let from = [split(&pre, units, 3), split(&h, units, 1)].concat();
            let mut dh = planes(units, 1, 12);
            let (mut z, mut new, mut rh) = (pre.clone(), h.clone(), h.clone());
            gates::gru_before_reset(ROWS, units, &mut z, 3 * hp, &h, &mut rh, recurrent);
            for row in 0..ROWS {
                for unit in 0..units {
                    z[row * 3 * hp + unit] += rh[row * hp + unit];
                    pre[row * 3 * hp + unit] = z[row * 3 * hp + unit];
                }
            }
            gates::gru_before_output(ROWS, units, &mut z, 3 * hp, &mut new, kind);
            let d = &split(&dh, units, 1)[0];
            let want = slopes(&from, |x| {
                let (update, reset) = (act(recurrent, units, &x[1]), act(recurrent, units, &x[2]));
                let inner = zip([&x[0], &reset, &x[3]], |[x, r, h]| x + r * h);
                let blend = |[z, h, c]: [f64; 3]| z * h + (1.0 - z) * c;
                sum(&[(&zip([&update, &x[3], &act(kind, units, &inner)], blend), d)])
            });
            let mut dz = vec![f32::NAN; pre.len()];
            let kept = Kept { z: &z, pre: &pre };
            gru_before_output(ROWS, units, kept, &h, &mut dh, &mut dz, kind, recurrent);
            let drh: Vec<f32> = dz.chunks_exact(3 * hp).flat_map(|row| row[..hp].to_vec()).collect();
            let mut again = vec![f32::NAN; rh.len()];
            gru_before_reset(ROWS, units, kept, &h, &drh, &mut dh, &mut dz, &mut again, recurrent);
            assert_eq!(rh, again);
            let what = format!("{kind:?} {recurrent:?} {units}");
            check(&dz, units, &want[..3], &what);
            check(&dh, units, &want[3..], &what);
        }
    }
}

/// tanh with sigmoid has a pass of its own: the same numbers as by way of the table.
#[test]
fn the_fused_pass_agrees_to_the_bit() {
    let (units, hp) = (8, 8);
    let (mut z, c, dh) = (planes(units, 4, 13), planes(units, 1, 14), planes(units, 1, 15));
    let (mut h, mut new) = (dh.clone(), c.clone());
    gates::lstm(ROWS, units, &mut z, 4 * hp, &mut h, &mut new, Activation::Tanh, Activation::Sigmoid);
    let (mut dc, mut dz) = (dh.clone(), vec![0.0; z.len()]);
    let kept = Kept { z: &z, pre: &[] };
    lstm(ROWS, units, kept, &c, &dh, &mut dc, &mut dz, Activation::Tanh, Activation::Sigmoid);
    for row in 0..ROWS {
        for u in 0..units {
            let (s, at) = (row * hp + u, |p: usize| (row * 4 + p) * hp + u);
            let [i, f, g, o] = [0, 1, 2, 3].map(|p| z[at(p)]);
            let tanh = crate::math::tanh(F32x4::splat(new[s])).to_array()[0];
            let d = dh[s] + dh[s] * o * (1.0 - tanh * tanh);
            assert_eq!(dz[at(0)], d * g * (i * (1.0 - i)));
            assert_eq!(dz[at(1)], d * c[s] * (f * (1.0 - f)));
            assert_eq!(dz[at(2)], d * i * (1.0 - g * g));
            assert_eq!(dz[at(3)], dh[s] * tanh * (o * (1.0 - o)));
            assert_eq!(dc[s], d * f);
        }
    }
}
