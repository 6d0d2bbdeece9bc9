//! c = start + a · W for packed weights, any number of rows; one row streams the weights once.
//!
//! Every output element is one chain: it starts from the bias, from +0 or from what c holds, then adds a product at a time, k
//! ascending, multiplied and added separately, zeros too. So tiles may be cut in any way, and k continued in another call: the
//! bits stay the same. The tiles were chosen by measurement: bench/record/.

use crate::pack::{packed_len, padded, panel_width};
use crate::simd::F32x4;
use crate::{ensure, extent};

/// What the chains of a product start from.
#[derive(Clone, Copy)]
pub enum Start<'a> {
    /// +0
    Zero,
    /// One number for each of the n columns.
    Bias(&'a [f32]),
    /// What c holds.
    Continue,
}

/// `c[m, n] = start + a[m, k] · W`, rows of `a` and `c` being `lda` and `ldc` apart, `w` as [`crate::pack::pack`] makes it.
pub fn gemm(
    m: usize,
    k: usize,
    n: usize,
    a: &[f32],
    lda: usize,
    w: &[f32],
    c: &mut [f32],
    ldc: usize,
    start: Start,
) {
    ensure(extent(m, k, lda) <= a.len() && extent(m, n, ldc) <= c.len() && (m <= 1 || ldc >= n));
    ensure(packed_len(k, n) <= w.len());
    let c_pointer = c.as_mut_ptr();
    let (from, from_row) = match start {
        Start::Zero => (core::ptr::null(), 0),
        Start::Bias(bias) => {
            ensure(bias.len() >= n);
            (bias.as_ptr(), 0)
        }
        Start::Continue => (c_pointer.cast_const(), ldc),
    };
    let product = Product {
        k,
        a: a.as_ptr(),
        lda,
        c: c_pointer,
        ldc,
        from,
        from_row,
    };
    let vectors = padded(n) / 4;
    let mut first = 0;
    while first < vectors {
        let width = panel_width(first, vectors);
        // SAFETY: a has m rows of k, c (and the start) m rows of n, w the whole panels; all checked above.
        unsafe { panel(&product, m, n, first, width, w.as_ptr().add(first * 4 * k)) }
        first += width;
    }
}

/// One call's pointers; `from` is null for a start of +0.
struct Product {
    k: usize,
    a: *const f32,
    lda: usize,
    c: *mut f32,
    ldc: usize,
    from: *const f32,
    from_row: usize,
}

/// # Safety
/// `p` describes m rows of n columns; `w` points at the panel of `width` vectors from vector `first`.
unsafe fn panel(p: &Product, m: usize, n: usize, first: usize, width: usize, w: *const f32) {
    let mut row = 0;
    while row < m {
        let four = m - row >= 4;
        let mut vector = 0;
        while vector < width {
            let left = width - vector;
            let (run, wide): (Tile, usize) = match (four, left) {
                (true, 2..) => (tile::<4, 2>, 2),
                (true, _) => (tile::<4, 1>, 1),
                (false, 8..) => (tile::<1, 8>, 8),
                (false, 4..) => (tile::<1, 4>, 4),
                (false, 2..) => (tile::<1, 2>, 2),
                (false, _) => (tile::<1, 1>, 1),
            };
            let column = (first + vector) * 4;
            // SAFETY: the tile lies inside the rows and the panel; columns past n go through `edge`.
            unsafe {
                let at = At {
                    row,
                    column,
                    w: w.add(vector * 4),
                    stride: width * 4,
                };
                if column + wide * 4 <= n {
                    let from = if p.from.is_null() {
                        p.from
                    } else {
                        p.from.add(row * p.from_row + column)
                    };
                    run(
                        p,
                        &at,
                        p.c.add(row * p.ldc + column),
                        p.ldc,
                        from,
                        p.from_row,
                    );
                } else {
                    edge(p, &at, run, if four { 4 } else { 1 }, n - column, wide * 4);
                }
            }
            vector += wide;
        }
        row += if four { 4 } else { 1 };
    }
}

/// Where a tile lies, and its weights: row k is `stride` after row k − 1.
struct At {
    row: usize,
    column: usize,
    w: *const f32,
    stride: usize,
}

type Tile = unsafe fn(&Product, &At, *mut f32, usize, *const f32, usize);

/// A tile whose last vector reaches past column n: computed in a buffer.
///
/// # Safety
/// As for [`tile`], with `columns` < `wide` columns left.
unsafe fn edge(p: &Product, at: &At, run: Tile, rows: usize, columns: usize, wide: usize) {
    let mut buffer = [0.0f32; 32];
    for r in 0..rows {
        for j in 0..columns {
            if !p.from.is_null() {
                // SAFETY: row and column lie inside the start.
                buffer[r * wide + j] =
                    unsafe { *p.from.add((at.row + r) * p.from_row + at.column + j) };
            }
        }
    }
    let pointer = buffer.as_mut_ptr();
    // SAFETY: rows · wide ≤ 32.
    unsafe { run(p, at, pointer, wide, pointer.cast_const(), wide) };
    for r in 0..rows {
        for j in 0..columns {
            // SAFETY: row and column lie inside c.
            unsafe { *p.c.add((at.row + r) * p.ldc + at.column + j) = *pointer.add(r * wide + j) };
        }
    }
}

/// R rows by V vectors; R · V accumulators, V weights and a number of `a` must fit sixteen registers.
///
/// # Safety
/// `p.a` has the rows, `at.w` k rows of V vectors, `c` R rows of V vectors, and so has `from` unless it is null.
unsafe fn tile<const R: usize, const V: usize>(
    p: &Product,
    at: &At,
    c: *mut f32,
    ldc: usize,
    from: *const f32,
    from_row: usize,
) {
    let mut sums = [[F32x4::ZERO; V]; R];
    // SAFETY: all addresses are inside what the caller promised.
    unsafe {
        if !from.is_null() {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = F32x4::read(from.add(r * from_row + v * 4));
                }
            }
        }
        let mut w = at.w;
        let a: [*const f32; R] = core::array::from_fn(|r| p.a.add((at.row + r) * p.lda));
        for k in 0..p.k {
            let weights: [F32x4; V] = core::array::from_fn(|v| F32x4::read(w.add(v * 4)));
            for (sums, a) in sums.iter_mut().zip(a) {
                let x = F32x4::read_splat(a.add(k));
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = *sum + x * weight;
                }
            }
            w = w.add(at.stride);
        }
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                sum.write(c.add(r * ldc + v * 4));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::pack;
    use layer_rnn_testkit::{naive, random::Random};
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const SIZES: [usize; 12] = [1, 2, 3, 4, 5, 8, 13, 31, 32, 33, 40, 67];

    fn packed(w: &[f32], k: usize, n: usize) -> Vec<f32> {
        let mut packed = vec![f32::NAN; packed_len(k, n)];
        pack(w, k, n, n, 1, &mut packed);
        packed
    }

    /// One chain, k ascending: exact to the bit.
    #[test]
    fn every_element_is_one_chain() {
        let mut random = Random::new(3);
        for m in [1, 2, 3, 4, 5, 9] {
            for k in [0, 1, 2, 7, 33] {
                for n in SIZES {
                    let (lda, ldc) = (k + 3, n + 5);
                    let a = random.numbers(m * lda, 1.0);
                    let w = random.numbers(k * n, 1.0);
                    let bias = random.numbers(n, 1.0);
                    let before = random.numbers(m * ldc, 1.0);
                    let packed = packed(&w, k, n);
                    for (which, start) in [Start::Zero, Start::Bias(&bias), Start::Continue]
                        .into_iter()
                        .enumerate()
                    {
                        let mut c = before.clone();
                        gemm(m, k, n, &a, lda, &packed, &mut c, ldc, start);
                        for i in 0..m {
                            for j in 0..ldc {
                                let mut want = before[i * ldc + j];
                                if j < n {
                                    want = [0.0, bias[j], want][which];
                                    for t in 0..k {
                                        want += a[i * lda + t] * w[t * n + j];
                                    }
                                }
                                assert_eq!(
                                    c[i * ldc + j].to_bits(),
                                    want.to_bits(),
                                    "{m} {k} {n} at {i} {j}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_alone_and_in_a_batch_and_k_continued_have_the_same_bits() {
        let mut random = Random::new(4);
        for (m, k, n) in [(33, 40, 160), (7, 19, 29), (12, 128, 64)] {
            let a = random.numbers(m * k, 1.0);
            let w = random.numbers(k * n, 1.0);
            let whole = packed(&w, k, n);
            let mut c = vec![0.0; m * n];
            gemm(m, k, n, &a, k, &whole, &mut c, n, Start::Zero);
            let cut = k / 3;
            let (head, tail) = (
                packed(&w[..cut * n], cut, n),
                packed(&w[cut * n..], k - cut, n),
            );
            for i in 0..m {
                let mut row = vec![0.0; n];
                gemm(1, cut, n, &a[i * k..], k, &head, &mut row, n, Start::Zero);
                gemm(
                    1,
                    k - cut,
                    n,
                    &a[i * k + cut..],
                    k,
                    &tail,
                    &mut row,
                    n,
                    Start::Continue,
                );
                assert_eq!(row, c[i * n..(i + 1) * n]);
            }
            let want = naive::gemm(m, k, n, &a, &w);
            layer_rnn_testkit::close(&c, &want, 2e-6, 2e-5, "gemm");
        }
    }

    #[test]
    fn zero_times_nan_is_not_skipped() {
        let w = packed(&[f32::NAN, 1.0, f32::INFINITY, 1.0], 2, 2);
        let mut c = [0.0; 2];
        gemm(1, 2, 2, &[0.0, 0.0], 2, &w, &mut c, 2, Start::Zero);
        assert!(c[0].is_nan() && c[1] == 0.0);
    }

    #[test]
    fn identity_changes_nothing() {
        let mut random = Random::new(5);
        let (m, n) = (6, 37);
        let a = random.numbers(m * n, 1.0);
        let identity: Vec<f32> = (0..n * n)
            .map(|i| if i / n == i % n { 1.0 } else { 0.0 })
            .collect();
        let mut c = vec![0.0; m * n];
        gemm(
            m,
            n,
            n,
            &a,
            n,
            &packed(&identity, n, n),
            &mut c,
            n,
            Start::Zero,
        );
        assert_eq!(a, c);
    }
}
