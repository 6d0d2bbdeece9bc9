//! The gradient of a convolution's input: what each output gives to the elements of its patch, added up in the order of outputs.

use super::{Backward, Needs, Op, Outputs, Rule, Run, Site, conv, out_f32};
use crate::error::Result;
use crate::program::Role;
use crate::tensor::Dtype;
use layer_rnn_kernels::gemm::{Start, gemm};
use layer_rnn_kernels::vector::axpy;

pub(crate) const RULE: Rule = Rule { shape, needs, run, gradient: Some(gradient) };

fn shape(site: &Site) -> Result<Outputs> {
    site.count(3)?;
    let (dy, kernel) = (site.shaped(0, Dtype::Float32)?, site.shaped(1, Dtype::Float32)?);
    let x = site.shaped(2, Dtype::Float32)?;
    conv::fitting(site, x, kernel, 1)?.unify(dy, 0)?;
    Outputs::one(Dtype::Float32, x)
}

fn needs(site: &Site) -> Result<Needs> {
    let geometry = conv::Geometry::of(site, &site.input(2)?.shape)?;
    let mut needs = Needs { scratch: geometry.words(), ..Needs::default() };
    needs.pack(1, Role::Matrix { transposed: true });
    Ok(needs)
}

fn run(run: &mut Run) -> Result<()> {
    let geometry = conv::Geometry::of(&run.site, run.shape(2))?;
    let (k, n) = (run.shape(0).last(), geometry.patch);
    let (dy, packed) = (run.f32(0), run.packed(0));
    let dx = out_f32(run.out, run.made, 0);
    dx.fill(0.0);
    for (first, count) in geometry.tiles() {
        gemm(count, k, n, &dy[first * k..], k, packed, run.scratch, n, Start::Zero);
        for (position, patch) in (first..first + count).zip(run.scratch.chunks_exact(n.max(1))) {
            geometry.visit(position, |from, to, count| {
                axpy(1.0, &patch[from..][..count], &mut dx[to..][..count]);
            });
        }
    }
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let g = back.only_dy()?;
    let attrs = back.site().attrs;
    let (dy, kernel) = (back.input(0), back.input(1));
    back.give_op(0, Op::Conv, &[g, kernel], attrs)?;
    back.give_op(1, Op::ConvKernelGrad, &[g, dy], attrs)?;
    Ok(())
}
