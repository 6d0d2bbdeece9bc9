//! An activation over a value; softmax, log-softmax and sparsemax act on the last axis.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::activation::{Activation, activate};

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(1)?;
            site.kind(Activation::from_u32)?;
            Outputs::one(Dtype::Float32, site.shaped(0, Dtype::Float32)?)
        },
        |run| {
            let kind = run.site.kind(Activation::from_u32)?;
            let width = run.shape(0).last();
            let x = run.f32(0);
            let y = run.out_f32(0);
            y.copy_from_slice(x);
            activate(kind, width, y);
            Ok(())
        },
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let kind = back.site().kind(Activation::from_u32)?;
    let dy = back.only_dy()?;
    let kept = if kind.derives_from_input() { back.input(0) } else { back.output(0) };
    let dx =
        if kind == Activation::Linear { dy } else { back.op(Op::ActivateGrad, &[kept, dy], &[kind as u32])? };
    back.give(0, dx);
    Ok(())
}
