//! Dev only: the kernels as raw WebAssembly exports, for bench/kernels.mjs. Each export repeats its kernel `times` times.
//!
//! Buffers are made by [`reserve`] and never freed.

use core::slice::{from_raw_parts, from_raw_parts_mut};
use layer_rnn_kernels::activation::Activation;
use layer_rnn_kernels::gemm::{Start, gemm};
use layer_rnn_kernels::math::{Lanewise, exp_all, sigmoid_all, tanh_all};
use layer_rnn_kernels::pack::{pack, packed_len};
use layer_rnn_kernels::simd::F32x4;
use layer_rnn_kernels::{elementwise, gates};

pub mod tiles;

/// A zero-filled buffer of `n` f32, aligned to 64 bytes.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(n: usize) -> *mut f32 {
    let (spare, align) = (16, 64);
    let pointer = vec![0f32; n + spare].leak().as_mut_ptr();
    pointer.wrapping_add(pointer.align_offset(align))
}

/// A buffer that [`reserve`] made.
///
/// # Safety
/// `at` has `n` f32 that nothing else borrows.
unsafe fn buffer<'a>(at: *mut f32, n: usize) -> &'a mut [f32] {
    // SAFETY: the caller's promise.
    unsafe { from_raw_parts_mut(at, n) }
}

/// The machine's multiply-add rate: 12 accumulators in registers, sum · x + y, 96 floating-point operations an iteration. x and y
/// are arguments because V8 would make constants anew in each iteration.
#[unsafe(no_mangle)]
pub extern "C" fn peak(iterations: u32, x: f32, y: f32) -> f32 {
    let mut sums: [F32x4; 12] = core::array::from_fn(|i| F32x4::splat(i as f32));
    let (x, y) = (F32x4::splat(x), F32x4::splat(y));
    for _ in 0..iterations {
        for sum in &mut sums {
            *sum = *sum * x + y;
        }
    }
    let total = sums.into_iter().fold(F32x4::ZERO, |a, b| a + b);
    total.to_array().iter().sum()
}

/// The machine's rate for weights that are used once: each of the `n` numbers at `from` is read and added, and nothing else done.
///
/// # Safety
/// `from` has n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stream(times: u32, n: usize, from: *const f32) -> f32 {
    // SAFETY: the caller's promise.
    let from = unsafe { from_raw_parts(from, n) };
    let mut sums = [F32x4::ZERO; 8];
    for _ in 0..times {
        let (blocks, _) = from.as_chunks::<32>();
        for block in blocks {
            let (vectors, _) = block.as_chunks::<4>();
            for (sum, vector) in sums.iter_mut().zip(vectors) {
                *sum = *sum + F32x4::load(vector);
            }
        }
    }
    let total = sums.into_iter().fold(F32x4::ZERO, |a, b| a + b);
    total.to_array().iter().sum()
}

/// Packs `src[k, n]` into a buffer of its own.
///
/// # Safety
/// `src` has k · n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn packed(src: *const f32, k: usize, n: usize) -> *const f32 {
    let len = packed_len(k, n);
    let to = reserve(len);
    // SAFETY: the caller's promise, and a new buffer.
    unsafe { pack(from_raw_parts(src, k * n), k, n, n, 1, buffer(to, len)) };
    to
}

/// `c[m, n] = bias + a[m, k] · w`.
///
/// # Safety
/// The buffers have the sizes said; `w` comes from [`packed`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn product(
    times: u32,
    m: usize,
    k: usize,
    n: usize,
    a: *const f32,
    w: *const f32,
    bias: *const f32,
    c: *mut f32,
) {
    // SAFETY: the caller's promise.
    let (a, w, bias, c) = unsafe {
        (
            from_raw_parts(a, m * k),
            from_raw_parts(w, packed_len(k, n)),
            from_raw_parts(bias, n),
            buffer(c, m * n),
        )
    };
    for _ in 0..times {
        gemm(m, k, n, a, k, w, c, n, Start::Bias(bias));
    }
}

/// The gates of one step; `cell`: 0 simple, 1 LSTM, 2 GRU with the reset after. Activations by number. z is copied from `from`
/// each time, as a product would have written it.
///
/// # Safety
/// `from` and `z` have rows of four planes, `h` and `c` rows of one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cell(
    times: u32,
    cell: u32,
    rows: usize,
    units: usize,
    from: *const f32,
    z: *mut f32,
    h: *mut f32,
    c: *mut f32,
    act: u32,
    recurrent: u32,
) {
    let planes = if cell == 0 { 1 } else { 4 };
    let (hp, ld) = (units.next_multiple_of(4), planes * units.next_multiple_of(4));
    // SAFETY: the caller's promise.
    let (from, z, h, c) = unsafe {
        (from_raw_parts(from, rows * ld), buffer(z, rows * ld), buffer(h, rows * hp), buffer(c, rows * hp))
    };
    let act = Activation::from_u32(act).unwrap_or(Activation::Linear);
    let recurrent = Activation::from_u32(recurrent).unwrap_or(Activation::Linear);
    for _ in 0..times {
        z.copy_from_slice(from);
        match cell {
            0 => gates::simple(rows, units, z, ld, h, act),
            1 => gates::lstm(rows, units, z, ld, h, c, act, recurrent),
            _ => gates::gru_after(rows, units, z, ld, h, act, recurrent),
        }
    }
}

/// y = f(x) over `n` (a multiple of four) numbers; `which`: 0 exp, 1 tanh, 2 sigmoid, 3 nothing (the copy alone).
///
/// # Safety
/// `x` and `y` have n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lanewise(times: u32, which: u32, n: usize, x: *const f32, y: *mut f32) {
    // SAFETY: the caller's promise.
    let (x, y) = unsafe { (from_raw_parts(x, n), buffer(y, n)) };
    let f: Lanewise = match which {
        0 => exp_all,
        1 => tanh_all,
        2 => sigmoid_all,
        _ => |_| {},
    };
    for _ in 0..times {
        y.copy_from_slice(x);
        f(y.as_chunks_mut().0);
    }
}

/// y = a + b over `n` numbers.
///
/// # Safety
/// `a`, `b` and `y` have n f32.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn add(times: u32, n: usize, a: *const f32, b: *const f32, y: *mut f32) {
    use elementwise::{Binary, Operand, binary};
    // SAFETY: the caller's promise.
    let (a, b, y) = unsafe { (from_raw_parts(a, n), from_raw_parts(b, n), buffer(y, n)) };
    for _ in 0..times {
        binary(Binary::Add, Operand::Slice(a), Operand::Slice(b), y);
    }
}
