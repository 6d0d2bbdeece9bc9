//! [`F32x4`], four f32 lanes, and [`Bits`], their bit patterns and masks: one type each with two bodies, WebAssembly's
//! simd128 and a portable one of arrays. Both give the same bits (NaN payloads aside): nothing is fused, and `min`,
//! `max`, `pmin` and `pmax` mean what they mean in WebAssembly.
//!
//! Loads and stores take arrays of four, which a slice gives without bounds checks by `as_chunks`.

use core::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[path = "simd/wasm.rs"]
mod body;
#[cfg(not(target_arch = "wasm32"))]
#[path = "simd/portable.rs"]
mod body;
#[cfg(all(target_arch = "wasm32", not(target_feature = "simd128")))]
compile_error!("layer-rnn needs simd128: build with -Ctarget-feature=+simd128 (see .cargo/config.toml)");

/// Four f32 lanes.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct F32x4(body::V);

/// Four 32-bit patterns: the bits of an [`F32x4`], small integers, or a mask (a lane all ones or all zeros).
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Bits(body::B);

impl F32x4 {
    /// Four zeros.
    pub const ZERO: Self = Self(body::ZERO);

    /// The same number in all lanes.
    #[inline(always)]
    pub fn splat(x: f32) -> Self {
        Self(body::splat(x))
    }

    /// Lanes from an array.
    #[inline(always)]
    pub fn load(from: &[f32; 4]) -> Self {
        // SAFETY: the array has the 16 readable bytes.
        unsafe { Self::read(from.as_ptr()) }
    }

    /// Lanes into an array.
    #[inline(always)]
    pub fn store(self, to: &mut [f32; 4]) {
        // SAFETY: the array has the 16 writable bytes.
        unsafe { self.write(to.as_mut_ptr()) }
    }

    /// Lanes from memory.
    ///
    /// # Safety
    /// `from` is valid for reading four f32 (any alignment).
    #[inline(always)]
    pub unsafe fn read(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { body::read(from) })
    }

    /// One number from memory, in all lanes.
    ///
    /// # Safety
    /// `from` is valid for reading one f32.
    #[inline(always)]
    pub unsafe fn read_splat(from: *const f32) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { body::read_splat(from) })
    }

    /// Lanes into memory.
    ///
    /// # Safety
    /// `to` is valid for writing four f32 (any alignment).
    #[inline(always)]
    pub unsafe fn write(self, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe { body::write(self.0, to) }
    }

    /// Lanes from the first four numbers of a slice, zeros where it is shorter.
    #[inline(always)]
    pub fn load_part(from: &[f32]) -> Self {
        let mut lanes = [0.0; 4];
        for (lane, x) in lanes.iter_mut().zip(from) {
            *lane = *x;
        }
        Self::load(&lanes)
    }

    /// As many lanes as the slice takes, four at most.
    #[inline(always)]
    pub fn store_part(self, to: &mut [f32]) {
        for (x, lane) in to.iter_mut().zip(self.to_array()) {
            *x = lane;
        }
    }

    /// The lanes.
    #[inline(always)]
    pub fn to_array(self) -> [f32; 4] {
        let mut lanes = [0.0; 4];
        self.store(&mut lanes);
        lanes
    }

    /// |x|.
    #[inline(always)]
    pub fn abs(self) -> Self {
        Self(body::abs(self.0))
    }

    /// √x.
    #[inline(always)]
    pub fn sqrt(self) -> Self {
        Self(body::sqrt(self.0))
    }

    /// The next integer towards −∞.
    #[inline(always)]
    pub fn floor(self) -> Self {
        Self(body::floor(self.0))
    }

    /// The next integer towards +∞.
    #[inline(always)]
    pub fn ceil(self) -> Self {
        Self(body::ceil(self.0))
    }

    /// The nearest integer, halves to even.
    #[inline(always)]
    pub fn nearest(self) -> Self {
        Self(body::nearest(self.0))
    }

    /// The smaller; NaN if either is NaN; −0 before +0.
    #[inline(always)]
    pub fn min(self, other: Self) -> Self {
        Self(body::min(self.0, other.0))
    }

    /// The larger; NaN if either is NaN; +0 before −0.
    #[inline(always)]
    pub fn max(self, other: Self) -> Self {
        Self(body::max(self.0, other.0))
    }

    /// `other < self ? other : self`: one instruction; a NaN in `self` stays.
    #[inline(always)]
    pub fn pmin(self, other: Self) -> Self {
        Self(body::pmin(self.0, other.0))
    }

    /// `self < other ? other : self`: one instruction; a NaN in `self` stays.
    #[inline(always)]
    pub fn pmax(self, other: Self) -> Self {
        Self(body::pmax(self.0, other.0))
    }

    /// `self` with the sign of `sign`.
    #[inline(always)]
    pub fn copysign(self, sign: Self) -> Self {
        let top = Bits::splat(0x8000_0000);
        top.choose(sign, self)
    }

    /// The bit patterns.
    #[inline(always)]
    pub fn bits(self) -> Bits {
        Bits(body::bits(self.0))
    }

    /// Mask of `self == other`.
    #[inline(always)]
    pub fn eq(self, other: Self) -> Bits {
        Bits(body::eq(self.0, other.0))
    }

    /// Mask of `self != other` (true with a NaN).
    #[inline(always)]
    pub fn ne(self, other: Self) -> Bits {
        Bits(body::ne(self.0, other.0))
    }

    /// Mask of `self < other`.
    #[inline(always)]
    pub fn lt(self, other: Self) -> Bits {
        Bits(body::lt(self.0, other.0))
    }

    /// Mask of `self <= other`.
    #[inline(always)]
    pub fn le(self, other: Self) -> Bits {
        Bits(body::le(self.0, other.0))
    }
}

impl Bits {
    /// The same pattern in all lanes.
    #[inline(always)]
    pub fn splat(x: u32) -> Self {
        Self(body::splat_bits(x))
    }

    /// Wrapping sum of the lanes as integers.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        Self(body::add_bits(self.0, other.0))
    }

    /// Lanes shifted left.
    #[inline(always)]
    pub fn left(self, by: u32) -> Self {
        Self(body::left(self.0, by))
    }

    /// Lanes shifted right as signed integers.
    #[inline(always)]
    pub fn right(self, by: u32) -> Self {
        Self(body::right(self.0, by))
    }

    /// The lanes read as f32 bits.
    #[inline(always)]
    pub fn float(self) -> F32x4 {
        F32x4(body::float(self.0))
    }

    /// The lanes as signed integers, converted to f32.
    #[inline(always)]
    pub fn to_f32(self) -> F32x4 {
        F32x4(body::to_f32(self.0))
    }

    /// Bit by bit: `a` where a bit is one, `b` where it is zero.
    #[inline(always)]
    pub fn choose(self, a: F32x4, b: F32x4) -> F32x4 {
        F32x4(body::choose(self.0, a.0, b.0))
    }

    /// `a` where the mask holds, else +0.
    #[inline(always)]
    pub fn keep(self, a: F32x4) -> F32x4 {
        (self & a.bits()).float()
    }

    /// The top bits of the lanes, lane 0 lowest.
    #[inline(always)]
    pub fn bitmask(self) -> u32 {
        body::bitmask(self.0)
    }
}

macro_rules! operator {
    ($trait:ident $method:ident $type:ident $body:ident) => {
        impl $trait for $type {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Self(body::$body(self.0, other.0))
            }
        }
    };
}
operator!(Add add F32x4 add);
operator!(Sub sub F32x4 sub);
operator!(Mul mul F32x4 mul);
operator!(Div div F32x4 div);
operator!(BitAnd bitand Bits and);
operator!(BitOr bitor Bits or);
operator!(BitXor bitxor Bits xor);

impl Neg for F32x4 {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self(body::neg(self.0))
    }
}

impl Not for Bits {
    type Output = Self;
    #[inline(always)]
    fn not(self) -> Self {
        Self(body::not(self.0))
    }
}

/// `x * b + c` by Horner's scheme: `poly(x, [c3, c2, c1, c0])` is `((c3 x + c2) x + c1) x + c0`.
#[inline(always)]
pub fn poly<const N: usize>(x: F32x4, coefficients: [f32; N]) -> F32x4 {
    let mut sum = F32x4::splat(coefficients[0]);
    for c in &coefficients[1..] {
        sum = sum * x + F32x4::splat(*c);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    const X: [f32; 4] = [1.5, -2.5, 0.0, f32::INFINITY];
    const Y: [f32; 4] = [-3.0, 2.5, -0.0, 1.0];

    fn lanes(v: F32x4) -> [u32; 4] {
        v.to_array().map(f32::to_bits)
    }

    #[test]
    fn arithmetic_is_lane_by_lane() {
        let (x, y) = (F32x4::load(&X), F32x4::load(&Y));
        for i in 0..4 {
            assert_eq!((x + y).to_array()[i].to_bits(), (X[i] + Y[i]).to_bits());
            assert_eq!((x - y).to_array()[i].to_bits(), (X[i] - Y[i]).to_bits());
            assert_eq!(x.copysign(y).to_array()[i].to_bits(), X[i].copysign(Y[i]).to_bits());
        }
        assert_eq!((x * y).to_array()[..2], [-4.5, -6.25]);
        assert_eq!((x / y).to_array()[..2], [-0.5, -1.0]);
        assert_eq!(x.nearest().to_array()[..2], [2.0, -2.0]);
        assert_eq!(x.floor().to_array()[..2], [1.0, -3.0]);
        assert_eq!(x.ceil().to_array()[..2], [2.0, -2.0]);
        assert_eq!(lanes(-x)[2], 0x8000_0000);
    }

    #[test]
    fn minimum_and_maximum_have_one_meaning() {
        let nan = F32x4::splat(f32::NAN);
        let one = F32x4::splat(1.0);
        let (zero, minus) = (F32x4::ZERO, F32x4::splat(-0.0));
        for v in [nan.min(one), one.min(nan), nan.max(one), one.max(nan), nan.pmin(one), nan.pmax(one)] {
            assert!(v.to_array()[0].is_nan());
        }
        assert_eq!(one.pmin(nan).to_array()[0], 1.0);
        assert_eq!(one.pmax(nan).to_array()[0], 1.0);
        for v in [zero.min(minus), minus.min(zero)] {
            assert_eq!(lanes(v)[0], 0x8000_0000);
        }
        for v in [zero.max(minus), minus.max(zero)] {
            assert_eq!(lanes(v)[0], 0);
        }
    }

    #[test]
    fn masks_choose_lanes() {
        let (x, y) = (F32x4::load(&X), F32x4::load(&Y));
        assert_eq!(x.lt(y).bitmask(), 0b0010);
        assert_eq!(x.le(y).bitmask(), 0b0110);
        assert_eq!(x.eq(y).bitmask(), 0b0100);
        assert_eq!(x.ne(y).bitmask(), 0b1011);
        assert_eq!(x.lt(y).choose(x, y).to_array()[..2], [-3.0, -2.5]);
        assert_eq!((!x.lt(y)).keep(x).to_array()[..2], [1.5, 0.0]);
        assert_eq!(Bits::splat(!6).plus(Bits::splat(4)).to_f32().to_array()[0], -3.0);
        assert_eq!(Bits::splat(0x8000_0000).right(31).to_f32().to_array()[0], -1.0);
    }

    #[test]
    fn parts_are_padded_with_zeros() {
        let mut out = [9.0; 4];
        F32x4::load_part(&[1.0, 2.0, 3.0]).store_part(&mut out[..2]);
        assert_eq!(out, [1.0, 2.0, 9.0, 9.0]);
        assert_eq!(F32x4::load_part(&[1.0]).to_array(), [1.0, 0.0, 0.0, 0.0]);
    }
}
