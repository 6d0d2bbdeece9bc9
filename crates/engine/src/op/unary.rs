//! Arithmetic on one value.

#[cfg(feature = "full")]
use super::Backward;
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;
#[cfg(feature = "full")]
use layer_rnn_kernels::elementwise::Binary;
use layer_rnn_kernels::elementwise::{Unary, unary};

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
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
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let kind = back.site().kind(Unary::from_u32)?;
    let dy = back.only_dy()?;
    let (x, y) = (back.input(0), back.output(0));
    let dx = match kind {
        Unary::Neg => back.unary(Unary::Neg, dy)?,
        // constant between their steps
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => return Ok(()),
        Unary::Sqrt => {
            let twice = back.binary(Binary::Add, y, y)?;
            back.binary(Binary::Div, dy, twice)?
        }
        Unary::Log => back.binary(Binary::Div, dy, x)?,
        Unary::Log1p => {
            let one = back.number(1.0)?;
            let sum = back.binary(Binary::Add, x, one)?;
            back.binary(Binary::Div, dy, sum)?
        }
        _ => {
            let slope = match kind {
                Unary::Abs => back.unary(Unary::Sign, x)?,
                Unary::Square => back.binary(Binary::Add, x, x)?,
                Unary::Exp => y,
                Unary::Expm1 => back.unary(Unary::Exp, x)?,
                Unary::Sin => back.unary(Unary::Cos, x)?,
                Unary::Cos => {
                    let sin = back.unary(Unary::Sin, x)?;
                    back.unary(Unary::Neg, sin)?
                }
                Unary::Erf => {
                    let square = back.unary(Unary::Square, x)?;
                    let square = back.unary(Unary::Neg, square)?;
                    let bell = back.unary(Unary::Exp, square)?;
                    back.scale(core::f32::consts::FRAC_2_SQRT_PI, bell)?
                }
                // −y² of 1 / x, −y³ / 2 of 1 / √x
                _ => {
                    let square = back.unary(Unary::Square, y)?;
                    match kind {
                        Unary::Rsqrt => {
                            let cube = back.mul(square, y)?;
                            back.scale(-0.5, cube)?
                        }
                        _ => back.unary(Unary::Neg, square)?,
                    }
                }
            };
            back.mul(dy, slope)?
        }
    };
    back.give(0, dx);
    Ok(())
}
