//! simd128.

use core::arch::wasm32::*;

pub type V = v128;
pub type B = v128;

pub const ZERO: V = f32x4(0.0, 0.0, 0.0, 0.0);

/// # Safety
/// `from` is valid for reading 16 bytes.
#[inline(always)]
pub unsafe fn read(from: *const f32) -> V {
    // SAFETY: the caller's promise; WebAssembly's loads need no alignment.
    unsafe { v128_load(from.cast()) }
}

/// # Safety
/// `from` is valid for reading 4 bytes.
#[inline(always)]
pub unsafe fn read_splat(from: *const f32) -> V {
    // SAFETY: the caller's promise.
    unsafe { v128_load32_splat(from.cast()) }
}

/// # Safety
/// `to` is valid for writing 16 bytes.
#[inline(always)]
pub unsafe fn write(x: V, to: *mut f32) {
    // SAFETY: the caller's promise; WebAssembly's stores need no alignment.
    unsafe { v128_store(to.cast(), x) }
}

#[inline(always)]
pub fn splat(x: f32) -> V {
    f32x4_splat(x)
}

#[inline(always)]
pub fn splat_bits(x: u32) -> B {
    u32x4_splat(x)
}

#[inline(always)]
pub fn bits(x: V) -> B {
    x
}

#[inline(always)]
pub fn float(x: B) -> V {
    x
}

#[inline(always)]
pub fn left(x: B, by: u32) -> B {
    i32x4_shl(x, by)
}

#[inline(always)]
pub fn right(x: B, by: u32) -> B {
    i32x4_shr(x, by)
}

#[inline(always)]
pub fn choose(mask: B, a: V, b: V) -> V {
    v128_bitselect(a, b, mask)
}

#[inline(always)]
pub fn bitmask(x: B) -> u32 {
    i32x4_bitmask(x) as u32
}

macro_rules! same {
    ($($name:ident($($x:ident),+) = $instruction:ident;)+) => {
        $(#[inline(always)]
        pub fn $name($($x: v128),+) -> v128 {
            $instruction($($x),+)
        })+
    };
}
same! {
    add(a, b) = f32x4_add;
    sub(a, b) = f32x4_sub;
    mul(a, b) = f32x4_mul;
    div(a, b) = f32x4_div;
    neg(a) = f32x4_neg;
    abs(a) = f32x4_abs;
    sqrt(a) = f32x4_sqrt;
    floor(a) = f32x4_floor;
    ceil(a) = f32x4_ceil;
    nearest(a) = f32x4_nearest;
    min(a, b) = f32x4_min;
    max(a, b) = f32x4_max;
    pmin(a, b) = f32x4_pmin;
    pmax(a, b) = f32x4_pmax;
    eq(a, b) = f32x4_eq;
    ne(a, b) = f32x4_ne;
    lt(a, b) = f32x4_lt;
    le(a, b) = f32x4_le;
    add_bits(a, b) = i32x4_add;
    and(a, b) = v128_and;
    or(a, b) = v128_or;
    xor(a, b) = v128_xor;
    not(a) = v128_not;
    to_f32(a) = f32x4_convert_i32x4;
}
