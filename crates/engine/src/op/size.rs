//! The product of some sizes of a value, as a float: what a mean divides by.

use super::{Outputs, Rule};
use crate::tensor::{Dtype, Shape};

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(1)?;
        let rank = site.input(0)?.shape.rank();
        for &word in site.list(0)? {
            site.axis(word, rank)?;
        }
        Outputs::one(Dtype::Float32, &Shape::SCALAR)
    },
    |run| {
        let shape = run.shape(0);
        let mut product = 1.0;
        for &word in run.site.list(0)? {
            product *= shape.size(run.site.axis(word, shape.rank())?) as f32;
        }
        run.out_f32(0).fill(product);
        Ok(())
    },
);
