//! One step of the built-in cells, after the products: gates activated, states blended.
//!
//! `hp` is units rounded up to four ([`crate::pack::padded`]). A row of `z` holds planes of `hp` numbers, rows being `ldz` apart;
//! rows of states are `hp` apart. The activated gates stay in `z`: they are the tape. Pad lanes hold anything finite.
//!
//! tanh with sigmoid, the default, takes two or three fused passes: a pass's evaluations do not wait for each other, so that the
//! processor has several under way (bench/record/). Any other pair activates the planes first and gives the same numbers.

use crate::activation::{Activation, activate_rows};
use crate::math::{Constants, sigmoid_by, tanh_by};
use crate::pack::padded;
use crate::simd::F32x4;
use crate::{ensure, fits};

/// `z` rows `[h]`: h = act(z). The output is written to `z` and to `h`.
pub fn simple(rows: usize, units: usize, z: &mut [f32], ldz: usize, h: &mut [f32], act: Activation) {
    let hp = check(rows, units, 1, z, ldz, &[h]);
    plane(act, rows, units, ldz, z, 0);
    // SAFETY: `check` has seen the rows.
    unsafe {
        for_each(rows, hp, z, ldz, |z, at| z.get(0).write(h.as_mut_ptr().add(at)));
    }
}

/// `z` rows `[i | f | c | o]`: c = f c + i c̃, h = o act(c). `c` holds the previous and then the new cell state.
pub fn lstm(
    rows: usize,
    units: usize,
    z: &mut [f32],
    ldz: usize,
    h: &mut [f32],
    c: &mut [f32],
    act: Activation,
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 4, z, ldz, &[h, c]);
    let (h_pointer, c_pointer) = (h.as_mut_ptr(), c.as_mut_ptr());
    if act == Activation::Tanh && recurrent_act == Activation::Sigmoid {
        let k = Constants::hidden();
        // SAFETY: `check` has seen the rows of z, h and c.
        unsafe {
            for_each(rows, hp, z, ldz, |z, _| {
                let (i, f, o) = (sigmoid_by(k, z.get(0)), sigmoid_by(k, z.get(1)), sigmoid_by(k, z.get(3)));
                z.set(0, i);
                z.set(1, f);
                z.set(3, o);
            });
            for_each(rows, hp, z, ldz, |z, at| {
                let g = tanh_by(k, z.get(2));
                z.set(2, g);
                (z.get(1) * F32x4::read(c_pointer.add(at)) + z.get(0) * g).write(c_pointer.add(at));
            });
            for_each(rows, hp, z, ldz, |z, at| {
                (z.get(3) * tanh_by(k, F32x4::read(c_pointer.add(at)))).write(h_pointer.add(at));
            });
        }
        return;
    }
    for gate in [0, 1, 3] {
        plane(recurrent_act, rows, units, ldz, z, gate * hp);
    }
    plane(act, rows, units, ldz, z, 2 * hp);
    // SAFETY: as above.
    unsafe {
        for_each(rows, hp, z, ldz, |z, at| {
            let new = z.get(1) * F32x4::read(c_pointer.add(at)) + z.get(0) * z.get(2);
            new.write(c_pointer.add(at));
            new.write(h_pointer.add(at));
        });
        activate_rows(act, rows, units, hp, h);
        for_each(rows, hp, z, ldz, |z, at| {
            (z.get(3) * F32x4::read(h_pointer.add(at))).write(h_pointer.add(at));
        });
    }
}

/// `z` rows `[x | z | r | rec]`: h̃ = act(x + r · rec), h = z h + (1 − z) h̃; h̃ is left in plane x. `h` holds the previous and then
/// the new state.
pub fn gru_after(
    rows: usize,
    units: usize,
    z: &mut [f32],
    ldz: usize,
    h: &mut [f32],
    act: Activation,
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 4, z, ldz, &[h]);
    let h = h.as_mut_ptr();
    if act == Activation::Tanh && recurrent_act == Activation::Sigmoid {
        let k = Constants::hidden();
        // SAFETY: `check` has seen the rows of z and h.
        unsafe {
            for_each(rows, hp, z, ldz, |z, _| {
                let reset = sigmoid_by(k, z.get(2));
                z.set(2, reset);
                z.set(0, z.get(0) + reset * z.get(3));
            });
            for_each(rows, hp, z, ldz, |z, at| {
                let (candidate, update) = (tanh_by(k, z.get(0)), sigmoid_by(k, z.get(1)));
                z.set(0, candidate);
                z.set(1, update);
                blend(update, candidate, h.add(at));
            });
        }
        return;
    }
    for gate in [1, 2] {
        plane(recurrent_act, rows, units, ldz, z, gate * hp);
    }
    // SAFETY: as above.
    unsafe {
        for_each(rows, hp, z, ldz, |z, _| z.set(0, z.get(0) + z.get(2) * z.get(3)));
        plane(act, rows, units, ldz, z, 0);
        for_each(rows, hp, z, ldz, |z, at| blend(z.get(1), z.get(0), h.add(at)));
    }
}

/// `z` rows `[x | z | r]`, before the candidate's recurrent product: z and r are activated, `rh[rows, hp]` = r h.
pub fn gru_before_reset(
    rows: usize,
    units: usize,
    z: &mut [f32],
    ldz: usize,
    h: &[f32],
    rh: &mut [f32],
    recurrent_act: Activation,
) {
    let hp = check(rows, units, 3, z, ldz, &[h, rh]);
    for gate in [1, 2] {
        plane(recurrent_act, rows, units, ldz, z, gate * hp);
    }
    // SAFETY: `check` has seen the rows of z, h and rh.
    unsafe {
        for_each(rows, hp, z, ldz, |z, at| {
            (z.get(2) * F32x4::read(h.as_ptr().add(at))).write(rh.as_mut_ptr().add(at));
        });
    }
}

/// `z` rows `[x | z | r]`, plane x holding x + (r h) · R: h̃ = act(x), h = z h + (1 − z) h̃; h̃ is left in plane x.
pub fn gru_before_output(
    rows: usize,
    units: usize,
    z: &mut [f32],
    ldz: usize,
    h: &mut [f32],
    act: Activation,
) {
    let hp = check(rows, units, 3, z, ldz, &[h]);
    plane(act, rows, units, ldz, z, 0);
    // SAFETY: `check` has seen the rows of z and h.
    unsafe {
        for_each(rows, hp, z, ldz, |z, at| blend(z.get(1), z.get(0), h.as_mut_ptr().add(at)));
    }
}

/// hp, once `z` is known to have rows of `planes` planes and each state rows of hp.
fn check(rows: usize, units: usize, planes: usize, z: &[f32], ldz: usize, states: &[&[f32]]) -> usize {
    let hp = padded(units);
    ensure(fits(z.len(), rows, planes * hp, ldz) && (rows <= 1 || planes * hp <= ldz));
    for state in states {
        ensure(rows.saturating_mul(hp) <= state.len());
    }
    hp
}

/// Activates the plane that starts at `offset` of each row.
pub(crate) fn plane(act: Activation, rows: usize, units: usize, ldz: usize, z: &mut [f32], offset: usize) {
    if rows > 0 && units > 0 {
        // A row kind sees the units; others whole vectors, pads included.
        let width = if act.is_row() { units } else { padded(units) };
        activate_rows(act, rows, width, ldz, &mut z[offset..]);
    }
}

/// h = z h + (1 − z) h̃.
///
/// # Safety
/// `h` points at four f32.
#[inline(always)]
unsafe fn blend(update: F32x4, candidate: F32x4, h: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe {
        let new = update * F32x4::read(h) + (F32x4::splat(1.0) - update) * candidate;
        new.write(h);
    }
}

/// Four units of a row of `z`: plane p is `hp` after plane p − 1.
#[derive(Clone, Copy)]
struct Lanes {
    at: *mut f32,
    hp: usize,
}

impl Lanes {
    #[inline(always)]
    fn get(self, plane: usize) -> F32x4 {
        // SAFETY: made only by `for_each`, whose caller has checked that the rows have the planes.
        unsafe { F32x4::read(self.at.add(plane * self.hp)) }
    }

    #[inline(always)]
    fn set(self, plane: usize, x: F32x4) {
        // SAFETY: as for `get`.
        unsafe { x.write(self.at.add(plane * self.hp)) }
    }
}

/// Calls `f` with four units at a time and their place in the states.
///
/// # Safety
/// `z` has `rows` rows, `ldz` apart, of all the planes that `f` uses.
#[inline(always)]
unsafe fn for_each(rows: usize, hp: usize, z: &mut [f32], ldz: usize, mut f: impl FnMut(Lanes, usize)) {
    for row in 0..rows {
        // SAFETY: the caller's promise.
        let start = unsafe { z.as_mut_ptr().add(row * ldz) };
        let mut unit = 0;
        while unit < hp {
            // SAFETY: unit < hp.
            let at = unsafe { start.add(unit) };
            f(Lanes { at, hp }, row * hp + unit);
            unit += 4;
        }
    }
}

#[cfg(test)]
#[path = "gates/tests.rs"]
mod tests;
