//! Copies between strided places: transposes, slices, flips, broadcasts, and rows by index.

use crate::walk::{Axis, RANK, Walk};
use crate::{ensure, fits};

/// Where the elements of an array lie: the first one, and from one to the next along each axis.
#[derive(Clone, Copy)]
pub struct Places {
    /// The first element's place.
    pub first: isize,
    /// Steps along the axes. Negative ones flip; what is read may be repeated by 0.
    pub strides: [isize; RANK],
}

/// Copies an array of these sizes from its places in `src` to those in `dst`. Items are f32, i32 or bool.
pub fn copy_strided<T: Copy>(sizes: &[usize; RANK], src: &[T], from: &Places, dst: &mut [T], to: &Places) {
    let along =
        |axis: usize| Axis { length: sizes[axis], steps: [from.strides[axis], to.strides[axis], 0, 0] };
    let mut walk = Walk::new([from.first, to.first, 0, 0], along(RANK - 1));
    for axis in (0..RANK - 1).rev() {
        if sizes[axis] != 1 {
            walk.add(along(axis));
        }
    }
    ensure(walk.stays_inside(0, src.len()) && walk.stays_inside(1, dst.len()));
    let Axis { length, steps: [from_step, to_step, ..] } = walk.inner();
    for [from, to, ..] in &mut walk {
        // SAFETY: every place that the walk reaches is inside, just checked; source and destination are different slices.
        unsafe {
            let (from, to) = (src.as_ptr().offset(from), dst.as_mut_ptr().offset(to));
            if from_step == 1 && to_step == 1 {
                core::ptr::copy_nonoverlapping(from, to, length);
                continue;
            }
            for i in 0..length as isize {
                *to.offset(i * to_step) = *from.offset(i * from_step);
            }
        }
    }
}

/// `dst[i]` = row `rows[i]` of `src`: rows of `width`, `stride` apart in `src` and `dst_stride` in `dst`.
pub fn gather_rows<T: Copy>(
    src: &[T],
    width: usize,
    stride: usize,
    rows: &[i32],
    dst: &mut [T],
    dst_stride: usize,
) {
    ensure(fits(dst.len(), rows.len(), width, dst_stride));
    for (i, &row) in rows.iter().enumerate() {
        let at = row as usize * stride;
        copy_row(src, at, dst, i * dst_stride, width);
    }
}

/// Row `rows[i]` of `dst` = `src[i]`: rows of `width`, `src_stride` apart in `src` and `stride` in `dst`.
pub fn scatter_rows<T: Copy>(
    src: &[T],
    width: usize,
    src_stride: usize,
    rows: &[i32],
    dst: &mut [T],
    stride: usize,
) {
    ensure(fits(src.len(), rows.len(), width, src_stride));
    for (i, &row) in rows.iter().enumerate() {
        copy_row(src, i * src_stride, dst, row as usize * stride, width);
    }
}

#[inline(always)]
fn copy_row<T: Copy>(src: &[T], from: usize, dst: &mut [T], to: usize, width: usize) {
    let (from, to) = (src.get(from..from.wrapping_add(width)), dst.get_mut(to..to.wrapping_add(width)));
    ensure(from.is_some() && to.is_some());
    if let (Some(from), Some(to)) = (from, to) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// All places one by one.
    fn naive(
        shape: &[usize],
        src: &[i32],
        offset: isize,
        from: &[isize],
        dst: &mut [i32],
        start: usize,
        to: &[usize],
    ) {
        for at in 0..shape.iter().product() {
            let (mut rest, mut source, mut target) = (at, offset, start);
            for axis in (0..shape.len()).rev() {
                let i = rest % shape[axis];
                rest /= shape[axis];
                source += from[axis] * i as isize;
                target += to[axis] * i;
            }
            dst[target] = src[source as usize];
        }
    }

    #[test]
    fn transposes_flips_slices_and_broadcasts() {
        let src: Vec<i32> = (0..240).collect();
        type Case<'a> = (&'a [usize], isize, &'a [isize], usize, &'a [usize]);
        let cases: &[Case] = &[
            (&[], 3, &[], 5, &[]),
            (&[240], 0, &[1], 0, &[1]),
            (&[2, 3, 40], 0, &[120, 40, 1], 0, &[120, 40, 1]),
            (&[5, 7], 0, &[1, 5], 0, &[7, 1]),
            (&[3, 4, 5], 0, &[20, 1, 4], 0, &[20, 5, 1]),
            (&[6, 5], 29, &[-5, -1], 0, &[5, 1]),
            (&[4, 3, 5], 2, &[0, 5, 0], 7, &[15, 5, 1]),
            (&[2, 1, 3, 1, 2], 1, &[60, 9, 10, 9, 2], 0, &[12, 1, 4, 1, 2]),
            (&[2, 2, 2, 2, 2, 2, 2], 0, &[1, 2, 4, 8, 16, 32, 64], 0, &[64, 32, 16, 8, 4, 2, 1]),
            (&[2, 2, 2, 1, 2, 2, 2, 2], 0, &[1, 2, 4, 0, 16, 32, 64, 8], 0, &[64, 32, 16, 0, 8, 4, 2, 1]),
            (&[3, 0, 2], 0, &[1, 1, 1], 0, &[1, 1, 1]),
        ];
        for (shape, offset, from, start, to) in cases {
            let (mut got, mut want) = (vec![-1; 250], vec![-1; 250]);
            let mut sizes = [1; RANK];
            sizes[..shape.len()].copy_from_slice(shape);
            let places = |first: usize, strides: &[isize]| {
                let mut places = Places { first: first as isize, strides: [0; RANK] };
                places.strides[..shape.len()].copy_from_slice(strides);
                places
            };
            let steps: Vec<isize> = to.iter().map(|&to| to as isize).collect();
            copy_strided(&sizes, &src, &places(*offset as usize, from), &mut got, &places(*start, &steps));
            naive(shape, &src, *offset, from, &mut want, *start, to);
            assert_eq!(got, want, "{shape:?} {from:?}");
        }
    }

    #[test]
    fn rows_by_index() {
        let src: Vec<u8> = (0..30).collect();
        let mut got = [99; 12];
        gather_rows(&src, 3, 5, &[4, 0, 4], &mut got, 4);
        assert_eq!(got, [20, 21, 22, 99, 0, 1, 2, 99, 20, 21, 22, 99]);
        let mut back = [0; 30];
        scatter_rows(&got, 3, 4, &[1, 3], &mut back, 5);
        assert_eq!(back[5..8], [20, 21, 22]);
        assert_eq!(back[15..18], [0, 1, 2]);
        assert_eq!(back.iter().filter(|x| **x == 99).count(), 0);
    }
}
