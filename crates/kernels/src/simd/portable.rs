//! Arrays of four, for every machine but WebAssembly: the tests' other half.

use core::array::from_fn;

pub type V = [f32; 4];
pub type B = [u32; 4];

pub const ZERO: V = [0.0; 4];

/// # Safety
/// `from` is valid for reading four f32.
#[inline(always)]
pub unsafe fn read(from: *const f32) -> V {
    // SAFETY: the caller's promise.
    unsafe { from.cast::<V>().read_unaligned() }
}

/// # Safety
/// `from` is valid for reading one f32.
#[inline(always)]
pub unsafe fn read_splat(from: *const f32) -> V {
    // SAFETY: the caller's promise.
    [unsafe { from.read_unaligned() }; 4]
}

/// # Safety
/// `to` is valid for writing four f32.
#[inline(always)]
pub unsafe fn write(x: V, to: *mut f32) {
    // SAFETY: the caller's promise.
    unsafe { to.cast::<V>().write_unaligned(x) }
}

#[inline(always)]
pub fn splat(x: f32) -> V {
    [x; 4]
}

#[inline(always)]
pub fn splat_bits(x: u32) -> B {
    [x; 4]
}

#[inline(always)]
pub fn left(x: B, by: u32) -> B {
    x.map(|x| x << by)
}

#[inline(always)]
pub fn right(x: B, by: u32) -> B {
    x.map(|x| (x.cast_signed() >> by).cast_unsigned())
}

#[inline(always)]
pub fn choose(mask: B, a: V, b: V) -> V {
    from_fn(|i| f32::from_bits(a[i].to_bits() & mask[i] | b[i].to_bits() & !mask[i]))
}

#[inline(always)]
pub fn bitmask(x: B) -> u32 {
    (0..4).map(|i| x[i] >> 31 << i).sum()
}

fn smaller(a: f32, b: f32) -> f32 {
    if a.is_nan() || b.is_nan() {
        f32::NAN
    } else if a == b {
        f32::from_bits(a.to_bits() | b.to_bits()) // differs for zeros only
    } else if a < b {
        a
    } else {
        b
    }
}

fn larger(a: f32, b: f32) -> f32 {
    if a == b { f32::from_bits(a.to_bits() & b.to_bits()) } else { -smaller(-a, -b) }
}

fn mask(x: bool) -> u32 {
    if x { u32::MAX } else { 0 }
}

macro_rules! lanes {
    ($($name:ident($($x:ident),+): $from:ty => $to:ty = $lane:expr;)+) => {
        $(#[inline(always)]
        pub fn $name($($x: $from),+) -> $to {
            from_fn(|i| { $(let $x = $x[i];)+ $lane })
        })+
    };
}
lanes! {
    bits(a): V => B = a.to_bits();
    float(a): B => V = f32::from_bits(a);
    add(a, b): V => V = a + b;
    sub(a, b): V => V = a - b;
    mul(a, b): V => V = a * b;
    div(a, b): V => V = a / b;
    neg(a): V => V = -a;
    abs(a): V => V = a.abs();
    sqrt(a): V => V = a.sqrt();
    floor(a): V => V = a.floor();
    ceil(a): V => V = a.ceil();
    nearest(a): V => V = a.round_ties_even();
    min(a, b): V => V = smaller(a, b);
    max(a, b): V => V = larger(a, b);
    pmin(a, b): V => V = if b < a { b } else { a };
    pmax(a, b): V => V = if a < b { b } else { a };
    eq(a, b): V => B = mask(a == b);
    ne(a, b): V => B = mask(a != b);
    lt(a, b): V => B = mask(a < b);
    le(a, b): V => B = mask(a <= b);
    add_bits(a, b): B => B = a.wrapping_add(b);
    and(a, b): B => B = a & b;
    or(a, b): B => B = a | b;
    xor(a, b): B => B = a ^ b;
    not(a): B => B = !a;
    to_f32(a): B => V = a.cast_signed() as f32;
}
