//! Matrix product `a[…, m, k] · b[…, k, n] + bias[n]`: one chain per output element, bias first, then k ascending.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Needs, Outputs, Rule, Run, Site, out_f32};
use crate::error::{Error, Result};
use crate::program::Role;
use crate::tensor::{Dtype, Shape, unify};
use layer_rnn_kernels::gemm::{Start, gemm};
use layer_rnn_kernels::pack::{pack, packed_len};

pub(crate) const RULE: Rule = Rule {
    shape,
    needs,
    run,
    #[cfg(feature = "full")]
    gradient: Some(gradient),
};

fn transposed(site: &Site) -> Result<bool> {
    Ok(site.attr(0)? != 0)
}

/// (k, n) of the second operand.
fn matrix(b: &Shape, transposed: bool) -> (i32, i32) {
    let rank = b.rank();
    let (rows, columns) = (b.dim(rank - 2), b.dim(rank - 1));
    if transposed { (columns, rows) } else { (rows, columns) }
}

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 2 {
        site.count(3)?;
    }
    let a = site.shaped(0, Dtype::Float32)?;
    let b = site.shaped(1, Dtype::Float32)?;
    let least = |input: u32, shape: &Shape, expected: usize| match shape.rank() {
        rank if rank < expected => Err(Error::Rank { input, expected: expected as u32, actual: rank as u32 }),
        _ => Ok(()),
    };
    least(1, b, 2)?;
    // a matrix as second operand takes any rank ≥ 1; more axes must be the same batch axes on both sides
    least(0, a, if b.rank() > 2 { b.rank() } else { 1 })?;
    let (k, n) = matrix(b, transposed(site)?);
    let axis = a.rank() - 1;
    let wrong = Error::Shape { input: 0, axis: axis as u32, expected: k, actual: a.dim(axis) };
    unify(a.dim(axis), k).ok_or(wrong)?;
    let mut shape = *a;
    shape.dims_mut()[axis] = n;
    if b.rank() > 2 {
        if a.rank() != b.rank() {
            return Err(Error::Rank { input: 0, expected: b.rank() as u32, actual: a.rank() as u32 }.into());
        }
        for axis in 0..b.rank() - 2 {
            let (expected, actual) = (a.dim(axis), b.dim(axis));
            let wrong = Error::Shape { input: 1, axis: axis as u32, expected, actual };
            shape.dims_mut()[axis] = unify(expected, actual).ok_or(wrong)?;
        }
    }
    if site.inputs.len() == 3 {
        Shape::new(&[n])?.unify(site.shaped(2, Dtype::Float32)?, 2)?;
    }
    Outputs::one(Dtype::Float32, &shape)
}

fn needs(site: &Site) -> Result<Needs> {
    let b = &site.input(1)?.shape;
    let transposed = transposed(site)?;
    let mut needs = Needs::default();
    if b.rank() == 2 {
        needs.pack(1, Role::Matrix { transposed });
    } else {
        let (k, n) = matrix(b, transposed);
        needs.scratch = packed_len(k as usize, n as usize);
    }
    Ok(needs)
}

fn run(run: &mut Run) -> Result<()> {
    let transposed = transposed(&run.site)?;
    let b = run.shape(1);
    let (k, n) = matrix(b, transposed);
    let (k, n) = (k as usize, n as usize);
    let rows = run.outputs[0].shape.elements() / n.max(1);
    let a = run.f32(0);
    let bias = (run.site.inputs.len() == 3).then(|| run.f32(2));
    let start = || bias.map_or(Start::Zero, Start::Bias);
    if b.rank() == 2 {
        let packed = run.packed(0);
        gemm(rows, k, n, a, k, packed, run.out_f32(0), n, start());
        return Ok(());
    }
    let m = run.shape(0).size(b.rank() - 2);
    let (k_stride, n_stride) = if transposed { (1, k) } else { (n, 1) };
    let batches = rows.checked_div(m).unwrap_or(0);
    for batch in 0..batches {
        let matrix = &run.f32(1)[batch * k * n..][..k * n];
        let y = &mut out_f32(run.out, run.made, 0)[batch * m * n..][..m * n];
        pack(matrix, k, n, k_stride, n_stride, run.scratch);
        gemm(m, k, n, &a[batch * m * k..], k, run.scratch, y, n, start());
    }
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let transposed = transposed(&back.site())?;
    let (a, b) = (back.input(0), back.input(1));
    back.give_op(0, Op::MatMul, &[dy, b], &[u32::from(!transposed)])?;
    if back.wants(1) {
        let (left, right) = if transposed { (dy, a) } else { (a, dy) };
        let rank = back.ty(b)?.shape.rank() as u32;
        let db = if rank == 2 {
            back.op(Op::WeightGrad, &[left, right], &[])?
        } else {
            let mut axes = alloc::vec![rank];
            axes.extend(0..rank - 2);
            axes.extend_from_slice(&[rank - 1, rank - 2]);
            let left = back.op(Op::Transpose, &[left], &axes)?;
            back.op(Op::MatMul, &[left, right], &[0])?
        };
        back.give(1, db);
    }
    if back.wants(2) {
        let rank = back.ty(dy)?.shape.rank();
        let bias = if rank == 1 { dy } else { back.op(Op::SumTo, &[dy, back.input(2)], &[])? };
        back.give(2, bias);
    }
    Ok(())
}
