//! Arithmetic on two values, broadcast as NumPy does.

#[cfg(feature = "full")]
use super::Backward;
use super::loops::{Loops, broadcast};
use super::{Outputs, Rule};
#[cfg(feature = "full")]
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::elementwise::{Binary, binary, binary_i32};
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
            Outputs::one(dtype, broadcast(site, 0)?)
        },
        |run| {
            let kind = run.site.kind(Binary::from_u32)?;
            let output = run.outputs[0];
            let mut loops = Loops::new(&output.shape, [run.shape(0), run.shape(1)]);
            if output.dtype == Dtype::Int32 {
                let (a, b, y) = (run.i32(0), run.i32(1), run.out_i32(0));
                while let Some(span) = loops.next() {
                    binary_i32(kind, span.operand(0, a), span.operand(1, b), span.output(y));
                }
            } else {
                let (a, b, y) = (run.f32(0), run.f32(1), run.out_f32(0));
                while let Some(span) = loops.next() {
                    binary(kind, span.operand(0, a), span.operand(1, b), span.output(y));
                }
            }
            Ok(())
        },
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let kind = back.site().kind(Binary::from_u32)?;
    let dy = back.only_dy()?;
    let (a, b) = (back.input(0), back.input(1));
    if back.wants(0) {
        let da = match kind {
            Binary::Add | Binary::Sub | Binary::Mod => dy,
            Binary::Mul => back.mul(dy, b)?,
            Binary::Div => back.binary(Binary::Div, dy, b)?,
            Binary::Maximum | Binary::Minimum => larger(back, kind, dy, true)?,
            Binary::Pow => {
                let one = back.number(1.0)?;
                let less = back.binary(Binary::Sub, b, one)?;
                let power = back.binary(Binary::Pow, a, less)?;
                let slope = back.mul(b, power)?;
                // x⁰ is 1 at 0 too
                let zero = back.number(0.0)?;
                let constant = back.compare(Compare::Equal, b, zero)?;
                let slope = back.select(constant, zero, slope)?;
                back.mul(dy, slope)?
            }
            Binary::FloorDiv => return Ok(()),
        };
        back.give_sum(0, da)?;
    }
    if back.wants(1) {
        let db = match kind {
            Binary::Add => dy,
            Binary::Sub => back.unary(Unary::Neg, dy)?,
            Binary::Mul => back.mul(dy, a)?,
            Binary::Div => {
                let slope = back.binary(Binary::Div, back.output(0), b)?;
                let slope = back.unary(Unary::Neg, slope)?;
                back.mul(dy, slope)?
            }
            Binary::Maximum | Binary::Minimum => larger(back, kind, dy, false)?,
            Binary::Pow => {
                // ln of what is not above 0 counts as 0
                let zero = back.number(0.0)?;
                let one = back.number(1.0)?;
                let positive = back.compare(Compare::Greater, a, zero)?;
                let base = back.select(positive, a, one)?;
                let log = back.unary(Unary::Log, base)?;
                let slope = back.mul(back.output(0), log)?;
                let slope = back.select(positive, slope, zero)?;
                back.mul(dy, slope)?
            }
            Binary::Mod => {
                let times = back.binary(Binary::FloorDiv, a, b)?;
                let times = back.unary(Unary::Neg, times)?;
                back.mul(dy, times)?
            }
            Binary::FloorDiv => return Ok(()),
        };
        back.give_sum(1, db)?;
    }
    Ok(())
}

/// dy where the first operand was taken (of equal ones it is), or where it was not.
#[cfg(feature = "full")]
fn larger(back: &mut Backward, kind: Binary, dy: u32, first: bool) -> Result<u32> {
    let order = if kind == Binary::Maximum { Compare::GreaterEqual } else { Compare::LessEqual };
    let taken = back.compare(order, back.input(0), back.input(1))?;
    let zero = back.number(0.0)?;
    if first { back.select(taken, dy, zero) } else { back.select(taken, zero, dy) }
}
