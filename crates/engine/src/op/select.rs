//! `condition ? a : b`, broadcast: what is not chosen reaches nothing, NaN included.

#[cfg(feature = "full")]
use super::Backward;
use super::loops::{broadcast, for_each};
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::select;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(3)?;
            site.shaped(0, Dtype::Bool)?;
            let dtype = site.input(1)?.dtype;
            let dtype = if dtype == Dtype::Int32 { dtype } else { Dtype::Float32 };
            site.shaped(1, dtype)?;
            site.shaped(2, dtype)?;
            Outputs::one(dtype, &broadcast(site, 0)?)
        },
        |run| {
            // integers are copied as words, like floats
            let (outputs, inputs) = (run.outputs, run.site.inputs);
            let (condition, a, b, y) = (run.bool(0), run.f32(1), run.f32(2), run.out_f32(0));
            for_each(outputs, inputs, &mut |span| {
                select(span.operand(0, condition), span.operand(1, a), span.operand(2, b), span.output(y));
            });
            Ok(())
        },
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let mask = back.input(0);
    let zero = back.number(0.0)?;
    if back.wants(1) {
        let da = back.select(mask, dy, zero)?;
        back.give_sum(1, da)?;
    }
    if back.wants(2) {
        let db = back.select(mask, zero, dy)?;
        back.give_sum(2, db)?;
    }
    Ok(())
}
