//! The tiles that were tried for the products (bench/kernels.mjs --tiles): rows × panels × vectors of four columns, k unrolled.

use super::{buffer, reserve};
use core::slice::from_raw_parts;
use layer_rnn_kernels::simd::F32x4;

type Tile = unsafe fn(usize, *const f32, usize, &*const f32, *mut f32, usize);

macro_rules! tiles {
    ($(($rows:literal, $panels:literal, $vectors:literal, $unrolled:literal))+) => {
        /// (rows, panels, vectors of a panel, k unrolled, the tile)
        const TILES: &[([usize; 4], Tile)] = &[
            $(([$rows, $panels, $vectors, $unrolled], tile::<$rows, $panels, $vectors, $unrolled>)),+
        ];
    };
}
tiles! {
    (4, 1, 2, 1) (4, 1, 2, 2) (4, 1, 2, 4)
    (2, 1, 4, 1) (2, 1, 4, 2) (2, 1, 4, 4)
    (2, 2, 2, 1) (2, 2, 2, 2) (4, 2, 1, 2)
    (3, 1, 3, 1) (3, 1, 3, 2) (4, 1, 3, 1) (5, 1, 2, 1) (6, 1, 2, 1) (8, 1, 1, 1) (8, 1, 1, 2)
    (1, 1, 4, 1) (1, 1, 4, 2) (1, 1, 4, 4) (1, 2, 4, 1) (1, 2, 4, 2) (1, 2, 4, 4)
    (1, 3, 4, 1) (1, 3, 4, 2) (1, 3, 4, 4) (1, 4, 2, 2) (1, 6, 2, 2)
    (1, 1, 8, 1) (1, 1, 8, 2) (1, 1, 8, 4) (1, 1, 12, 1) (1, 1, 12, 2) (1, 1, 16, 1)
}

/// How many tiles there are.
#[unsafe(no_mangle)]
pub extern "C" fn tile_count() -> usize {
    TILES.len()
}

/// A number that describes a tile: `what` 0 its rows, 1 its panels, 2 the vectors of a panel, 3 how far k is unrolled.
#[unsafe(no_mangle)]
pub extern "C" fn tile_size(which: usize, what: usize) -> usize {
    TILES[which].0[what]
}

/// Packs in panels of `vectors` vectors, for n a multiple of their columns.
///
/// # Safety
/// `src` has k · n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tile_packed(src: *const f32, k: usize, n: usize, vectors: usize) -> *const f32 {
    let to = reserve(k * n);
    // SAFETY: the caller's promise, and a new buffer.
    let (src, out) = unsafe { (from_raw_parts(src, k * n), buffer(to, k * n)) };
    let wide = vectors * 4;
    for (at, x) in out.iter_mut().enumerate() {
        *x = src[at / wide % k * n + at / (wide * k) * wide + at % wide];
    }
    to
}

/// `c[m, n] = a · w` by one tile, for m and n multiples of its sizes.
///
/// # Safety
/// The buffers have the sizes said.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tile_product(
    times: u32,
    which: usize,
    m: usize,
    k: usize,
    n: usize,
    a: *const f32,
    w: *const f32,
    c: *mut f32,
) {
    let ([rows, panels, vectors, _], run) = TILES[which];
    for _ in 0..times {
        let mut column = 0;
        while column < n {
            let mut row = 0;
            while row < m {
                // SAFETY: the tile lies inside the rows and the panels.
                unsafe { run(k, a.add(row * k), k, &w.add(column * k), c.add(row * n + column), n) };
                row += rows;
            }
            column += panels * vectors * 4;
        }
    }
}

/// As the kernels' tile, but from +0.
///
/// # Safety
/// `a` has R rows of k, `w` P panels of k rows of V vectors, c R rows of P · V vectors.
unsafe fn tile<const R: usize, const P: usize, const V: usize, const U: usize>(
    k: usize,
    a: *const f32,
    lda: usize,
    w: &*const f32,
    c: *mut f32,
    ldc: usize,
) {
    let mut sums = [[[F32x4::ZERO; V]; P]; R];
    // SAFETY: all addresses are inside what the caller promised.
    unsafe {
        let mut a: [*const f32; R] = core::array::from_fn(|r| a.add(r * lda));
        let mut w: [*const f32; P] = core::array::from_fn(|panel| w.add(panel * k * V * 4));
        let end = a[0].add(k);
        for _ in 0..k % U {
            step(&mut sums, &a, &w, 0);
            a = a.map(|a| a.add(1));
            w = w.map(|w| w.add(V * 4));
        }
        while a[0] != end {
            for u in 0..U {
                step(&mut sums, &a, &w, u);
            }
            a = a.map(|a| a.add(U));
            w = w.map(|w| w.add(U * V * 4));
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.as_flattened().iter().enumerate() {
                sum.write(c.add(r * ldc + v * 4));
            }
        }
    }
}

/// Adds the products of one k, `u` further than the pointers.
///
/// # Safety
/// The pointers' rows and panels reach that far.
#[inline(always)]
unsafe fn step<const R: usize, const P: usize, const V: usize>(
    sums: &mut [[[F32x4; V]; P]; R],
    a: &[*const f32; R],
    w: &[*const f32; P],
    u: usize,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let x: [F32x4; R] = core::array::from_fn(|r| F32x4::read_splat(a[r].add(u)));
        for panel in 0..P {
            let weights = w[panel].cast::<[F32x4; V]>().add(u).read_unaligned();
            for v in 0..V {
                for r in 0..R {
                    sums[r][panel][v] = sums[r][panel][v] + x[r] * weights[v];
                }
            }
        }
    }
}
