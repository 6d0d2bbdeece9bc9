//! A walk through several arrays of one shape at once, each with strides of its own.

use core::mem::MaybeUninit;

/// Most axes of a shape.
pub const RANK: usize = 8;

/// How many arrays a [`Walk`] goes through: a result and three operands.
pub const ARRAYS: usize = 4;

/// One axis: its length and, for each array, the step from one place to the next (any sign, 0 to repeat).
#[derive(Clone, Copy)]
pub struct Axis {
    /// How many places.
    pub length: usize,
    /// Items from one to the next.
    pub steps: [isize; ARRAYS],
}

/// Goes through the arrays in runs along the innermost axis.
pub struct Walk {
    /// The innermost first, and for each how many of its places are behind; not yet written from `rank` on.
    axes: [MaybeUninit<(Axis, usize)>; RANK],
    rank: usize,
    at: [isize; ARRAYS],
    left: usize,
}

impl Walk {
    /// A walk from where the arrays begin, along this axis.
    #[inline(always)]
    pub fn new(at: [isize; ARRAYS], axis: Axis) -> Walk {
        let mut axes = [const { MaybeUninit::uninit() }; RANK];
        axes[0].write((axis, 0));
        Walk { axes, rank: 1, at, left: axis.length }
    }

    fn axes(&mut self) -> &mut [(Axis, usize)] {
        // SAFETY: the first `rank` are written; `add` keeps rank ≤ RANK.
        unsafe { core::slice::from_raw_parts_mut(self.axes.as_mut_ptr().cast(), self.rank) }
    }

    /// Adds an axis around those that are there. One that continues the axis inside it in every array joins it.
    #[inline(never)]
    pub fn add(&mut self, axis: Axis) {
        if axis.length == 1 {
            return;
        }
        self.left *= axis.length;
        let Some((inner, _)) = self.axes().last_mut() else { return };
        if inner.length == 1 {
            *inner = axis;
        } else if axis.steps == inner.steps.map(|step| step.wrapping_mul(inner.length as isize)) {
            inner.length *= axis.length;
        } else if let Some(next) = self.axes.get_mut(self.rank) {
            next.write((axis, 0));
            self.rank += 1;
        }
    }

    /// The axis along which runs go.
    pub fn inner(&mut self) -> Axis {
        self.axes()[0].0
    }

    /// Is every place of an array, which has `items`, inside it?
    #[inline(never)]
    pub fn stays_inside(&mut self, array: usize, items: usize) -> bool {
        let (mut low, mut high) = (self.at[array], self.at[array]);
        for (axis, _) in self.axes() {
            // Saturating: an absurd size must fail the check, not wrap around it.
            let last = axis.steps[array].saturating_mul(axis.length.saturating_sub(1) as isize);
            low = low.saturating_add(last.min(0));
            high = high.saturating_add(last.max(0));
        }
        self.left == 0 || low >= 0 && (high as usize) < items
    }
}

impl Iterator for Walk {
    /// Where a run begins in the arrays.
    type Item = [isize; ARRAYS];

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let first = self.at;
        let mut at = first;
        self.left -= self.inner().length;
        // An odometer over the outer axes.
        for (axis, behind) in &mut self.axes()[1..] {
            *behind += 1;
            let turns = *behind == axis.length;
            let places = if turns { 1 - axis.length as isize } else { 1 };
            for (at, step) in at.iter_mut().zip(axis.steps) {
                *at = at.wrapping_add(step.wrapping_mul(places));
            }
            if !turns {
                break;
            }
            *behind = 0;
        }
        self.at = at;
        Some(first)
    }
}
