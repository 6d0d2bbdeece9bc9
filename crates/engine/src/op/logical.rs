//! Logic on two masks, broadcast.

use super::loops::{broadcast, for_each};
use super::{Outputs, Rule};
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::{Logical, logical};

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(2)?;
        site.kind(Logical::from_u32)?;
        site.shaped(0, Dtype::Bool)?;
        site.shaped(1, Dtype::Bool)?;
        Outputs::one(Dtype::Bool, &broadcast(site, 0)?)
    },
    |run| {
        let kind = run.site.kind(Logical::from_u32)?;
        let (outputs, inputs) = (run.outputs, run.site.inputs);
        let (a, b, y) = (run.bool(0), run.bool(1), run.out_bool(0));
        for_each(outputs, inputs, &mut |span| {
            logical(kind, span.operand(0, a), span.operand(1, b), span.output(y));
        });
        Ok(())
    },
);
