//! Part of some axes: (axis, begin, end, step) each, negatives count from the end, `END` means "to the end".

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site, transpose};
use crate::error::{Error, Result};
use crate::tensor::{ANY, Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::copy::Places;

const END: i32 = i32::MAX;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(1)?;
            Outputs::one(site.input(0)?.dtype, &sliced(site)?)
        },
        |run| {
            if !copy_rows(run)? {
                let from = places(&run.site)?;
                transpose::copy(run, &from);
            }
            Ok(())
        },
    )
};

/// A range of one axis of words, as gates are taken out of their products, is copied by rows.
fn copy_rows(run: &mut Run) -> Result<bool> {
    let (site, input) = (run.site, run.shape(0));
    let (words, dtype) = (site.list(0)?, site.input(0)?.dtype);
    if words.len() != 4 || dtype == Dtype::Bool {
        return Ok(false);
    }
    let part = Part::read(&site, words)?;
    let (Some((begin, count)), 1) = (part.of(input.dim(part.axis)), part.step) else { return Ok(false) };
    let inner = input.product(part.axis + 1..input.rank());
    let (row, begin, length) =
        (input.size(part.axis) * inner, begin as usize * inner, count as usize * inner);
    let x = run.f32(0).get(begin..).unwrap_or(&[]);
    transpose::copy_rows(x, row, run.out_f32(0), length, length);
    Ok(true)
}

/// The shape of a slice of input 0.
pub(crate) fn sliced(site: &Site) -> Result<Shape> {
    let mut shape = site.input(0)?.shape;
    let mut seen = [false; MAX_RANK];
    for words in site.list(0)?.chunks(4) {
        let part = Part::read(site, words)?;
        if core::mem::replace(&mut seen[part.axis], true) {
            return Err(Error::Attribute { index: 0, value: part.axis as u32 }.into());
        }
        let dim = &mut shape.dims_mut()[part.axis];
        *dim = part.of(*dim).map_or(ANY, |(_, count)| count);
    }
    Ok(shape)
}

/// Where the elements of a slice lie in a bound input 0.
pub(crate) fn places(site: &Site) -> Result<Places> {
    let input = &site.input(0)?.shape;
    let mut places = input.places();
    for words in site.list(0)?.chunks(4) {
        let part = Part::read(site, words)?;
        let (begin, _) = part.of(input.dim(part.axis)).unwrap_or_default();
        let stride = &mut places.strides[part.axis];
        places.first += begin as isize * *stride;
        // a step that would overflow is never taken twice
        *stride = stride.wrapping_mul(part.step as isize);
    }
    Ok(places)
}

struct Part {
    axis: usize,
    begin: i32,
    end: i32,
    step: i32,
}

impl Part {
    fn read(site: &Site, words: &[u32]) -> Result<Part> {
        let &[axis, begin, end, step] = words else {
            return Err(Error::Attribute { index: 0, value: words.len() as u32 }.into());
        };
        let axis = site.axis(axis, site.input(0)?.shape.rank().min(MAX_RANK))?;
        let part = Part { axis, begin: begin as i32, end: end as i32, step: step as i32 };
        if part.step == 0 || part.step == i32::MIN {
            return Err(Error::Attribute { index: 0, value: step }.into());
        }
        Ok(part)
    }

    /// First index and count on an axis of `size`, as Python slices; nothing when the size is unknown and matters.
    fn of(&self, size: i32) -> Option<(i32, i32)> {
        if size < 0 {
            // from a fixed begin to a fixed end near the start nothing depends on the size, but it may be shorter
            return None;
        }
        let (low, high) = if self.step > 0 { (0, size) } else { (-1, size - 1) };
        let from_end = |i: i32| if i < 0 { i.saturating_add(size) } else { i };
        let begin = if self.begin == END { high } else { from_end(self.begin).clamp(low, high) };
        let end = match (self.end, self.step > 0) {
            (END, true) => size,
            (END, false) => -1,
            (end, _) => from_end(end).clamp(low, high),
        };
        let distance = if self.step > 0 { end - begin } else { begin - end };
        let step = self.step.abs();
        let count = if distance > 0 { (distance - 1) / step + 1 } else { 0 };
        Some((begin, count))
    }
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give_op(0, Op::Place, &[dy, back.input(0)], back.site().attrs)
}
