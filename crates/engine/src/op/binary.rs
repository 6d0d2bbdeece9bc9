//! Arithmetic on two values, broadcast as NumPy does.

use super::loops::{broadcast, for_each};
#[cfg(feature = "full")]
use super::{Backward, Word};
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::{Binary, Operand, binary, binary_i32};
#[cfg(feature = "full")]
use layer_rnn_kernels::elementwise::{Compare, Unary};

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(2)?;
            site.kind(Binary::from_u32)?;
            let dtype = site.input(0)?.dtype;
            let dtype = if dtype == Dtype::Int32 { dtype } else { Dtype::Float32 };
            site.shaped(0, dtype)?;
            site.shaped(1, dtype)?;
            Outputs::one(dtype, &broadcast(site, 0)?)
        },
        |run| {
            let kind = run.site.kind(Binary::from_u32)?;
            let output = run.outputs[0];
            if output.dtype == Dtype::Float32 && run.site.inputs.iter().all(|ty| ty.shape == output.shape) {
                // in a step of a cell the walk would take as long as the numbers
                let (a, b) = (Operand::Slice(run.f32(0)), Operand::Slice(run.f32(1)));
                binary(kind, a, b, run.out_f32(0));
                return Ok(());
            }
            let (outputs, inputs) = (run.outputs, run.site.inputs);
            if output.dtype == Dtype::Int32 {
                let (a, b, y) = (run.i32(0), run.i32(1), run.out_i32(0));
                for_each(outputs, inputs, &mut |span| {
                    binary_i32(kind, span.operand(0, a), span.operand(1, b), span.output(y));
                });
            } else {
                let (a, b, y) = (run.f32(0), run.f32(1), run.out_f32(0));
                for_each(outputs, inputs, &mut |span| {
                    binary(kind, span.operand(0, a), span.operand(1, b), span.output(y));
                });
            }
            Ok(())
        },
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let kind = back.site().kind(Binary::from_u32)?;
    let dy = back.only_dy()?;
    let values = [back.input(0), back.input(1), back.output(0), dy];
    for index in [0, 1] {
        let formula = formulas(kind)[index];
        if back.wants(index) && !formula.is_empty() {
            let part = back.formula(&values, formula)?;
            back.give_sum(index, part)?;
        }
    }
    Ok(())
}

/// The gradients of both operands, before they are summed to their shapes; empty where there is none.
#[cfg(feature = "full")]
fn formulas(kind: Binary) -> [&'static [Word]; 2] {
    use Binary::*;
    use Word::{Number, Select, Value};
    const A: Word = Value(0);
    const B: Word = Value(1);
    const Y: Word = Value(2);
    const DY: Word = Value(3);
    const ZERO: Word = Number(0.0);
    const ONE: Word = Number(1.0);
    const NEG: Word = Word::Unary(Unary::Neg);
    const LOG: Word = Word::Unary(Unary::Log);
    const MUL: Word = Word::Binary(Mul);
    const DIV: Word = Word::Binary(Div);
    const EQUAL: Word = Word::Compare(Compare::Equal);
    const POSITIVE: Word = Word::Compare(Compare::Greater);
    // of equal operands the first one is taken
    const LARGER: Word = Word::Compare(Compare::GreaterEqual);
    const SMALLER: Word = Word::Compare(Compare::LessEqual);
    match kind {
        Add => [&[DY], &[DY]],
        Sub => [&[DY], &[DY, NEG]],
        Binary::Mul => [&[DY, B, MUL], &[DY, A, MUL]],
        Div => [&[DY, B, DIV], &[DY, Y, B, DIV, NEG, MUL]],
        Maximum => [&[A, B, LARGER, DY, ZERO, Select], &[A, B, LARGER, ZERO, DY, Select]],
        Minimum => [&[A, B, SMALLER, DY, ZERO, Select], &[A, B, SMALLER, ZERO, DY, Select]],
        Pow => [
            // a⁰ is 1 at 0 too
            &[DY, B, ZERO, EQUAL, ZERO, B, A, B, ONE, Word::Binary(Sub), Word::Binary(Pow), MUL, Select, MUL],
            // ln of what is not above 0 counts as 0
            &[DY, A, ZERO, POSITIVE, Y, A, ZERO, POSITIVE, A, ONE, Select, LOG, MUL, ZERO, Select, MUL],
        ],
        FloorDiv => [&[], &[]],
        Mod => [&[DY], &[DY, A, B, Word::Binary(FloorDiv), NEG, MUL]],
    }
}
