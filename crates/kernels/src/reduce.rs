//! Reductions over one axis, by one tree that depends on the logical index alone, not on stride or batch.
//!
//! Index t of n belongs to block t / 256 and, in it, to chain t mod 8. Chains add their elements ascending; eight chains combine as
//! ((0+4)+(2+6))+((1+5)+(3+7)); blocks combine in pairs like a binary counter. So a sum is the same whether it runs along memory
//! or across it, and its error grows with the logarithm of n.

use crate::ensure;
use crate::simd::F32x4;
use core::ops::{Add, Mul};

crate::numbered! {
    /// What a reduction computes.
    pub enum Reduce {
        /// Sum; 0 for nothing.
        Sum,
        /// Sum divided by the count.
        Mean,
        /// Largest; a NaN stays; −∞ for nothing.
        Max,
        /// Smallest; a NaN stays; +∞ for nothing.
        Min,
        /// Product; 1 for nothing.
        Prod,
        /// 1 if any is not zero, else 0.
        Any,
        /// 1 if none is zero, else 0.
        All,
    }
}

const BLOCK: usize = 256;

/// `out[o, i]` over `x[o, :, i]`, for x `[outer, n, inner]` and a kind of numbers.
pub fn reduce(kind: Reduce, x: &[f32], outer: usize, n: usize, inner: usize, out: &mut [f32]) {
    ensure(x.len() >= outer * n * inner && out.len() >= outer * inner);
    if inner == 0 {
        return;
    }
    let chains = Chains::of(kind);
    for (o, out) in out.chunks_mut(inner).take(outer).enumerate() {
        let plane = x.get(o * n * inner..(o + 1) * n * inner).unwrap_or(&[]);
        if inner == 1 {
            out.fill(fold(kind, plane));
            continue;
        }
        for (v, out) in out.chunks_mut(4).enumerate() {
            let column = plane.get(v * 4..).unwrap_or(&[]);
            let width = out.len();
            let block = |first: usize, count| {
                (chains.across)(column.get(first * inner..).unwrap_or(&[]), count, inner, width)
            };
            chains.tree(n, &block).store_part(out);
            if kind == Reduce::Mean {
                out.iter_mut().for_each(|x| *x /= n as f32);
            }
        }
    }
}

/// The reduction of one row of numbers.
pub fn fold(kind: Reduce, x: &[f32]) -> f32 {
    let chains = Chains::of(kind);
    let block =
        |first: usize, count: usize| F32x4::splat((chains.along)(x.get(first..first + count).unwrap_or(&[])));
    let [total, ..] = chains.tree(x.len(), &block).to_array();
    if kind == Reduce::Mean { total / x.len() as f32 } else { total }
}

/// The parts of a reduction: how partial results join, and what becomes of a block along memory and across it.
struct Chains {
    start: f32,
    join: fn(F32x4, F32x4) -> F32x4,
    along: fn(&[f32]) -> f32,
    across: fn(&[f32], usize, usize, usize) -> F32x4,
}

impl Chains {
    const fn new<J: Join>() -> Chains {
        Chains { start: J::START, join: J::join, along: along::<J>, across: across::<J> }
    }

    fn of(kind: Reduce) -> &'static Chains {
        debug_assert!(!matches!(kind, Reduce::Any | Reduce::All));
        match kind {
            Reduce::Prod => const { &Chains::new::<Prod>() },
            Reduce::Max => const { &Chains::new::<Max>() },
            Reduce::Min => const { &Chains::new::<Min>() },
            _ => const { &Chains::new::<Sum>() },
        }
    }

    /// Joins the blocks, each from its first index and count, of n elements.
    fn tree(&self, n: usize, block: &dyn Fn(usize, usize) -> F32x4) -> F32x4 {
        if n <= BLOCK {
            return block(0, n);
        }
        let mut pairs = Pairs { join: self.join, levels: [F32x4::ZERO; 32], blocks: 0 };
        for first in (0..n).step_by(BLOCK) {
            pairs.push(block(first, BLOCK.min(n - first)));
        }
        pairs.total(F32x4::splat(self.start))
    }
}

/// How two partial results join, and where a chain starts.
trait Join {
    const START: f32;
    fn join(a: F32x4, b: F32x4) -> F32x4;
}

macro_rules! joins {
    ($($name:ident $start:expr, $method:ident;)+) => {
        $(struct $name;
        impl Join for $name {
            const START: f32 = $start;
            #[inline(always)]
            fn join(a: F32x4, b: F32x4) -> F32x4 {
                a.$method(b)
            }
        })+
    };
}
joins! {
    Sum 0.0, add;
    Prod 1.0, mul;
    Max f32::NEG_INFINITY, max;
    Min f32::INFINITY, min;
}

/// Blocks joined in pairs, like the carries of a binary counter.
struct Pairs {
    join: fn(F32x4, F32x4) -> F32x4,
    levels: [F32x4; 32],
    blocks: u32,
}

impl Pairs {
    fn push(&mut self, mut block: F32x4) {
        let carries = self.blocks.trailing_ones() as usize;
        for level in self.levels.iter().take(carries) {
            block = (self.join)(*level, block);
        }
        if let Some(level) = self.levels.get_mut(carries) {
            *level = block;
        }
        self.blocks += 1;
    }

    /// All blocks, later ones joined first; `start` if there are none.
    fn total(&self, start: F32x4) -> F32x4 {
        let mut total = None;
        for (bit, level) in self.levels.iter().enumerate() {
            if self.blocks >> bit & 1 == 1 {
                total = Some(total.map_or(*level, |total| (self.join)(*level, total)));
            }
        }
        total.unwrap_or(start)
    }
}

/// A block along memory: lane j of two vectors is chain j and 4 + j.
fn along<J: Join>(x: &[f32]) -> f32 {
    let mut low = F32x4::splat(J::START);
    let mut high = low;
    let (eights, rest) = x.as_chunks::<8>();
    for [a, b, c, d, e, f, g, h] in eights {
        low = J::join(low, F32x4::load(&[*a, *b, *c, *d]));
        high = J::join(high, F32x4::load(&[*e, *f, *g, *h]));
    }
    // Chains that the rest does not reach stay as they are.
    let mut lanes = [low.to_array(), high.to_array()];
    for (lanes, x) in lanes.iter_mut().zip(rest.chunks(4)) {
        J::join(F32x4::load(lanes), F32x4::load_part(x)).store_part(&mut lanes[..x.len()]);
    }
    let [low, high] = lanes;
    let [a, b, c, d] = J::join(F32x4::load(&low), F32x4::load(&high)).to_array().map(F32x4::splat);
    let [total, ..] = J::join(J::join(a, c), J::join(b, d)).to_array();
    total
}

/// A block across memory: four neighbouring columns (or `width` of them), `n` rows `stride` apart.
fn across<J: Join>(x: &[f32], n: usize, stride: usize, width: usize) -> F32x4 {
    let mut chains = [F32x4::splat(J::START); 8];
    for t in 0..n {
        let x = x.get(t * stride..).unwrap_or(&[]);
        let x = match x.first_chunk::<4>() {
            Some(x) if width == 4 => F32x4::load(x),
            _ => F32x4::load_part(x.get(..width).unwrap_or(&[])),
        };
        let chain = &mut chains[t % 8];
        *chain = J::join(*chain, x);
    }
    let [a, b, c, d, e, f, g, h] = chains;
    let even = J::join(J::join(a, e), J::join(c, g));
    let odd = J::join(J::join(b, f), J::join(d, h));
    J::join(even, odd)
}

/// `Any` or `All` of booleans (0 or 1), `out[o, i]` over `x[o, :, i]`.
pub fn reduce_bool(kind: Reduce, x: &[u8], outer: usize, n: usize, inner: usize, out: &mut [u8]) {
    let any = kind == Reduce::Any;
    debug_assert!(any || kind == Reduce::All);
    // any that is not zero; all if there is no zero
    each_column(x, outer, n, inner, out, |mut column| u8::from(column.any(|x| (x != 0) == any) == any));
}

/// The first index of the largest of `x[o, :, i]`; a NaN counts as largest.
pub fn arg_max(x: &[f32], outer: usize, n: usize, inner: usize, out: &mut [i32]) {
    arg(x, outer, n, inner, out, |x, best| x > best);
}

/// The first index of the smallest of `x[o, :, i]`; a NaN counts as smallest.
pub fn arg_min(x: &[f32], outer: usize, n: usize, inner: usize, out: &mut [i32]) {
    arg(x, outer, n, inner, out, |x, best| x < best);
}

fn arg(x: &[f32], outer: usize, n: usize, inner: usize, out: &mut [i32], better: fn(f32, f32) -> bool) {
    each_column(x, outer, n, inner, out, |column| {
        let mut best = (0, None);
        for (index, x) in column.enumerate() {
            match best.1 {
                Some(held) if !better(x, held) && (held.is_nan() || !x.is_nan()) => {}
                _ => best = (index as i32, Some(x)),
            }
        }
        best.0
    });
}

#[inline(always)]
fn each_column<T: Copy, U>(
    x: &[T],
    outer: usize,
    n: usize,
    inner: usize,
    out: &mut [U],
    f: impl Fn(core::iter::StepBy<core::iter::Copied<core::slice::Iter<T>>>) -> U,
) {
    ensure(x.len() >= outer * n * inner && out.len() >= outer * inner);
    if inner == 0 {
        return;
    }
    for (at, out) in out.iter_mut().take(outer * inner).enumerate() {
        let (o, i) = (at / inner, at % inner);
        let column = x.get(o * n * inner + i..(o + 1) * n * inner).unwrap_or(&[]);
        *out = f(column.iter().copied().step_by(inner));
    }
}

#[cfg(test)]
#[path = "reduce/tests.rs"]
mod tests;
