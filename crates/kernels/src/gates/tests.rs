use super::*;
use layer_rnn_testkit::{close, naive, random::Random};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROWS: usize = 3;
const SIZES: [usize; 6] = [1, 3, 4, 7, 8, 18];

fn pairs() -> Vec<(Activation, Activation)> {
    let mut pairs = vec![(Activation::Tanh, Activation::Sigmoid)];
    for &kind in Activation::ALL {
        pairs.push((kind, Activation::Sigmoid));
        pairs.push((Activation::Tanh, kind));
    }
    pairs
}

/// Rows of random planes with pads of zeros, as a packed product gives them.
struct Rows {
    units: usize,
    hp: usize,
    ld: usize,
    data: Vec<f32>,
}

impl Rows {
    fn new(units: usize, planes: usize, gap: usize, seed: u64) -> Self {
        let (hp, mut random) = (padded(units), Random::new(seed));
        let ld = planes * hp + gap;
        let data =
            (0..ROWS * ld).map(|i| if i % ld % hp < units { random.number(2.0) } else { 0.0 }).collect();
        Rows { units, hp, ld, data }
    }

    /// A plane without pads, in f64.
    fn plane(&self, plane: usize) -> Vec<f64> {
        let row = |row: usize| row * self.ld + plane * self.hp..row * self.ld + plane * self.hp + self.units;
        (0..ROWS).flat_map(|r| self.data[row(r)].iter().map(|&x| f64::from(x))).collect()
    }

    fn activated(&self, plane: usize, kind: Activation) -> Vec<f64> {
        activated(&self.plane(plane), self.units, kind)
    }
}

fn activated(x: &[f64], units: usize, kind: Activation) -> Vec<f64> {
    let x: Vec<f32> = x.iter().map(|&x| x as f32).collect();
    naive::activation(&format!("{kind:?}"), units, &x)
}

fn zip<const N: usize>(operands: [&[f64]; N], f: impl Fn([f64; N]) -> f64) -> Vec<f64> {
    (0..operands[0].len()).map(|i| f(operands.map(|x| x[i]))).collect()
}

fn check(got: &Rows, plane: usize, want: &[f64], what: &str) {
    let got: Vec<f32> = got.plane(plane).iter().map(|&x| x as f32).collect();
    close(&got, want, 2e-6, 4e-6, what);
}

#[test]
fn simple_rnn() {
    for (act, _) in pairs() {
        for units in SIZES {
            let mut z = Rows::new(units, 1, 4, 21);
            let want = z.activated(0, act);
            let mut h = Rows::new(units, 1, 0, 22);
            simple(ROWS, units, &mut z.data, z.ld, &mut h.data, act);
            check(&h, 0, &want, "h");
            check(&z, 0, &want, "tape");
        }
    }
}

#[test]
fn lstm_step() {
    for (act, recurrent) in pairs() {
        for units in SIZES {
            let what = format!("{act:?} {recurrent:?} {units}");
            let (mut z, mut h, mut c) =
                (Rows::new(units, 4, 4, 23), Rows::new(units, 1, 0, 24), Rows::new(units, 1, 0, 25));
            let gates = [0, 1, 2, 3].map(|gate| z.activated(gate, if gate == 2 { act } else { recurrent }));
            let [i, f, g, o] = &gates;
            let new_c = zip([i, f, g, &c.plane(0)], |[i, f, g, c]| f * c + i * g);
            let new_h = zip([o, &activated(&new_c, units, act)], |[o, c]| o * c);
            lstm(ROWS, units, &mut z.data, z.ld, &mut h.data, &mut c.data, act, recurrent);
            for (gate, want) in gates.iter().enumerate() {
                check(&z, gate, want, &what);
            }
            check(&c, 0, &new_c, &what);
            check(&h, 0, &new_h, &what);
        }
    }
}

#[test]
fn gru_reset_after_step() {
    for (act, recurrent) in pairs() {
        for units in SIZES {
            let what = format!("{act:?} {recurrent:?} {units}");
            let (mut z, mut h) = (Rows::new(units, 4, 8, 26), Rows::new(units, 1, 0, 27));
            let (update, reset) = (z.activated(1, recurrent), z.activated(2, recurrent));
            let inner = zip([&z.plane(0), &reset, &z.plane(3)], |[x, r, rec]| x + r * rec);
            let candidate = activated(&inner, units, act);
            let new = zip([&update, &h.plane(0), &candidate], |[z, h, hh]| z * h + (1.0 - z) * hh);
            let rec = z.plane(3);
            gru_after(ROWS, units, &mut z.data, z.ld, &mut h.data, act, recurrent);
            check(&h, 0, &new, &what);
            for (plane, want) in [&candidate, &update, &reset, &rec].into_iter().enumerate() {
                check(&z, plane, want, &what);
            }
        }
    }
}

#[test]
fn gru_reset_before_step() {
    for (act, recurrent) in pairs() {
        for units in SIZES {
            let what = format!("{act:?} {recurrent:?} {units}");
            let (mut z, mut h) = (Rows::new(units, 3, 0, 28), Rows::new(units, 1, 0, 29));
            let mut rh = Rows::new(units, 1, 0, 30);
            let (update, reset) = (z.activated(1, recurrent), z.activated(2, recurrent));
            let candidate = z.activated(0, act);
            let want_rh = zip([&reset, &h.plane(0)], |[r, h]| r * h);
            let new = zip([&update, &h.plane(0), &candidate], |[z, h, hh]| z * h + (1.0 - z) * hh);
            gru_before_reset(ROWS, units, &mut z.data, z.ld, &h.data, &mut rh.data, recurrent);
            check(&rh, 0, &want_rh, &what);
            gru_before_output(ROWS, units, &mut z.data, z.ld, &mut h.data, act);
            check(&h, 0, &new, &what);
            for (plane, want) in [&candidate, &update, &reset].into_iter().enumerate() {
                check(&z, plane, want, &what);
            }
        }
    }
}

/// A row's numbers do not depend on its neighbours, and the fused pass gives the numbers of the separate ones.
#[test]
fn rows_and_passes_agree_to_the_bit() {
    let units = 19;
    let hp = padded(units);
    let (z, c) = (Rows::new(units, 4, 0, 31), Rows::new(units, 1, 0, 32));
    let (mut batch, mut h, mut batch_c) = (z.data.clone(), vec![0.0; ROWS * hp], c.data.clone());
    lstm(ROWS, units, &mut batch, z.ld, &mut h, &mut batch_c, Activation::Tanh, Activation::Sigmoid);
    let mut separate = z.data.clone();
    for (gate, act) in
        [Activation::Sigmoid, Activation::Sigmoid, Activation::Tanh, Activation::Sigmoid].iter().enumerate()
    {
        activate_rows(*act, ROWS, hp, z.ld, &mut separate[gate * hp..]);
    }
    assert_eq!(batch, separate);
    for row in 0..ROWS {
        for unit in 0..hp {
            let at = row * hp + unit;
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| batch[row * z.ld + gate * hp + unit]);
            assert_eq!(batch_c[at], f * c.data[at] + i * g);
            assert_eq!(h[at], o * crate::math::tanh(F32x4::splat(batch_c[at])).to_array()[0]);
        }
        let mut alone = z.data[row * z.ld..(row + 1) * z.ld].to_vec();
        let (mut h_alone, mut c_alone) = (vec![0.0; hp], c.data[row * hp..(row + 1) * hp].to_vec());
        lstm(1, units, &mut alone, z.ld, &mut h_alone, &mut c_alone, Activation::Tanh, Activation::Sigmoid);
        assert_eq!(h_alone, h[row * hp..(row + 1) * hp]);
        assert_eq!(c_alone, batch_c[row * hp..(row + 1) * hp]);
    }
}

#[test]
fn passes_of_a_gru_agree_to_the_bit() {
    let (z, before) = (Rows::new(19, 4, 0, 33), Rows::new(19, 1, 0, 34));
    let (hp, mut fused, mut h) = (z.hp, z.data.clone(), before.data.clone());
    gru_after(ROWS, 19, &mut fused, z.ld, &mut h, Activation::Tanh, Activation::Sigmoid);
    let mut separate = z.data.clone();
    for gate in [1, 2] {
        activate_rows(Activation::Sigmoid, ROWS, hp, z.ld, &mut separate[gate * hp..]);
    }
    for row in separate.chunks_exact_mut(z.ld) {
        for unit in 0..hp {
            row[unit] += row[2 * hp + unit] * row[3 * hp + unit];
        }
    }
    activate_rows(Activation::Tanh, ROWS, hp, z.ld, &mut separate);
    assert_eq!(fused, separate);
    for (at, h) in h.into_iter().enumerate() {
        let row = &separate[at / hp * z.ld..];
        let (candidate, update) = (row[at % hp], row[hp + at % hp]);
        assert_eq!(h, update * before.data[at] + (1.0 - update) * candidate);
    }
}
