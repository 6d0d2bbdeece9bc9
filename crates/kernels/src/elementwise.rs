//! Elementwise functions of one and two operands, comparisons and choices. Operands are slices as long as the result, or a scalar;
//! broadcasting is the engine's.

use crate::ensure;
use crate::math::{self, Lanewise, apply, each, wide};
use crate::simd::F32x4;

crate::numbered! {
    /// A function of one number.
    pub enum Unary {
        /// −x
        Neg,
        /// |x|
        Abs,
        /// −1, 0 or 1
        Sign,
        /// x²
        Square,
        /// √x
        Sqrt,
        /// 1 / √x
        Rsqrt,
        /// 1 / x
        Reciprocal,
        /// Towards −∞
        Floor,
        /// Towards +∞
        Ceil,
        /// To the nearest integer, halves to even
        Round,
        /// eˣ
        Exp,
        /// eˣ − 1
        Expm1,
        /// ln x
        Log,
        /// ln(1 + x)
        Log1p,
        /// sin x, in radians
        Sin,
        /// cos x, in radians
        Cos,
        /// The error function
        Erf,
    }
}

crate::numbered! {
    /// A function of two numbers.
    pub enum Binary {
        /// a + b
        Add,
        /// a − b
        Sub,
        /// a b
        Mul,
        /// a / b
        Div,
        /// The larger; a NaN stays.
        Maximum,
        /// The smaller; a NaN stays.
        Minimum,
        /// a to the power b
        Pow,
        /// ⌊a / b⌋
        FloorDiv,
        /// a − b ⌊a / b⌋, with the sign of b
        Mod,
    }
}

crate::numbered! {
    /// A comparison.
    pub enum Compare {
        /// a = b
        Equal,
        /// a ≠ b, so also with a NaN
        NotEqual,
        /// a < b
        Less,
        /// a ≤ b
        LessEqual,
        /// a > b
        Greater,
        /// a ≥ b
        GreaterEqual,
    }
}

crate::numbered! {
    /// A function of two truth values.
    pub enum Logical {
        /// Both
        And,
        /// Either
        Or,
        /// Just one
        Xor,
    }
}

/// A slice as long as the result, or one value for all of it.
#[derive(Clone, Copy)]
pub enum Operand<'a, T> {
    /// One value per result.
    Slice(&'a [T]),
    /// The same value for every result.
    Scalar(T),
}

impl<T: Copy> Operand<'_, T> {
    /// Its values, and how many to go on by from one result to the next.
    fn steps(&self) -> (&[T], usize) {
        match self {
            Operand::Slice(x) => (x, 1),
            Operand::Scalar(x) => (core::slice::from_ref(x), 0),
        }
    }

    /// Whether it gives `n` values.
    fn gives(&self, n: usize) -> bool {
        match self {
            Operand::Slice(x) => x.len() >= n,
            Operand::Scalar(_) => true,
        }
    }
}

/// y = f(x).
pub fn unary(kind: Unary, x: &[f32], y: &mut [f32]) {
    ensure(x.len() >= y.len());
    for (y, x) in y.iter_mut().zip(x) {
        *y = *x;
    }
    apply(unary_all(kind), y);
}

fn unary_all(kind: Unary) -> Lanewise {
    match kind {
        Unary::Neg => |x| each(x, |x| -x),
        Unary::Abs => |x| each(x, F32x4::abs),
        Unary::Sign => |x| each(x, wide::sign),
        Unary::Square => |x| each(x, |x| x * x),
        Unary::Sqrt => |x| each(x, F32x4::sqrt),
        Unary::Rsqrt => |x| each(x, |x| F32x4::splat(1.0) / x.sqrt()),
        Unary::Reciprocal => |x| each(x, |x| F32x4::splat(1.0) / x),
        Unary::Floor => |x| each(x, F32x4::floor),
        Unary::Ceil => |x| each(x, F32x4::ceil),
        Unary::Round => |x| each(x, F32x4::nearest),
        Unary::Exp => math::exp_all,
        Unary::Expm1 => |x| each(x, math::expm1),
        Unary::Log => |x| each(x, math::log),
        Unary::Log1p => |x| each(x, math::log1p),
        Unary::Sin => |x| each(x, |x| wide::lanes(x, wide::sin)),
        Unary::Cos => |x| each(x, |x| wide::lanes(x, wide::cos)),
        Unary::Erf => |x| each(x, math::erf),
    }
}

/// y = a op b.
pub fn binary(kind: Binary, a: Operand<f32>, b: Operand<f32>, y: &mut [f32]) {
    type Pair = fn(Stream, Stream, &mut [[f32; 4]]);
    let f: Pair = match kind {
        Binary::Add => |a, b, y| pairs(a, b, y, |a, b| a + b),
        Binary::Sub => |a, b, y| pairs(a, b, y, |a, b| a - b),
        Binary::Mul => |a, b, y| pairs(a, b, y, |a, b| a * b),
        Binary::Div => |a, b, y| pairs(a, b, y, |a, b| a / b),
        Binary::Maximum => |a, b, y| pairs(a, b, y, F32x4::max),
        Binary::Minimum => |a, b, y| pairs(a, b, y, F32x4::min),
        Binary::Pow => |a, b, y| pairs(a, b, y, |a, b| lane_pairs(a, b, wide::pow)),
        Binary::FloorDiv => |a, b, y| pairs(a, b, y, |a, b| (a / b).floor()),
        Binary::Mod => |a, b, y| pairs(a, b, y, |a, b| lane_pairs(a, b, wide::modulo)),
    };
    two(a, b, y.len(), |a, b, from, count| {
        // The last vector goes through a buffer.
        if count == 4 * (count / 4) {
            let (y, _) = y[from..from + count].as_chunks_mut::<4>();
            f(a, b, y);
        } else {
            let mut last = [[0.0; 4]];
            f(a, b, &mut last);
            F32x4::load(&last[0]).store_part(&mut y[from..from + count]);
        }
    });
}

/// Four numbers at a time: a slice's (step 4) or the same again (step 0).
#[derive(Clone, Copy)]
struct Stream {
    at: *const f32,
    step: usize,
}

/// Calls `f` with two streams for the whole vectors of `n` numbers and then, padded, for the rest: place, count.
fn two(a: Operand<f32>, b: Operand<f32>, n: usize, mut f: impl FnMut(Stream, Stream, usize, usize)) {
    ensure(a.gives(n) && b.gives(n));
    let whole = n / 4 * 4;
    let hold = |x: Operand<f32>, from: usize| match x {
        Operand::Scalar(x) => F32x4::splat(x).to_array(),
        Operand::Slice(x) => F32x4::load_part(x.get(from..n).unwrap_or(&[])).to_array(),
    };
    let (last_a, last_b) = (hold(a, whole), hold(b, whole));
    let stream = |x: Operand<f32>, last: &[f32; 4]| match x {
        Operand::Scalar(_) => Stream { at: last.as_ptr(), step: 0 },
        Operand::Slice(x) => Stream { at: x.as_ptr(), step: 4 },
    };
    f(stream(a, &last_a), stream(b, &last_b), 0, whole);
    if whole < n {
        f(Stream { at: last_a.as_ptr(), step: 0 }, Stream { at: last_b.as_ptr(), step: 0 }, whole, n - whole);
    }
}

#[inline(always)]
fn pairs(a: Stream, b: Stream, y: &mut [[f32; 4]], f: impl Fn(F32x4, F32x4) -> F32x4) {
    for (i, y) in y.iter_mut().enumerate() {
        // SAFETY: `two` makes streams of four numbers for each vector of y.
        let (a, b) = unsafe { (F32x4::read(a.at.add(i * a.step)), F32x4::read(b.at.add(i * b.step))) };
        f(a, b).store(y);
    }
}

#[inline(always)]
fn lane_pairs(a: F32x4, b: F32x4, f: fn(f32, f32) -> f32) -> F32x4 {
    let (a, b) = (a.to_array(), b.to_array());
    F32x4::load(&core::array::from_fn(|i| f(a[i], b[i])))
}

/// Applies `f` to the operands' values one by one.
fn zip<T: Copy, U>(a: Operand<T>, b: Operand<T>, y: &mut [U], f: impl Fn(T, T) -> U) {
    ensure(a.gives(y.len()) && b.gives(y.len()));
    let ((a, a_step), (b, b_step)) = (a.steps(), b.steps());
    for (i, y) in y.iter_mut().enumerate() {
        *y = f(a[i * a_step], b[i * b_step]);
    }
}

/// y = a op b for integers: `Add`, `Sub`, `Mul` wrap, `Div` and `FloorDiv` round down, `Mod` has the sign of b, a divisor of 0
/// gives 0, `Pow` is by repeated multiplication (0 for a negative power of anything but ±1).
pub fn binary_i32(kind: Binary, a: Operand<i32>, b: Operand<i32>, y: &mut [i32]) {
    let f: fn(i32, i32) -> i32 = match kind {
        Binary::Add => i32::wrapping_add,
        Binary::Sub => i32::wrapping_sub,
        Binary::Mul => i32::wrapping_mul,
        Binary::Maximum => |a, b| if a < b { b } else { a },
        Binary::Minimum => |a, b| if b < a { b } else { a },
        Binary::Div | Binary::FloorDiv => |a, b| if b == 0 { 0 } else { floor_div(a, b) },
        Binary::Mod => |a, b| {
            if b == 0 { 0 } else { a.wrapping_sub(floor_div(a, b).wrapping_mul(b)) }
        },
        Binary::Pow => |a, b| match (a, b) {
            (_, 0..) => a.wrapping_pow(b as u32),
            (1, _) => 1,
            (-1, _) => 1 - 2 * (b & 1),
            _ => 0,
        },
    };
    zip(a, b, y, f);
}

fn floor_div(a: i32, b: i32) -> i32 {
    let q = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && (a < 0) != (b < 0) { q - 1 } else { q }
}

/// y = 1 where the comparison holds, else 0. For f32 and i32 alike.
pub fn compare<T: Copy + PartialOrd>(kind: Compare, a: Operand<T>, b: Operand<T>, y: &mut [u8]) {
    // Bit 1: holds of a smaller a; bit 2: of equal ones; bit 4: of a larger one; bit 0: with a NaN.
    let table: u32 = match kind {
        Compare::Equal => 0b00100,
        Compare::NotEqual => 0b10011,
        Compare::Less => 0b00010,
        Compare::LessEqual => 0b00110,
        Compare::Greater => 0b10000,
        Compare::GreaterEqual => 0b10100,
    };
    zip(a, b, y, |a, b| {
        let bit = u32::from(a < b) + 2 * u32::from(a == b) + 4 * u32::from(a > b);
        (table >> bit & 1) as u8
    });
}

/// y = a op b for truth values (0 is false, anything else true; results are 0 or 1).
pub fn logical(kind: Logical, a: Operand<u8>, b: Operand<u8>, y: &mut [u8]) {
    // Bit n holds of n operands that are true.
    let table: u32 = match kind {
        Logical::And => 0b100,
        Logical::Or => 0b110,
        Logical::Xor => 0b010,
    };
    zip(a, b, y, |a, b| (table >> (u32::from(a != 0) + u32::from(b != 0)) & 1) as u8);
}

/// y = 1 where x is 0, else 0.
pub fn not(x: &[u8], y: &mut [u8]) {
    ensure(x.len() >= y.len());
    for (y, x) in y.iter_mut().zip(x) {
        *y = u8::from(*x == 0);
    }
}

/// y = a where the condition holds, else b. For f32, i32 and bool alike.
pub fn select<T: Copy>(condition: Operand<u8>, a: Operand<T>, b: Operand<T>, y: &mut [T]) {
    let n = y.len();
    ensure(condition.gives(n) && a.gives(n) && b.gives(n));
    let ((condition, step), (a, a_step), (b, b_step)) = (condition.steps(), a.steps(), b.steps());
    for (i, y) in y.iter_mut().enumerate() {
        *y = if condition[i * step] != 0 { a[i * a_step] } else { b[i * b_step] };
    }
}

#[cfg(test)]
#[path = "elementwise/tests.rs"]
mod tests;
