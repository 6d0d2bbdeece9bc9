//! Comparison of two values of one dtype, broadcast; the answer is a mask.

use super::loops::{broadcast, for_each};
use super::{Outputs, Rule};
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::{Compare, compare};

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(2)?;
        site.kind(Compare::from_u32)?;
        let dtype = site.input(0)?.dtype;
        let dtype = if dtype == Dtype::Int32 { dtype } else { Dtype::Float32 };
        site.shaped(0, dtype)?;
        site.shaped(1, dtype)?;
        Outputs::one(Dtype::Bool, &broadcast(site, 0)?)
    },
    |run| {
        let kind = run.site.kind(Compare::from_u32)?;
        let (outputs, inputs) = (run.outputs, run.site.inputs);
        if run.site.input(0)?.dtype == Dtype::Int32 {
            let (a, b, y) = (run.i32(0), run.i32(1), run.out_bool(0));
            for_each(outputs, inputs, &mut |span| {
                compare(kind, span.operand(0, a), span.operand(1, b), span.output(y));
            });
        } else {
            let (a, b, y) = (run.f32(0), run.f32(1), run.out_bool(0));
            for_each(outputs, inputs, &mut |span| {
                compare(kind, span.operand(0, a), span.operand(1, b), span.output(y));
            });
        }
        Ok(())
    },
);
