//! Another dtype: floats are cut towards zero, anything but 0 is true.

#[cfg(feature = "full")]
use super::Backward;
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(1)?;
            Outputs::one(site.kind(Dtype::from_u32)?, &site.input(0)?.shape)
        },
        |run| {
            let from = run.site.input(0)?.dtype;
            match (from, run.site.kind(Dtype::from_u32)?) {
                (Dtype::Float32, Dtype::Float32) | (Dtype::Int32, Dtype::Int32) => {
                    convert(run.f32(0), run.out_f32(0), |x| x);
                }
                (Dtype::Bool, Dtype::Bool) => convert(run.bool(0), run.out_bool(0), |x| x),
                (Dtype::Float32, Dtype::Int32) => convert(run.f32(0), run.out_i32(0), |x| x as i32),
                (Dtype::Float32, Dtype::Bool) => convert(run.f32(0), run.out_bool(0), |x| u8::from(x != 0.0)),
                (Dtype::Int32, Dtype::Float32) => convert(run.i32(0), run.out_f32(0), |x| x as f32),
                (Dtype::Int32, Dtype::Bool) => convert(run.i32(0), run.out_bool(0), |x| u8::from(x != 0)),
                (Dtype::Bool, Dtype::Float32) => convert(run.bool(0), run.out_f32(0), |x| f32::from(x != 0)),
                (Dtype::Bool, Dtype::Int32) => convert(run.bool(0), run.out_i32(0), |x| i32::from(x != 0)),
            }
            Ok(())
        },
    )
};

fn convert<A: Copy, B>(x: &[A], y: &mut [B], one: fn(A) -> B) {
    for (x, y) in x.iter().zip(y) {
        *y = one(*x);
    }
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give(0, dy);
    Ok(())
}
