//! The tiles that were tried for the products (bench/kernels.mjs --tiles): rows × vectors, k unrolled, panels of some width.

use super::{buffer, reserve};
use core::slice::from_raw_parts;
use layer_rnn_kernels::simd::F32x4;

type Tile = unsafe fn(usize, *const f32, usize, *const f32, usize, *mut f32, usize);

/// (rows, vectors, k unrolled, the tile)
const TILES: &[(usize, usize, usize, Tile)] = &[
    (4, 2, 1, tile::<4, 2, 1>),
    (4, 2, 2, tile::<4, 2, 2>),
    (4, 2, 4, tile::<4, 2, 4>),
    (2, 4, 1, tile::<2, 4, 1>),
    (2, 4, 2, tile::<2, 4, 2>),
    (2, 4, 4, tile::<2, 4, 4>),
    (3, 3, 1, tile::<3, 3, 1>),
    (5, 2, 1, tile::<5, 2, 1>),
    (6, 2, 1, tile::<6, 2, 1>),
    (4, 3, 1, tile::<4, 3, 1>),
    (8, 1, 1, tile::<8, 1, 1>),
    (8, 1, 2, tile::<8, 1, 2>),
    (1, 4, 1, tile::<1, 4, 1>),
    (1, 4, 2, tile::<1, 4, 2>),
    (1, 4, 4, tile::<1, 4, 4>),
    (1, 6, 1, tile::<1, 6, 1>),
    (1, 6, 2, tile::<1, 6, 2>),
    (1, 6, 4, tile::<1, 6, 4>),
    (1, 8, 1, tile::<1, 8, 1>),
    (1, 8, 2, tile::<1, 8, 2>),
    (1, 8, 4, tile::<1, 8, 4>),
    (1, 10, 1, tile::<1, 10, 1>),
    (1, 10, 2, tile::<1, 10, 2>),
    (1, 12, 1, tile::<1, 12, 1>),
    (1, 12, 2, tile::<1, 12, 2>),
    (1, 16, 1, tile::<1, 16, 1>),
];

/// How many tiles there are.
#[unsafe(no_mangle)]
pub extern "C" fn tile_count() -> usize {
    TILES.len()
}

/// A tile as rows · 10000 + vectors · 100 + k unrolled.
#[unsafe(no_mangle)]
pub extern "C" fn tile_name(which: usize) -> usize {
    let (rows, vectors, unrolled, _) = TILES[which];
    rows * 10_000 + vectors * 100 + unrolled
}

/// Packs in panels of `panel` vectors, the last padded.
///
/// # Safety
/// `src` has k · n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tile_packed(
    src: *const f32,
    k: usize,
    n: usize,
    panel: usize,
) -> *const f32 {
    let panels = n.div_ceil(panel * 4);
    let to = reserve(k * panels * panel * 4);
    // SAFETY: the caller's promise, and a new buffer.
    let (src, out) = unsafe {
        (
            from_raw_parts(src, k * n),
            buffer(to, k * panels * panel * 4),
        )
    };
    for (at, x) in out.iter_mut().enumerate() {
        let (row, column) = (
            at / (panel * 4) % k,
            at / (panel * 4 * k) * panel * 4 + at % (panel * 4),
        );
        if column < n {
            *x = src[row * n + column];
        }
    }
    to
}

/// `c[m, n] = a · w` by one tile, where m and n are multiples of its sizes (c's rows have the padded width).
///
/// # Safety
/// The buffers have the sizes said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tile_product(
    times: u32,
    which: usize,
    panel: usize,
    m: usize,
    k: usize,
    n: usize,
    a: *const f32,
    w: *const f32,
    c: *mut f32,
) {
    let (rows, vectors, _, run) = TILES[which];
    for _ in 0..times {
        let mut column = 0;
        while column < n / 4 {
            let mut row = 0;
            while row < m {
                let mut vector = 0;
                while vector < panel {
                    // SAFETY: the tile lies inside the rows and the panel.
                    unsafe {
                        let at = w.add(column * 4 * k + vector * 4);
                        let c = c.add(row * n + (column + vector) * 4);
                        run(k, a.add(row * k), k, at, panel * 4, c, n);
                    }
                    vector += vectors;
                }
                row += rows;
            }
            column += panel;
        }
    }
}

/// # Safety
/// `a` has R rows of k, `w` k rows of V vectors, `stride` apart, c R rows of V vectors.
unsafe fn tile<const R: usize, const V: usize, const U: usize>(
    k: usize,
    a: *const f32,
    lda: usize,
    mut w: *const f32,
    stride: usize,
    c: *mut f32,
    ldc: usize,
) {
    let mut sums = [[F32x4::ZERO; V]; R];
    let mut a: [*const f32; R] = core::array::from_fn(|r| a.wrapping_add(r * lda));
    // SAFETY: all addresses are inside what the caller promised.
    unsafe {
        for _ in 0..k / U {
            for u in 0..U {
                let weights: [F32x4; V] = core::array::from_fn(|v| F32x4::read(w.add(v * 4)));
                for (sums, a) in sums.iter_mut().zip(&mut a) {
                    let x = F32x4::read_splat(a.add(u));
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = *sum + x * weight;
                    }
                }
                w = w.add(stride);
            }
            for a in &mut a {
                *a = a.add(U);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                sum.write(c.add(r * ldc + v * 4));
            }
        }
    }
}
