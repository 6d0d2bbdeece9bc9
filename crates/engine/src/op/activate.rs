//! An activation over a value; softmax, log-softmax and sparsemax act on the last axis.

use super::{Outputs, Rule};
use crate::tensor::Dtype;
use layer_rnn_kernels::activation::{Activation, activate};

pub(crate) const RULE: Rule = Rule::new(
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
);
