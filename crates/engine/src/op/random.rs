//! Counter-based random numbers: element (row, column) of a draw is a function of the seed and of that address alone, so that
//! a row's numbers do not depend on how many rows there are.

use super::{Outputs, Rule, Run, dims};
use crate::error::{Error, Result};
use crate::tensor::Dtype;
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

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.kind(Distribution::from_u32)?;
        if !site.attrs.get(1..3).is_some_and(|p| p.iter().all(|&bits| f32::from_bits(bits).is_finite())) {
            return Err(Error::Attribute { index: 1, value: 0 });
        }
        Outputs::one(Dtype::Float32, dims::shape(site, 5)?)
    },
    run,
);

fn run(run: &mut Run) -> Result<()> {
    let site = run.site;
    let (a, b) = (f32::from_bits(site.attr(1)?), f32::from_bits(site.attr(2)?));
    let key = [site.attr(3)?, site.attr(4)?];
    let shape = run.outputs[0].shape;
    let columns = shape.product(1..shape.rank()).max(1);
    let (draw, scale, shift): (fn(u32) -> f32, f32, f32) = match site.kind(Distribution::from_u32)? {
        Distribution::Uniform => (uniform01, b - a, a),
        Distribution::Normal => (normal, b, a),
        Distribution::TruncatedNormal => (truncated_normal, b, a),
    };
    for (row, numbers) in run.out_f32(0).chunks_mut(columns).enumerate() {
        for (block, four) in numbers.chunks_mut(4).enumerate() {
            let bits = philox(key, [block as u32, row as u32, 0, 0]);
            for (number, bits) in four.iter_mut().zip(bits) {
                *number = draw(bits) * scale + shift;
            }
        }
    }
    Ok(())
}
