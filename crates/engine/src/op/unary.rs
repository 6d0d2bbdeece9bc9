//! Arithmetic on one value.

use super::{Outputs, Rule};
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::{Unary, unary};

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(1)?;
        site.kind(Unary::from_u32)?;
        Outputs::one(Dtype::Float32, site.shaped(0, Dtype::Float32)?)
    },
    |run| {
        let kind = run.site.kind(Unary::from_u32)?;
        unary(kind, run.f32(0), run.out_f32(0));
        Ok(())
    },
);
