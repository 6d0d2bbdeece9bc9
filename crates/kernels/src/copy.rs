//! Copies between strided places: transposes, slices, flips, broadcasts, and rows by index.

use crate::{ensure, extent};

const RANK: usize = 8;

/// One axis of a copy: its length, the step in the source (any sign, 0 to repeat) and in the destination.
#[derive(Clone, Copy)]
struct Axis {
    length: usize,
    from: isize,
    to: usize,
}

/// Copies an array of `shape` (rank 8 at most) from `src` at `src_offset` to `dst` at `dst_offset`. Source strides may be negative
/// (a flip) or 0 (a broadcast). Items are f32, i32 or bool.
pub fn copy_strided<T: Copy>(
    shape: &[usize],
    src: &[T],
    src_offset: isize,
    src_strides: &[isize],
    dst: &mut [T],
    dst_offset: usize,
    dst_strides: &[usize],
) {
    ensure(shape.len() <= RANK && src_strides.len() == shape.len() && dst_strides.len() == shape.len());
    let mut axes = [Axis { length: 1, from: 0, to: 0 }; RANK];
    let mut rank = 0;
    let (mut low, mut high, mut top) = (src_offset, src_offset, dst_offset);
    for ((&length, &from), &to) in shape.iter().zip(src_strides).zip(dst_strides) {
        if length == 0 {
            return;
        }
        let last = from.saturating_mul((length - 1) as isize);
        low = low.saturating_add(last.min(0));
        high = high.saturating_add(last.max(0));
        top = top.saturating_add(to.saturating_mul(length - 1));
        if length == 1 {
            continue;
        }
        // An axis that continues the one before it joins it.
        if let Some(before) = axes[..rank].last_mut()
            && before.from == from * length as isize
            && before.to == to * length
        {
            *before = Axis { length: before.length * length, from, to };
        } else if let Some(axis) = axes.get_mut(rank) {
            *axis = Axis { length, from, to };
            rank += 1;
        }
    }
    ensure(low >= 0 && (high as usize) < src.len() && top < dst.len());
    let [inner, outer @ ..] = rotated(axes, rank);
    // SAFETY: every place that the loops reach lies between the lowest and highest, just checked.
    unsafe {
        let from = src.as_ptr().offset(src_offset);
        let to = dst.as_mut_ptr().add(dst_offset);
        let mut index = [0; RANK - 1];
        let (mut at_from, mut at_to) = (0isize, 0usize);
        loop {
            run(inner, from.offset(at_from), to.add(at_to));
            // The next row: an odometer over the other axes, the last one fastest.
            let mut axis = 0;
            loop {
                let Some(count) = index.get_mut(axis) else {
                    return;
                };
                let Axis { length, from, to } = outer[axis];
                *count += 1;
                if *count < length {
                    at_from += from;
                    at_to += to;
                    break;
                }
                at_from -= from * (length - 1) as isize;
                at_to -= to * (length - 1);
                *count = 0;
                axis += 1;
            }
        }
    }
}

/// The axes with the last one first.
fn rotated(axes: [Axis; RANK], rank: usize) -> [Axis; RANK] {
    let mut out = [Axis { length: 1, from: 0, to: 0 }; RANK];
    for (to, from) in out.iter_mut().zip(axes.iter().take(rank).rev()) {
        *to = *from;
    }
    out
}

/// One row.
///
/// # Safety
/// Both sides are valid over the axis.
unsafe fn run<T: Copy>(axis: Axis, from: *const T, to: *mut T) {
    // SAFETY: the caller's promise; source and destination are different slices.
    unsafe {
        if axis.from == 1 && axis.to == 1 {
            core::ptr::copy_nonoverlapping(from, to, axis.length);
            return;
        }
        for i in 0..axis.length {
            *to.add(i * axis.to) = *from.offset(i as isize * axis.from);
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
    ensure(extent(rows.len(), width, dst_stride) <= dst.len());
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
    ensure(extent(rows.len(), width, src_stride) <= src.len());
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
            copy_strided(shape, &src, *offset, from, &mut got, *start, to);
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
