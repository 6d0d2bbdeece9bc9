//! One number everywhere; the shape may copy dims of other values.

use super::{Outputs, Rule, dims};
use crate::tensor::Dtype;

pub(crate) const RULE: Rule = Rule::new(
    |site| Outputs::one(site.kind(Dtype::from_u32)?, &dims::shape(site, 2)?),
    |run| {
        let bits = run.site.attr(1)?;
        match run.outputs[0].dtype {
            Dtype::Float32 => run.out_f32(0).fill(f32::from_bits(bits)),
            Dtype::Int32 => run.out_i32(0).fill(bits as i32),
            Dtype::Bool => run.out_bool(0).fill(u8::from(bits != 0)),
        }
        Ok(())
    },
);
