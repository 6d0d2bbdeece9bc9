//! Arithmetic on one value.

#[cfg(feature = "full")]
use super::{Backward, Word};
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
    use Unary::*;
    use Word::{Number, Value};
    const X: Word = Value(0);
    const Y: Word = Value(1);
    const DY: Word = Value(2);
    const ADD: Word = Word::Binary(Binary::Add);
    const MUL: Word = Word::Binary(Binary::Mul);
    const DIV: Word = Word::Binary(Binary::Div);
    const fn of(kind: Unary) -> Word {
        Word::Unary(kind)
    }
    let formula: &[Word] = match back.site().kind(Unary::from_u32)? {
        // constant between their steps
        Sign | Floor | Ceil | Round => return Ok(()),
        Neg => &[DY, of(Neg)],
        Abs => &[DY, X, of(Sign), MUL],
        Square => &[DY, X, X, ADD, MUL],
        Sqrt => &[DY, Y, Y, ADD, DIV],
        Rsqrt => &[DY, Y, of(Square), Y, MUL, Number(-0.5), MUL, MUL],
        Reciprocal => &[DY, Y, of(Square), of(Neg), MUL],
        Exp => &[DY, Y, MUL],
        Expm1 => &[DY, X, of(Exp), MUL],
        Log => &[DY, X, DIV],
        Log1p => &[DY, X, Number(1.0), ADD, DIV],
        Sin => &[DY, X, of(Cos), MUL],
        Cos => &[DY, X, of(Sin), of(Neg), MUL],
        Erf => {
            const FACTOR: Word = Number(core::f32::consts::FRAC_2_SQRT_PI);
            &[DY, X, of(Square), of(Neg), of(Exp), FACTOR, MUL, MUL]
        }
    };
    let dy = back.only_dy()?;
    let dx = back.formula(&[back.input(0), back.output(0), dy], formula)?;
    back.give(0, dx);
    Ok(())
}
