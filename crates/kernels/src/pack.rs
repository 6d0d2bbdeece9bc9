//! The one layout of packed weights, for gemm and for batch 1 alike.
//!
//! Columns are taken in panels of [`PANEL`] vectors of four; inside a panel row k is contiguous, one cache line, so that a step
//! streams memory forwards: `[panel][k][columns of the panel]`. The last panel is narrower when columns run out; only the last
//! vector is padded, with zeros. The width was chosen by measurement: bench/record/.

use crate::{ensure, fits};

/// Vectors of four columns in a panel.
pub const PANEL: usize = 4;

/// `units` rounded up to a multiple of four.
pub fn padded(units: usize) -> usize {
    units.next_multiple_of(4)
}

/// The length of a packed `[k, n]` matrix, in f32.
pub fn packed_len(k: usize, n: usize) -> usize {
    k * padded(n)
}

/// The vectors of the panel that starts with vector `first` of `vectors`.
#[inline(always)]
pub(crate) fn panel_width(first: usize, vectors: usize) -> usize {
    (vectors - first).min(PANEL)
}

/// Packs `src[k, n]`, its rows `k_stride` and its columns `n_stride` apart (so a transposed matrix too).
pub fn pack(src: &[f32], k: usize, n: usize, k_stride: usize, n_stride: usize, dst: &mut [f32]) {
    if n_stride != 1 {
        return pack_planes(src, k, k_stride, n_stride, n, &[0], dst);
    }
    // Rows that lie together are copied in runs.
    let vectors = padded(n) / 4;
    ensure(fits(src.len(), k, n, k_stride) && packed_len(k, n) <= dst.len());
    let mut rest = dst;
    for first in (0..vectors).step_by(PANEL) {
        let width = panel_width(first, vectors) * 4;
        let inside = width.min(n - first * 4);
        let (panel, after) = rest.split_at_mut(k * width);
        for (row, to) in panel.chunks_exact_mut(width).enumerate() {
            let (to, pad) = to.split_at_mut(inside);
            to.copy_from_slice(&src[row * k_stride + first * 4..][..inside]);
            pad.fill(0.0);
        }
        rest = after;
    }
}

/// Packs `src[k, gates · units]` with its columns regrouped for the fused gates: plane p is gate `planes[p]`, padded with zero
/// columns to a multiple of four, so that each activation is one contiguous run.
pub fn pack_gates(src: &[f32], k: usize, units: usize, gates: usize, planes: &[usize], dst: &mut [f32]) {
    pack_planes(src, k, gates * units, 1, units, planes, dst);
}

/// Packs `src[n, gates · units]` turned: k goes through the planes of [`pack_gates`], pads with zero rows, n columns.
pub fn pack_gates_turned(
    src: &[f32],
    n: usize,
    units: usize,
    gates: usize,
    planes: &[usize],
    dst: &mut [f32],
) {
    let (k, ld) = (planes.len() * padded(units), gates * units);
    ensure(planes.iter().all(|&gate| gate < gates) && fits(src.len(), n, ld, ld));
    ensure(packed_len(k, n) <= dst.len());
    let vectors = padded(n) / 4;
    let mut out = dst.iter_mut();
    for first in (0..vectors).step_by(PANEL) {
        let columns = first * 4..(first + panel_width(first, vectors)) * 4;
        for gate in planes {
            for unit in 0..padded(units) {
                for (column, to) in columns.clone().zip(&mut out) {
                    let at = column * ld + gate * units + unit;
                    let inside = unit < units && column < n;
                    *to = if inside { src.get(at).copied().unwrap_or(0.0) } else { 0.0 };
                }
            }
        }
    }
}

fn pack_planes(
    src: &[f32],
    k: usize,
    k_stride: usize,
    n_stride: usize,
    units: usize,
    planes: &[usize],
    dst: &mut [f32],
) {
    let last = planes.iter().fold(0, |last, plane| last.max(*plane));
    ensure(k == 0 || units == 0 || fits(src.len(), k, (last * units + units - 1) * n_stride + 1, k_stride));
    let per_plane = padded(units) / 4;
    let vectors = planes.len() * per_plane;
    ensure(dst.len() >= k * vectors * 4);
    let (out, _) = dst.as_chunks_mut::<4>();
    let mut out = out.iter_mut();
    let mut first = 0;
    while first < vectors {
        let width = panel_width(first, vectors);
        for row in 0..k {
            for vector in first..first + width {
                let (plane, column) = (vector / per_plane, vector % per_plane * 4);
                let (Some(to), Some(gate)) = (out.next(), planes.get(plane)) else {
                    return;
                };
                for (lane, x) in to.iter_mut().enumerate() {
                    let at = row * k_stride + (gate * units + column + lane) * n_stride;
                    *x = if column + lane < units { src.get(at).copied().unwrap_or(0.0) } else { 0.0 };
                }
            }
        }
        first += width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn columns_are_grouped_in_panels() {
        let (k, n) = (2, 37);
        let src: Vec<f32> = (0..k * n).map(|i| i as f32).collect();
        let mut packed = vec![-1.0; packed_len(k, n)];
        pack(&src, k, n, n, 1, &mut packed);
        for row in 0..k {
            for column in 0..40 {
                let (panel, width) = (column / 16, if column < 32 { 16 } else { 8 });
                let at = panel * k * 16 + row * width + column % 16;
                let want = if column < n { src[row * n + column] } else { 0.0 };
                assert_eq!(packed[at], want, "{row} {column}");
            }
        }
        let transposed: Vec<f32> = (0..n * k).map(|i| src[i % k * n + i / k]).collect();
        let mut again = vec![-1.0; packed_len(k, n)];
        pack(&transposed, k, n, 1, k, &mut again);
        assert_eq!(packed, again);
    }

    #[test]
    fn turned_gates_are_the_same_planes() {
        let (n, units, gates) = (21, 5, 3);
        let src: Vec<f32> = (0..n * units * gates).map(|i| i as f32).collect();
        let mut packed = vec![-1.0; packed_len(2 * padded(units), n)];
        pack_gates_turned(&src, n, units, gates, &[2, 0], &mut packed);
        for row in 0..16 {
            for column in 0..24 {
                let (gate, unit) = ([2, 0][row / 8], row % 8);
                let (panel, width) = (column / 16, if column < 16 { 16 } else { 8 });
                let at = panel * 16 * 16 + row * width + column % 16;
                let inside = unit < units && column < n;
                let want = if inside { src[column * 15 + gate * 5 + unit] } else { 0.0 };
                assert_eq!(packed[at], want, "{row} {column}");
            }
        }
    }

    #[test]
    fn gates_are_regrouped() {
        let (k, units, gates) = (3, 5, 3);
        let src: Vec<f32> = (0..k * units * gates).map(|i| i as f32).collect();
        let mut packed = vec![-1.0; packed_len(k, 2 * padded(units))];
        pack_gates(&src, k, units, gates, &[2, 0], &mut packed);
        for row in 0..k {
            for column in 0..16 {
                let (gate, unit) = ([2, 0][column / 8], column % 8);
                let want = if unit < units { src[row * 15 + gate * 5 + unit] } else { 0.0 };
                assert_eq!(packed[row * 16 + column], want);
            }
        }
    }
}
