//! Rows inside a step program: which ops treat every row of the batch by itself. Such an op runs on the active rows alone, and
//! on the rows of many steps at once.

use super::{Op, Site};
use crate::tensor::{Shape, Type};

/// The dim that stands for the rows of a step program, on axis 0: symbol 0.
pub(crate) const ROWS: i32 = -1;

/// How an op treats rows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Treats {
    /// Each row by itself, or no rows at all.
    Each,
    /// Adds the rows that there are, in their order, to something that has no rows.
    Adds,
    /// Everything else: only whole steps will do.
    Mixed,
}

/// Has a value of this shape rows?
pub(crate) fn has_rows(shape: &Shape) -> bool {
    shape.rank() > 0 && shape.dim(0) == ROWS
}

/// How the op treats the rows of its operands, whose traced types are given.
pub(crate) fn treats(op: Op, site: &Site, outputs: &[Type]) -> Treats {
    let all = || site.inputs.iter().chain(outputs).map(|ty| &ty.shape);
    if !all().any(|shape| shape.dims().contains(&ROWS)) {
        return Treats::Each;
    }
    if all().any(|shape| shape.dims().iter().skip(1).any(|&dim| dim == ROWS)) {
        return Treats::Mixed;
    }
    if each(op, site, outputs).unwrap_or(false) {
        return Treats::Each;
    }
    let adds = accumulates(op) && outputs.iter().all(|ty| !has_rows(&ty.shape));
    if adds { Treats::Adds } else { Treats::Mixed }
}

/// Is this an op that sums over rows and may continue a sum?
pub(crate) fn accumulates(op: Op) -> bool {
    matches!(op, Op::SumTo | Op::WeightGrad | Op::ConvKernelGrad)
}

fn each(op: Op, site: &Site, outputs: &[Type]) -> Option<bool> {
    let shape = |input: usize| site.inputs.get(input).map(|ty| &ty.shape);
    let out = &outputs.first()?.shape;
    // an operand that is broadcast: the same for every row
    let shared = |shape: &Shape| shape.rank() < out.rank() || shape.dim(0) == 1;
    let aligned = |shape: &Shape| {
        if has_rows(shape) { shape.rank() == out.rank() } else { shared(shape) }
    };
    let is_other =
        |axis: u32| shape(0).is_some_and(|x| site.axis(axis, x.rank()).is_ok_and(|axis| axis != 0));
    let are_others = |list: usize| Some(site.list(list).ok()?.iter().all(|&axis| is_other(axis)));
    Some(match op {
        Op::Unary | Op::Not | Op::Cast | Op::Stop => true,
        Op::Activate | Op::ActivateGrad => out.rank() > 1 || op.elementwise(site.attrs),
        Op::Binary | Op::Compare | Op::Logical | Op::Select => {
            has_rows(out) && site.inputs.iter().all(|ty| aligned(&ty.shape))
        }
        Op::Reshape => has_rows(out),
        Op::Transpose => site.list(0).ok()?.first() == Some(&0),
        Op::Slice | Op::Place => site.list(0).ok()?.chunks(4).all(|part| is_other(part[0])),
        Op::Flip | Op::Size => are_others(0)?,
        Op::Reduce => are_others(2)?,
        Op::ArgReduce => is_other(site.attr(1).ok()?),
        Op::Concat | Op::Part => {
            is_other(site.attr(0).ok()?) && site.inputs.iter().all(|ty| has_rows(&ty.shape))
        }
        Op::SumTo => site.inputs.len() == 2 && has_rows(out) && shape(0)?.rank() == out.rank(),
        Op::Broadcast => has_rows(out) && aligned(shape(0)?),
        Op::Fill | Op::Random => has_rows(out),
        Op::MatMul => {
            let (a, b) = (shape(0)?, shape(1)?);
            let bias = shape(2).is_none_or(|bias| !has_rows(bias));
            let matrices =
                if has_rows(b) { b.rank() > 2 && has_rows(a) } else { b.rank() == 2 && a.rank() > 1 };
            bias && matrices
        }
        Op::Conv | Op::ConvInputGrad => {
            let bias = op == Op::ConvInputGrad || shape(2).is_none_or(|bias| !has_rows(bias));
            has_rows(out) && !has_rows(shape(1)?) && bias
        }
        Op::Gather => has_rows(shape(1)?) && !has_rows(shape(0)?),
        _ => false,
    })
}
