//! Negation of a mask.

use super::{Outputs, Rule};
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::not;

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(1)?;
        Outputs::one(Dtype::Bool, site.shaped(0, Dtype::Bool)?)
    },
    |run| {
        not(run.bool(0), run.out_bool(0));
        Ok(())
    },
);
