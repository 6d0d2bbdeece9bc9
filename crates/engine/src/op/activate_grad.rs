//! A gradient through an activation: dy times the slope, a function of the activation's input or output as its kind wants.

use super::{Backward, Op, Outputs, Rule, Site, Word};
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::activation::Activation;
use layer_rnn_kernels::activation_grad::derive;
use layer_rnn_kernels::elementwise::{Binary, Compare, Unary};
use layer_rnn_kernels::reduce::Reduce;

pub(crate) const RULE: Rule = Rule {
    gradient: Some(gradient),
    ..Rule::new(shape, |run| {
        let kind = run.site.kind(Activation::from_u32)?;
        let width = run.shape(0).last();
        let (kept, dy) = (run.f32(0), run.f32(1));
        let dx = run.out_f32(0);
        dx.copy_from_slice(dy);
        derive(kind, width, kept, dx);
        Ok(())
    })
};

fn shape(site: &Site) -> Result<Outputs> {
    site.count(2)?;
    site.kind(Activation::from_u32)?;
    let kept = site.shaped(0, Dtype::Float32)?;
    Outputs::one(Dtype::Float32, &kept.unify(site.shaped(1, Dtype::Float32)?, 1)?)
}

/// Linear in dy, with a Jacobian that is symmetric but for log-softmax's. Through what was kept the same in ordinary ops is differentiated.
fn gradient(back: &mut Backward) -> Result<()> {
    let kind = back.site().kind(Activation::from_u32)?;
    let g = back.only_dy()?;
    let (kept, dy) = (back.input(0), back.input(1));
    if back.wants(1) {
        let dx = if kind == Activation::LogSoftmax {
            let softmax = back.unary(Unary::Exp, kept)?;
            let part = back.mul(softmax, g)?;
            let sum = back.op(Op::Reduce, &[part], LAST_SUM)?;
            back.binary(Binary::Sub, g, sum)?
        } else {
            back.op(Op::ActivateGrad, &[kept, g], &[kind as u32])?
        };
        back.give(1, dx);
    }
    if back.wants(0) {
        // a name of its own, for dy may depend on what was kept too
        let x = back.reshape_like(kept, kept)?;
        let y = match kind {
            Activation::Softmax | Activation::LogSoftmax => row(back, kind, x, dy)?,
            _ => match slope(back, kind, x)? {
                Some(slope) => back.mul(dy, slope)?,
                None => return Ok(()),
            },
        };
        if let Some(dx) = back.through(y, g, x)? {
            back.give(0, dx);
        }
    }
    Ok(())
}

/// The sum over the last axis, which is kept.
const LAST_SUM: &[u32] = &[Reduce::Sum as u32, 1, 1, u32::MAX];

/// softmax: y (dy − Σ y dy); its logarithm: dy − eʸ Σ dy
fn row(back: &mut Backward, kind: Activation, y: u32, dy: u32) -> Result<u32> {
    let softmax = kind == Activation::Softmax;
    let weight = if softmax { y } else { back.unary(Unary::Exp, y)? };
    let summed = if softmax { back.mul(y, dy)? } else { dy };
    let sum = back.op(Op::Reduce, &[summed], LAST_SUM)?;
    if softmax {
        let apart = back.binary(Binary::Sub, dy, sum)?;
        return back.mul(y, apart);
    }
    let shares = back.mul(weight, sum)?;
    back.binary(Binary::Sub, dy, shares)
}

/// The slope where it is not constant between kinks.
fn slope(back: &mut Backward, kind: Activation, x: u32) -> Result<Option<u32>> {
    use Activation::*;
    use Word::{Number, Select, Value};
    const X: Word = Value(0);
    const S: Word = Value(1);
    const ADD: Word = Word::Binary(Binary::Add);
    const SUB: Word = Word::Binary(Binary::Sub);
    const MUL: Word = Word::Binary(Binary::Mul);
    const SQUARE: Word = Word::Unary(Unary::Square);
    const NEG: Word = Word::Unary(Unary::Neg);
    const EXP: Word = Word::Unary(Unary::Exp);
    const EXPM1: Word = Word::Unary(Unary::Expm1);
    const LESS: Word = Word::Compare(Compare::Less);
    const ROOT: Word = Number(core::f32::consts::FRAC_1_SQRT_2);
    let mut values = [x; 2];
    let formula: &[Word] = match kind {
        Linear | Relu | Relu6 | LeakyRelu | HardSigmoid | HardSigmoidKeras2 | HardTanh | HardShrink
        | SoftShrink | SparseSigmoid | Sparsemax => return Ok(None),
        Exponential => &[X],
        Tanh => &[Number(1.0), X, SQUARE, SUB],
        Sigmoid => &[X, X, SQUARE, SUB],
        Softplus => &[X, NEG, EXPM1, NEG],
        LogSigmoid => &[X, EXPM1, NEG],
        // but for a constant on either side, min(x, 0)
        Elu | Celu | Selu => &[X, Number(0.0), LESS, X, Number(0.0), Select],
        Silu => {
            values[1] = back.op(Op::Activate, &[x], &[Sigmoid as u32])?;
            &[S, X, S, S, SQUARE, SUB, MUL, ADD]
        }
        // Φ(x) + x φ(x), but for a constant; Φ is (erf(x / √2) + 1) / 2
        Gelu => {
            const ERF: Word = Word::Unary(Unary::Erf);
            const HALF: Word = Number(0.5);
            const BELL: Word = Number(0.398_942_3);
            &[X, ROOT, MUL, ERF, HALF, MUL, X, X, ROOT, MUL, SQUARE, NEG, EXP, BELL, MUL, MUL, ADD]
        }
        _ => return Err(back.unsupported()),
    };
    back.formula(&values, formula).map(Some)
}
