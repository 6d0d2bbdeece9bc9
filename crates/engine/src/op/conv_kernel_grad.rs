//! The gradient of a convolution's kernel: each element is one chain over rows and positions, ascending, that may continue `start`.

use super::{Backward, Needs, Op, Outputs, Rule, Run, Site, conv, out_f32};
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::gemm::{Start, gemm_tn, gemm_tn_scratch};

pub(crate) const RULE: Rule = Rule { shape, needs, run, gradient: Some(gradient) };

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 2 {
        site.count(3)?;
    }
    let mut shape = conv::kernel(site, site.shaped(0, Dtype::Float32)?, site.shaped(1, Dtype::Float32)?)?;
    if site.inputs.len() == 3 {
        shape = shape.unify(site.shaped(2, Dtype::Float32)?, 2)?;
    }
    Outputs::one(Dtype::Float32, &shape)
}

fn needs(site: &Site) -> Result<Needs> {
    let geometry = conv::Geometry::of(site, &site.input(0)?.shape)?;
    let product = gemm_tn_scratch(geometry.tile(), geometry.patch, site.input(1)?.shape.last());
    Ok(Needs { scratch: geometry.words().saturating_add(product), ..Needs::default() })
}

fn run(run: &mut Run) -> Result<()> {
    let geometry = conv::Geometry::of(&run.site, run.shape(0))?;
    let (k, n) = (geometry.patch, run.shape(1).last());
    let (x, dy, before) = (run.f32(0), run.f32(1), run.f32(2));
    let sums = out_f32(run.out, run.made, 0);
    match run.site.inputs.len() {
        3 => sums.copy_from_slice(before),
        _ => sums.fill(0.0),
    }
    let (patches, scratch) = run.scratch.split_at_mut(geometry.words());
    for (first, count) in geometry.tiles() {
        geometry.patches(x, first, &mut patches[..count * k]);
        gemm_tn(count, k, n, patches, k, &dy[first * n..], n, sums, n, scratch, Start::Continue);
    }
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let g = back.only_dy()?;
    let attrs = back.site().attrs;
    let (x, dy) = (back.input(0), back.input(1));
    back.give_op(0, Op::ConvInputGrad, &[dy, g, x], attrs)?;
    back.give_op(1, Op::Conv, &[x, g], attrs)?;
    back.give_start(2, g);
    Ok(())
}
