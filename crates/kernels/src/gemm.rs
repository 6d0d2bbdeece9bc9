//! c = start + a · W for packed weights, any number of rows; one row streams the weights once.
//!
//! Every output element is one chain: it starts from the bias, from +0 or from what c holds, then adds a product at a time, k
//! ascending, multiplied and added separately, zeros too. So tiles may be cut in any way, and k continued in another call: the
//! bits stay the same. The tiles were chosen by measurement: bench/record/.

use crate::pack::{PANEL, pack, packed_len, padded, panel_width};
use crate::simd::F32x4;
use crate::{ensure, fits};

/// How much of k several rows go through at once: that much of a panel, 16 KB, stays in the first cache.
const BLOCK: usize = 256;

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
    ensure(fits(a.len(), m, k, lda) && fits(c.len(), m, n, ldc) && (m <= 1 || ldc >= n));
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
    let product = Product { k, a: a.as_ptr(), lda, w: w.as_ptr(), c: c_pointer, ldc, from, from_row };
    let vectors = padded(n) / 4;
    let mut first = 0;
    while first < vectors {
        let width = panel_width(first, vectors);
        // A single row takes up to three panels at once: enough chains to hide an addition's latency.
        let together = if width < PANEL || m > 1 {
            1
        } else {
            match (vectors - first) / PANEL {
                2 | 4 => 2,
                panels => panels.min(3),
            }
        };
        // SAFETY: a has m rows of k, c (and the start) m rows of n, w the whole panels; all checked above.
        unsafe {
            let w = product.w.add(first * 4 * k);
            let mut part = Product { k: if m > 1 { k.min(BLOCK) } else { k }, w, ..product };
            // apart from the loop, which one row does not need: 5 % of small products
            columns(&part, m, n, first, width, together);
            let mut done = part.k;
            while done < k {
                part = Product {
                    k: (k - done).min(BLOCK),
                    a: product.a.add(done),
                    w: w.add(done * width * 4),
                    from: c_pointer.cast_const(),
                    from_row: ldc,
                    ..product
                };
                columns(&part, m, n, first, width, together);
                done += part.k;
            }
        }
        first += width * together;
    }
}

/// How many f32 of scratch [`gemm_tn`] takes.
pub fn gemm_tn_scratch(rows: usize, m: usize, n: usize) -> usize {
    // too large to count is too large to have: the allocation fails
    rows.min(BLOCK).saturating_mul(m.saturating_add(padded(n)))
}

/// `c[m, n] = start + Σ a[row, :]ᵀ b[row, :]`, rows ascending: a gradient of weights. Rows of `a`, `b` and `c` are `lda`, `ldb` and
/// `ldc` apart. Blocks of rows are turned and packed in `scratch` ([`gemm_tn_scratch`]); the chains go on from block to block, so
/// rows may also be given in several calls.
pub fn gemm_tn(
    rows: usize,
    m: usize,
    n: usize,
    a: &[f32],
    lda: usize,
    b: &[f32],
    ldb: usize,
    c: &mut [f32],
    ldc: usize,
    scratch: &mut [f32],
    start: Start,
) {
    ensure(fits(a.len(), rows, m, lda) && fits(b.len(), rows, n, ldb));
    ensure(gemm_tn_scratch(rows, m, n) <= scratch.len());
    let (turned, packed) = scratch.split_at_mut(m * rows.min(BLOCK));
    let (mut done, mut start) = (0, start);
    loop {
        let block = (rows - done).min(BLOCK);
        if m > 0 && n > 0 {
            transpose(block, m, &a[done * lda..], lda, turned);
            pack(&b[done * ldb..], block, n, ldb, 1, packed);
        }
        gemm(m, block, n, turned, block, packed, c, ldc, start);
        (done, start) = (done + block, Start::Continue);
        if done == rows {
            return;
        }
    }
}

/// `to[m, rows]` = `a[rows, m]` turned, four rows at a time: what is written stays together.
fn transpose(rows: usize, m: usize, a: &[f32], lda: usize, to: &mut [f32]) {
    let mut row = 0;
    while row + 4 <= rows {
        let line = |r: usize| &a[(row + r) * lda..][..m];
        let lines = line(0).iter().zip(line(1)).zip(line(2)).zip(line(3));
        for ((((x, y), z), w), to) in lines.zip(to[row..].chunks_mut(rows)) {
            to[..4].copy_from_slice(&[*x, *y, *z, *w]);
        }
        row += 4;
    }
    for row in row..rows {
        for (x, to) in a[row * lda..][..m].iter().zip(to[row..].chunks_mut(rows)) {
            to[0] = *x;
        }
    }
}

/// One call's pointers; `from` is null for a start of +0. The weights' is here because V8 extends what an argument hands over at
/// each use.
struct Product {
    k: usize,
    a: *const f32,
    lda: usize,
    w: *const f32,
    c: *mut f32,
    ldc: usize,
    from: *const f32,
    from_row: usize,
}

/// The rows of some panels' columns: `together` panels of `width` vectors, from vector `first`, packed at `p.w`.
///
/// # Safety
/// `p` describes m rows of n columns; the panels lie inside the packed weights.
unsafe fn columns(p: &Product, m: usize, n: usize, first: usize, width: usize, together: usize) {
    let (column, wide) = (first * 4, together * width * 4);
    let mut row = 0;
    while row < m {
        let (run, rows): (Tile, usize) = match (m - row, together, width) {
            (1, 3, _) => (tile::<1, 3, 4>, 1),
            (1, 2, _) => (tile::<1, 2, 4>, 1),
            (2.., _, 4) => (tile::<2, 1, 4>, 2),
            (1, _, 4) => (tile::<1, 1, 4>, 1),
            (2.., _, 3) => (tile::<2, 1, 3>, 2),
            (_, _, 3) => (tile::<1, 1, 3>, 1),
            (4.., _, 2) => (tile::<4, 1, 2>, 4),
            (_, _, 2) => (tile::<1, 1, 2>, 1),
            (4.., _, _) => (tile::<4, 1, 1>, 4),
            _ => (tile::<1, 1, 1>, 1),
        };
        // SAFETY: the tile lies inside the rows; what reaches past column n goes through a buffer.
        unsafe {
            if column + wide <= n {
                let times = if rows == 1 { 1 } else { (m - row) / rows };
                let from = if p.from.is_null() { p.from } else { p.from.add(row * p.from_row + column) };
                let c = p.c.add(row * p.ldc + column);
                run(p, row, times, c, p.ldc, from, p.from_row);
                row += rows * times;
            } else {
                edge(p, row, column, run, rows, n - column, wide);
                row += rows;
            }
        }
    }
}

type Tile = unsafe fn(&Product, usize, usize, *mut f32, usize, *const f32, usize);

/// A tile whose last vector reaches past column n: computed in a buffer.
///
/// # Safety
/// As for [`tile`], but with only `columns` of the `wide` columns there.
unsafe fn edge(p: &Product, row: usize, column: usize, run: Tile, rows: usize, columns: usize, wide: usize) {
    let mut buffer = [0.0f32; 48]; // three panels
    let pointer = buffer.as_mut_ptr();
    // SAFETY: rows · wide ≤ 48; rows and columns lie inside the start and c.
    unsafe {
        if !p.from.is_null() {
            for r in 0..rows {
                let from = p.from.add((row + r) * p.from_row + column);
                for j in 0..columns {
                    *pointer.add(r * wide + j) = *from.add(j);
                }
            }
        }
        run(p, row, 1, pointer, wide, pointer.cast_const(), wide);
        for r in 0..rows {
            let to = p.c.add((row + r) * p.ldc + column);
            for j in 0..columns {
                *to.add(j) = *pointer.add(r * wide + j);
            }
        }
    }
}

/// R rows by P panels of V vectors, `times` one below the other from row `row`: the accumulators, a number of each row and a weight
/// must fit sixteen registers.
///
/// # Safety
/// `p.a` has the rows, `p.w` the panels, one after the other; `c` has the rows of P · V vectors, and so has `from` unless it is null.
unsafe fn tile<const R: usize, const P: usize, const V: usize>(
    p: &Product,
    row: usize,
    times: usize,
    mut c: *mut f32,
    ldc: usize,
    mut from: *const f32,
    from_row: usize,
) {
    let k = p.k;
    // SAFETY: all addresses are inside what the caller promised; a null `from` is only counted on.
    unsafe {
        let starts = !from.is_null();
        let panels: [*const f32; P] = core::array::from_fn(|panel| p.w.add(panel * k * V * 4));
        let mut rows: [*const f32; R] = core::array::from_fn(|r| p.a.add((row + r) * p.lda));
        // A tile of one row is only ever wanted once: no loop around it.
        for _ in 0..if R == 1 { 1 } else { times } {
            let mut sums = [[[F32x4::ZERO; V]; P]; R];
            if starts {
                for (r, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.as_flattened_mut().iter_mut().enumerate() {
                        *sum = F32x4::read(from.add(r * from_row + v * 4));
                    }
                }
            }
            let (mut a, mut w) = (rows, panels);
            // No counter, and no way out in the middle of a turn, for which V8 11 would move sums to memory. Two steps a turn are
            // mixed: they need more registers, but are worth it where sums are few.
            let (end, turn) = (a[0].add(k), if R == 1 && P < 3 { 2 } else { 1 });
            for _ in 0..k % turn {
                step(&mut sums, &a, &w, 0);
                a = a.map(|a| a.add(1));
                w = w.map(|w| w.add(V * 4));
            }
            while a[0] != end {
                for u in 0..turn {
                    step(&mut sums, &a, &w, u);
                }
                a = a.map(|a| a.add(turn));
                w = w.map(|w| w.add(turn * V * 4));
            }
            for (r, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.as_flattened().iter().enumerate() {
                    sum.write(c.add(r * ldc + v * 4));
                }
            }
            rows = rows.map(|a| a.wrapping_add(R * p.lda));
            c = c.wrapping_add(R * ldc);
            from = from.wrapping_add(R * from_row);
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
            // Read as one array: its offsets then become part of the load instructions.
            let weights = w[panel].cast::<[F32x4; V]>().add(u).read_unaligned();
            for v in 0..V {
                for r in 0..R {
                    sums[r][panel][v] = sums[r][panel][v] + x[r] * weights[v];
                }
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

    const SIZES: [usize; 15] = [1, 2, 3, 4, 5, 8, 11, 13, 31, 32, 33, 40, 64, 67, 111];

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
            for k in [0, 1, 2, 7, 33, BLOCK, 2 * BLOCK + 5] {
                for n in SIZES.into_iter().filter(|n| k < BLOCK || n % 3 == 1) {
                    let (lda, ldc) = (k + 3, n + 5);
                    let a = random.numbers(m * lda, 1.0);
                    let w = random.numbers(k * n, 1.0);
                    let bias = random.numbers(n, 1.0);
                    let before = random.numbers(m * ldc, 1.0);
                    let packed = packed(&w, k, n);
                    for (which, start) in
                        [Start::Zero, Start::Bias(&bias), Start::Continue].into_iter().enumerate()
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
            let (head, tail) = (packed(&w[..cut * n], cut, n), packed(&w[cut * n..], k - cut, n));
            for i in 0..m {
                let mut row = vec![0.0; n];
                gemm(1, cut, n, &a[i * k..], k, &head, &mut row, n, Start::Zero);
                gemm(1, k - cut, n, &a[i * k + cut..], k, &tail, &mut row, n, Start::Continue);
                assert_eq!(row, c[i * n..(i + 1) * n]);
            }
            let want = naive::gemm(m, k, n, &a, &w);
            layer_rnn_testkit::close(&c, &want, 2e-6, 2e-5, "gemm");
        }
    }

    /// Rows ascending, in one call or in two.
    #[test]
    fn a_product_over_rows_is_one_chain() {
        let mut random = Random::new(6);
        for (m, n) in [(1, 1), (3, 5), (8, 16), (5, 33), (2, 67)] {
            for rows in [0, 1, 3, 4, 29, BLOCK, 2 * BLOCK + 7] {
                let (lda, ldb, ldc) = (m + 2, n + 3, n + 1);
                let a = random.numbers(rows * lda, 1.0);
                let b = random.numbers(rows * ldb, 1.0);
                let before = random.numbers(m * ldc, 1.0);
                let mut scratch = vec![f32::NAN; gemm_tn_scratch(rows, m, n)];
                for continued in [false, true] {
                    let start = if continued { Start::Continue } else { Start::Zero };
                    let mut c = before.clone();
                    gemm_tn(rows, m, n, &a, lda, &b, ldb, &mut c, ldc, &mut scratch, start);
                    for i in 0..m {
                        for j in 0..ldc {
                            let mut want = before[i * ldc + j];
                            if j < n {
                                want = if continued { want } else { 0.0 };
                                for row in 0..rows {
                                    want += a[row * lda + i] * b[row * ldb + j];
                                }
                            }
                            assert_eq!(c[i * ldc + j].to_bits(), want.to_bits(), "{rows} {m} {n} at {i} {j}");
                        }
                    }
                    let mut parts = before.clone();
                    let cut = rows / 3;
                    let (a_rest, b_rest) = (&a[cut * lda..], &b[cut * ldb..]);
                    gemm_tn(cut, m, n, &a, lda, &b, ldb, &mut parts, ldc, &mut scratch, start);
                    let rest = rows - cut;
                    gemm_tn(
                        rest,
                        m,
                        n,
                        a_rest,
                        lda,
                        b_rest,
                        ldb,
                        &mut parts,
                        ldc,
                        &mut scratch,
                        Start::Continue,
                    );
                    assert_eq!(c, parts);
                }
            }
        }
        let (rows, m, n) = (300, 7, 21);
        let (a, b) = (random.numbers(rows * m, 1.0), random.numbers(rows * n, 1.0));
        let turned: Vec<f32> = (0..m * rows).map(|i| a[i % rows * m + i / rows]).collect();
        let mut c = vec![f32::NAN; m * n];
        let mut scratch = vec![0.0; gemm_tn_scratch(rows, m, n)];
        gemm_tn(rows, m, n, &a, m, &b, n, &mut c, n, &mut scratch, Start::Zero);
        layer_rnn_testkit::close(&c, &naive::gemm(m, rows, n, &turned, &b), 2e-5, 2e-5, "gemm_tn");
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
        let identity: Vec<f32> = (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect();
        let mut c = vec![0.0; m * n];
        gemm(m, n, n, &a, n, &packed(&identity, n, n), &mut c, n, Start::Zero);
        assert_eq!(a, c);
    }
}
