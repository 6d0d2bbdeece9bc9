//! One step of the built-in cells backward, before the products: from what a step keeps (its tape) and the gradient of its states
//! to the gradient of its pre-activations.
//!
//! Rows of `z` and `dz` are planes of `hp` numbers without gaps, as [`crate::gates`] leaves them; `pre` is like `z` and holds the
//! pre-activations of the planes whose activation [derives from them](Activation::derives_from_input), or is empty. Rows of states are
//! `hp` apart. Pads of `dz` are zeros, so that products may run over them.

use crate::activation::Activation;
use crate::activation_grad::{derive_rows, sigmoid_times, tanh_times};
use crate::gates::plane;
use crate::math::{Constants, tanh_by};
use crate::pack::padded;
use crate::simd::F32x4;
use crate::{ensure, fits};

/// What a step keeps of its gates.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// The activated gates.
    pub z: &'a [f32],
    /// Their pre-activations, where they are needed.
    pub pre: &'a [f32],
}

impl<'a> Kept<'a> {
    /// What the derivative of `act` is a function of.
    fn at(self, act: Activation) -> &'a [f32] {
        if act.derives_from_input() { self.pre } else { self.z }
    }
}

/// `z` rows `[h]`: dz = dh act′.
pub fn simple(rows: usize, units: usize, kept: Kept, dh: &[f32], dz: &mut [f32], act: Activation) {
    let hp = check(rows, units, 1, kept, &[act], dz, &[dh]);
    dz[..rows * hp].copy_from_slice(&dh[..rows * hp]);
    derive_plane(act, rows, units, hp, kept, dz, 0);
    clear_pads(rows, units, dz);
}

/// `z` rows `[i | f | c | o]`, `c` the previous cell state; `dc` is the new cell state's gradient and becomes the previous one's.
pub fn lstm(
    rows: usize,
    units: usize,
    kept: Kept,
    c: &[f32],
    dh: &[f32],
    dc: &mut [f32],
    dz: &mut [f32],
    act: Activation,
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 4, kept, &[act, recurrent_act], dz, &[c, dh, dc]);
    let (z, to) = (Planes::of(kept.z, hp), PlanesMut::of(dz, hp));
    let dc_pointer = dc.as_mut_ptr();
    // SAFETY: `check` has seen the rows of all.
    let new = |at, s| unsafe { z.get(at, 1) * read(c, s) + z.get(at, 0) * z.get(at, 2) };
    if act == Activation::Tanh && recurrent_act == Activation::Sigmoid {
        let k = Constants::hidden();
        // SAFETY: as above.
        for_each(rows, hp, 4, |at, s| unsafe {
            let [i, f, g, o] = [0, 1, 2, 3].map(|plane| z.get(at, plane));
            let (tanh, dh) = (tanh_by(k, new(at, s)), read(dh, s));
            let d = F32x4::read(dc_pointer.add(s)) + tanh_times(tanh, dh * o);
            to.set(at, 0, sigmoid_times(i, d * g));
            to.set(at, 1, sigmoid_times(f, d * read(c, s)));
            to.set(at, 2, tanh_times(g, d * i));
            to.set(at, 3, sigmoid_times(o, dh * tanh));
            (d * f).write(dc_pointer.add(s));
        });
    } else {
        // SAFETY: as above.
        for_each(rows, hp, 4, |at, s| unsafe {
            let new = new(at, s);
            to.set(at, 0, new);
            to.set(at, 1, new);
            to.set(at, 3, read(dh, s) * z.get(at, 3));
        });
        plane(act, rows, units, 4 * hp, dz, hp);
        let width = if act.is_row() { units } else { hp };
        for row in dz.chunks_exact_mut(4 * hp).take(rows) {
            let (states, d) = row.split_at_mut(3 * hp);
            let at = if act.derives_from_input() { &states[..hp] } else { &states[hp..] };
            derive_rows(act, 1, width, at, hp, d, hp);
        }
        let to = PlanesMut::of(dz, hp);
        // SAFETY: as above.
        for_each(rows, hp, 4, |at, s| unsafe {
            let d = F32x4::read(dc_pointer.add(s)) + to.get(at, 3);
            let activated = to.get(at, 1);
            to.set(at, 0, d * z.get(at, 2));
            to.set(at, 1, d * read(c, s));
            to.set(at, 2, d * z.get(at, 0));
            to.set(at, 3, read(dh, s) * activated);
            (d * z.get(at, 1)).write(dc_pointer.add(s));
        });
        for (gate, act) in [recurrent_act, recurrent_act, act, recurrent_act].into_iter().enumerate() {
            derive_plane(act, rows, units, 4 * hp, kept, dz, gate * hp);
        }
    }
    clear_pads(rows * 4, units, dz);
}

/// `z` rows `[h̃ | z | r | rec]`, `h` the previous state, `pre`'s first plane x + r · rec. `dz` becomes the gradient of the planes
/// `[x | z | r | rec]`; `dh` is the new state's gradient and becomes what of the previous one's does not go through the gates.
pub fn gru_after(
    rows: usize,
    units: usize,
    kept: Kept,
    h: &[f32],
    dh: &mut [f32],
    dz: &mut [f32],
    act: Activation,
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 4, kept, &[act, recurrent_act], dz, &[h, dh]);
    blended(rows, units, 4, kept, h, dh, dz, act);
    let (z, to) = (Planes::of(kept.z, hp), PlanesMut::of(dz, hp));
    // SAFETY: `check` has seen the rows of all.
    for_each(rows, hp, 4, |at, _| unsafe {
        let d = to.get(at, 0);
        to.set(at, 2, d * z.get(at, 3));
        to.set(at, 3, d * z.get(at, 2));
    });
    for gate in [1, 2] {
        derive_plane(recurrent_act, rows, units, 4 * hp, kept, dz, gate * hp);
    }
    clear_pads(rows * 4, units, dz);
}

/// `z` rows `[h̃ | z | r]`, `h` the previous state: the planes x and z of `dz`. `dh` as in [`gru_after`].
pub fn gru_before_output(
    rows: usize,
    units: usize,
    kept: Kept,
    h: &[f32],
    dh: &mut [f32],
    dz: &mut [f32],
    act: Activation,
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 3, kept, &[act, recurrent_act], dz, &[h, dh]);
    blended(rows, units, 3, kept, h, dh, dz, act);
    derive_plane(recurrent_act, rows, units, 3 * hp, kept, dz, hp);
    clear_pads(rows * 3, units, dz);
}

/// The plane r of `dz`, once `drh` is the gradient of r h; what of it goes to h is added to `dh`, and `rh` = r h.
pub fn gru_before_reset(
    rows: usize,
    units: usize,
    kept: Kept,
    h: &[f32],
    drh: &[f32],
    dh: &mut [f32],
    dz: &mut [f32],
    rh: &mut [f32],
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 3, kept, &[recurrent_act], dz, &[h, drh, dh, rh]);
    let (z, to) = (Planes::of(kept.z, hp), PlanesMut::of(dz, hp));
    let (dh, rh) = (dh.as_mut_ptr(), rh.as_mut_ptr());
    // SAFETY: `check` has seen the rows of all.
    for_each(rows, hp, 3, |at, s| unsafe {
        let (reset, h, drh) = (z.get(at, 2), read(h, s), read(drh, s));
        to.set(at, 2, drh * h);
        (F32x4::read(dh.add(s)) + drh * reset).write(dh.add(s));
        (reset * h).write(rh.add(s));
    });
    derive_plane(recurrent_act, rows, units, 3 * hp, kept, dz, 2 * hp);
    clear_pads(rows * 3, units, dz);
}

/// h = z h + (1 − z) h̃ backward: the planes x (derived) and z (not yet), and `dh` by way of z h.
fn blended(
    rows: usize,
    units: usize,
    planes: usize,
    kept: Kept,
    h: &[f32],
    dh: &mut [f32],
    dz: &mut [f32],
    act: Activation,
) {
    let hp = padded(units);
    let (z, to, dh) = (Planes::of(kept.z, hp), PlanesMut::of(dz, hp), dh.as_mut_ptr());
    // SAFETY: the caller has checked the rows of all.
    for_each(rows, hp, planes, |at, s| unsafe {
        let (candidate, update, d) = (z.get(at, 0), z.get(at, 1), F32x4::read(dh.add(s)));
        to.set(at, 0, d * (F32x4::splat(1.0) - update));
        to.set(at, 1, d * (read(h, s) - candidate));
        (d * update).write(dh.add(s));
    });
    derive_plane(act, rows, units, planes * hp, kept, dz, 0);
}

/// The pre-activation of a reset-after GRU's candidate: plane x of `pre` += r · rec, from the activated `z`.
pub fn gru_after_candidate(rows: usize, units: usize, z: &[f32], pre: &mut [f32]) {
    let hp = padded(units);
    ensure(rows.saturating_mul(4 * hp) <= z.len().min(pre.len()));
    let (z, to) = (Planes::of(z, hp), PlanesMut::of(pre, hp));
    // SAFETY: the rows are there.
    for_each(rows, hp, 4, |at, _| unsafe { to.set(at, 0, to.get(at, 0) + z.get(at, 2) * z.get(at, 3)) });
}

/// `sums` += each row of `x`, rows ascending: a gradient of biases.
pub fn add_rows(rows: usize, width: usize, x: &[f32], ldx: usize, sums: &mut [f32]) {
    ensure(fits(x.len(), rows, width, ldx) && width <= sums.len());
    for row in 0..rows {
        crate::vector::axpy(1.0, &x[row * ldx..][..width], &mut sums[..width]);
    }
}

/// hp, once the rows are there.
fn check(
    rows: usize,
    units: usize,
    planes: usize,
    kept: Kept,
    acts: &[Activation],
    dz: &[f32],
    states: &[&[f32]],
) -> usize {
    let hp = padded(units);
    let words = rows.saturating_mul(planes * hp);
    ensure(words <= kept.z.len() && words <= dz.len());
    for &act in acts {
        ensure(words <= kept.at(act).len());
    }
    for state in states {
        ensure(rows.saturating_mul(hp) <= state.len());
    }
    hp
}

/// Multiplies the plane that starts at `offset` of each row by its activation's derivative.
fn derive_plane(
    act: Activation,
    rows: usize,
    units: usize,
    ld: usize,
    kept: Kept,
    dz: &mut [f32],
    offset: usize,
) {
    if rows > 0 && units > 0 {
        let width = if act.is_row() { units } else { padded(units) };
        derive_rows(act, rows, width, &kept.at(act)[offset..], ld, &mut dz[offset..], ld);
    }
}

/// Zeros behind the units of each of `planes` planes.
fn clear_pads(planes: usize, units: usize, dz: &mut [f32]) {
    if !units.is_multiple_of(4) {
        for plane in dz.chunks_exact_mut(padded(units)).take(planes) {
            plane[units..].fill(0.0);
        }
    }
}

/// Rows of planes: where they start, and how far apart they are.
#[derive(Clone, Copy)]
struct Planes(*const f32, usize);

impl Planes {
    fn of(z: &[f32], hp: usize) -> Planes {
        Planes(z.as_ptr(), hp)
    }

    /// # Safety
    /// The plane has four numbers there.
    #[inline(always)]
    unsafe fn get(self, at: usize, plane: usize) -> F32x4 {
        // SAFETY: the caller's promise.
        unsafe { F32x4::read(self.0.add(at + plane * self.1)) }
    }
}

/// [`Planes`] that are written.
#[derive(Clone, Copy)]
struct PlanesMut(*mut f32, usize);

impl PlanesMut {
    fn of(z: &mut [f32], hp: usize) -> PlanesMut {
        PlanesMut(z.as_mut_ptr(), hp)
    }

    /// # Safety
    /// The plane has four numbers there.
    #[inline(always)]
    unsafe fn get(self, at: usize, plane: usize) -> F32x4 {
        // SAFETY: the caller's promise.
        unsafe { F32x4::read(self.0.add(at + plane * self.1)) }
    }

    /// # Safety
    /// The plane has four numbers there.
    #[inline(always)]
    unsafe fn set(self, at: usize, plane: usize, x: F32x4) {
        // SAFETY: the caller's promise.
        unsafe { x.write(self.0.add(at + plane * self.1)) }
    }
}

/// # Safety
/// `x` has four numbers at `at`.
#[inline(always)]
unsafe fn read(x: &[f32], at: usize) -> F32x4 {
    // SAFETY: the caller's promise.
    unsafe { F32x4::read(x.as_ptr().add(at)) }
}

/// Calls `f` with the places of four units in the rows of planes and in the states.
#[inline(always)]
fn for_each(rows: usize, hp: usize, planes: usize, mut f: impl FnMut(usize, usize)) {
    for row in 0..rows {
        for unit in (0..hp).step_by(4) {
            f(row * planes * hp + unit, row * hp + unit);
        }
    }
}

#[cfg(test)]
#[path = "gates_grad/tests.rs"]
mod tests;
