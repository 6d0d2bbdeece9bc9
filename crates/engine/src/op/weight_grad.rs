//! aᵀb for a `[…, k]` and b `[…, n]`: each element is one chain over all rows, ascending, that may continue `start`.

use super::{Backward, Needs, Op, Outputs, Rule, Run, Site, out_f32};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Shape};
use layer_rnn_kernels::gemm::{Start, gemm_tn, gemm_tn_scratch};

pub(crate) const RULE: Rule = Rule { shape, needs, run, gradient: Some(gradient) };

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 2 {
        site.count(3)?;
    }
    let (a, b) = (site.shaped(0, Dtype::Float32)?, site.shaped(1, Dtype::Float32)?);
    if a.rank() == 0 {
        return Err(Error::Rank { input: 0, expected: 1, actual: 0 }.into());
    }
    let last = a.rank() - 1;
    let mut rows = *a;
    rows.dims_mut()[last] = b.dim(last);
    rows.unify(b, 1)?;
    let mut shape = Shape::new(&[a.dim(last), b.dim(last)])?;
    if site.inputs.len() == 3 {
        shape = shape.unify(site.shaped(2, Dtype::Float32)?, 2)?;
    }
    Outputs::one(Dtype::Float32, &shape)
}

/// Rows, k, n.
fn sizes(site: &Site) -> Result<(usize, usize, usize)> {
    let (a, b) = (site.input(0)?.shape, site.input(1)?.shape);
    Ok((a.product(0..a.rank() - 1), a.last(), b.last()))
}

fn needs(site: &Site) -> Result<Needs> {
    let (rows, k, n) = sizes(site)?;
    Ok(Needs { scratch: gemm_tn_scratch(rows, k, n), ..Needs::default() })
}

fn run(run: &mut Run) -> Result<()> {
    let (rows, k, n) = sizes(&run.site)?;
    let (a, b, before) = (run.f32(0), run.f32(1), run.f32(2));
    let sums = out_f32(run.out, run.made, 0);
    let mut start = Start::Zero;
    if run.site.inputs.len() == 3 {
        sums.copy_from_slice(before);
        start = Start::Continue;
    }
    gemm_tn(rows, k, n, a, k, b, n, sums, n, run.scratch, start);
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let (a, b) = (back.input(0), back.input(1));
    back.give_op(0, Op::MatMul, &[b, dy], &[1])?;
    back.give_op(1, Op::MatMul, &[a, dy], &[0])?;
    back.give_start(2, dy);
    Ok(())
}
