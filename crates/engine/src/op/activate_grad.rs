//! A gradient through an activation: dy times the slope, a function of the activation's input or output as its kind wants.

use super::{Backward, Op, Outputs, Rule, Site};
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
    Outputs::one(Dtype::Float32, kept.unify(&site.shaped(1, Dtype::Float32)?, 1)?)
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
    Ok(Some(match kind {
        Linear | Relu | Relu6 | LeakyRelu | HardSigmoid | HardSigmoidKeras2 | HardTanh | HardShrink
        | SoftShrink | SparseSigmoid | Sparsemax => return Ok(None),
        Exponential => x,
        Tanh => {
            let square = back.unary(Unary::Square, x)?;
            let one = back.number(1.0)?;
            back.binary(Binary::Sub, one, square)?
        }
        Sigmoid => {
            let square = back.unary(Unary::Square, x)?;
            back.binary(Binary::Sub, x, square)?
        }
        Softplus | LogSigmoid => {
            let x = if kind == Softplus { back.unary(Unary::Neg, x)? } else { x };
            let less = back.unary(Unary::Expm1, x)?;
            back.unary(Unary::Neg, less)?
        }
        // but for a constant on either side, min(x, 0)
        Elu | Celu | Selu => {
            let zero = back.number(0.0)?;
            let below = back.compare(Compare::Less, x, zero)?;
            back.select(below, x, zero)?
        }
        Silu => {
            let s = back.op(Op::Activate, &[x], &[Sigmoid as u32])?;
            let slope = slope(back, Sigmoid, s)?.unwrap_or(s);
            let rest = back.mul(x, slope)?;
            back.binary(Binary::Add, s, rest)?
        }
        // Φ(x) + x φ(x), where Φ is (erf(x / √2) + 1) / 2
        Gelu => {
            let inner = back.scale(core::f32::consts::FRAC_1_SQRT_2, x)?;
            let below = back.unary(Unary::Erf, inner)?;
            let below = back.scale(0.5, below)?;
            let square = back.unary(Unary::Square, inner)?;
            let square = back.unary(Unary::Neg, square)?;
            let bell = back.unary(Unary::Exp, square)?;
            let bell = back.scale(0.398_942_3, bell)?;
            let rest = back.mul(x, bell)?;
            back.binary(Binary::Add, below, rest)?
        }
        _ => return Err(back.unsupported()),
    }))
}
