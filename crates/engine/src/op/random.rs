//! Counter-based random numbers: a number is a function of seed, stream, call, step, row and column alone, so that it depends
//! neither on how many rows there are nor on which of them are computed together, nor on when.
//!
//! Attributes: distribution, two parameters, stream (two words), operands, list of (code, n, operand) for the shape. Inputs: those
//! whose dims the shape copies, then as `operands` says: the state of a generator (seed, call), `[2]` for all rows or `[rows, 2]`,
//! and the number of the first step, for all rows or `[rows]`. Inside a sequence, a value whose first dim is copied from the first
//! dim of an operand has the sequence's rows; any other is one for all rows of the step.

use super::{Outputs, Rule, Run, Site, dims};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Shape};
use layer_rnn_kernels::rng::{normal, philox, truncated_normal, uniform01};

layer_rnn_kernels::numbered! {
    /// What is drawn; both parameters are floats.
    pub enum Distribution {
        /// From the first parameter up to, without, the second.
        Uniform,
        /// Mean and standard deviation.
        Normal,
        /// As `Normal`, redrawn beyond two standard deviations (as Keras's TruncatedNormal).
        TruncatedNormal,
    }
}

pub(crate) const RULE: Rule = Rule::new(shape, run);

const STATE: u32 = 1;
const STEP: u32 = 2;

/// Index of the attribute with the shape.
const SHAPE: usize = 6;

/// Index of an operand's input, if it is given; they are the last ones.
fn operand(site: &Site, which: u32) -> Result<Option<usize>> {
    let given = site.attr(5)?;
    let behind = u32::from(which == STATE && given & STEP != 0) as usize;
    let index = site.inputs.len().checked_sub(1 + behind);
    Ok(index.filter(|_| given & which != 0))
}

fn shape(site: &Site) -> Result<Outputs> {
    site.kind(Distribution::from_u32)?;
    if !site.attrs.get(1..3).is_some_and(|p| p.iter().all(|&bits| f32::from_bits(bits).is_finite())) {
        return Err(Error::Attribute { index: 1, value: 0 }.into());
    }
    let given = site.attr(5)?;
    if given & !(STATE | STEP) != 0 {
        return Err(Error::Attribute { index: 5, value: given }.into());
    }
    let shape = dims::shape(site, SHAPE)?;
    if given & STATE != 0 {
        let index = operand(site, STATE)?.ok_or(Error::Inputs { expected: 1, actual: 0 })?;
        let state = site.shaped(index, Dtype::Int32)?;
        let mut expected = if state.rank() > 1 { rows(&shape, index, 1)? } else { Shape::SCALAR };
        expected.push(2)?;
        expected.unify(state, index as u32)?;
    }
    if given & STEP != 0 {
        let index = operand(site, STEP)?.ok_or(Error::Inputs { expected: 1, actual: 0 })?;
        let steps = site.shaped(index, Dtype::Int32)?;
        if steps.rank() > 0 {
            rows(&shape, index, 0)?.unify(steps, index as u32)?;
        }
    }
    Outputs::one(Dtype::Float32, &shape)
}

/// The first dim of what is drawn, which an operand of more than `rank` axes must have too.
fn rows(shape: &Shape, input: usize, rank: u32) -> Result<Shape> {
    let error = Error::Rank { input: input as u32, expected: rank, actual: rank + 1 };
    Shape::new(shape.dims().get(..1).ok_or(error)?)
}

fn run(run: &mut Run) -> Result<()> {
    let site = run.site;
    let (a, b) = (f32::from_bits(site.attr(1)?), f32::from_bits(site.attr(2)?));
    let states = operand(&site, STATE)?.map_or(&[0, 0][..], |index| run.i32(index));
    let (low, high) = (site.attr(3)?, site.attr(4)?);
    let first = operand(&site, STEP)?.map_or(&[][..], |index| run.i32(index));
    let shape = &run.outputs[0].shape;
    let columns = shape.product(1..shape.rank()).max(1);
    let (draw, scale, shift): (fn(u32) -> f32, f32, f32) = match site.kind(Distribution::from_u32)? {
        Distribution::Uniform => (uniform01, b - a, a),
        Distribution::Normal => (normal, b, a),
        Distribution::TruncatedNormal => (truncated_normal, b, a),
    };
    let by_row = matches!(site.attrs.get(SHAPE + 1..SHAPE + 3), Some(&[dims::COPY, 0]));
    let place = run.rows().filter(|place| !by_row || place.rows.len() == shape.size(0));
    for (index, numbers) in run.out_f32(0).chunks_mut(columns).enumerate() {
        let inside = if by_row { index } else { 0 };
        let at = |list: &[i32]| list.get(inside).copied().unwrap_or(0);
        let (row, step) = match place {
            Some(place) if by_row => (at(place.rows), at(place.steps)),
            Some(place) => (index as i32, at(place.steps)),
            None => (index as i32, 0),
        };
        let before = first.get(index).or(first.first()).copied().unwrap_or(0);
        let step = step.wrapping_add(before);
        let (seed, call) = match states.chunks(2).nth(index).or(states.chunks(2).next()) {
            Some(&[seed, call]) => (seed as u32, call as u32),
            _ => (0, 0),
        };
        let key = [low ^ seed, high];
        for (block, four) in numbers.chunks_mut(4).enumerate() {
            let bits = philox(key, [block as u32, row as u32, step as u32, call]);
            for (number, bits) in four.iter_mut().zip(bits) {
                *number = draw(bits) * scale + shift;
            }
        }
    }
    Ok(())
}
