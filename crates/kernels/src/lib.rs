//! Slices in, slices out: every loop over numbers that has to be fast. No shapes, no allocation, no errors; the engine
//! checks sizes first, and a kernel that is given impossible sizes stops ([`ensure`]) before it touches memory.
//!
//! The same bits everywhere: arithmetic is `+ - * / sqrt` in a fixed order over [`simd::F32x4`], never fused, and
//! exp, log, tanh and the like are our own.
#![cfg_attr(all(target_arch = "wasm32", not(test)), no_std)]
// All targets but wasm32 have std's exact floor, ceil, trunc, round and sqrt, which is all that is used of its mathematics.

pub mod activation;
pub mod activation_grad;
pub mod copy;
pub mod elementwise;
pub mod gates;
pub mod gates_grad;
pub mod gemm;
pub mod math;
pub mod pack;
pub mod reduce;
pub mod rng;
pub mod simd;
pub mod softmax;
pub mod vector;
pub mod walk;

/// An enum that TypeScript reads by number: `#[repr(u32)]`, dense from 0, exported by wasm-bindgen under the feature `bindgen`.
#[macro_export]
macro_rules! numbered {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[cfg_attr(feature = "bindgen", wasm_bindgen::prelude::wasm_bindgen)]
        #[repr(u32)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// All variants, by number.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The variant with this number.
            pub fn from_u32(n: u32) -> Option<$name> {
                Self::ALL.get(n as usize).copied()
            }
        }
    };
}

/// Stops when sizes that the engine has promised do not hold: what follows may then go without bounds checks.
#[inline(always)]
pub(crate) fn ensure(holds: bool) {
    if !holds {
        wrong_size()
    }
}

#[cold]
#[inline(never)]
fn wrong_size() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    panic!("a kernel was called with sizes that do not agree");
}

/// Do `rows` rows of `width`, `stride` apart, lie within `len` items?
#[inline(always)]
pub(crate) fn fits(len: usize, rows: usize, width: usize, stride: usize) -> bool {
    // In 64 bits, where the products of two sizes of WebAssembly do not wrap.
    rows == 0 || width == 0 || (rows as u64 - 1) * stride as u64 + width as u64 <= len as u64
}
