//! A value summed to the shape of `like`, which was broadcast to its own. The axes that `like` has not, and its
//! first if that is summed, are one chain over rows, ascending, that may continue `start`, so that rows may come in any number of parts;
//! other axes go by the fixed tree, row by row.

use super::reduce::{Reduced, reduce_axes};
use super::{Backward, Needs, Outputs, Rule, Run, Site, broadcast, out_f32};
use crate::error::Result;
use crate::tensor::{Dtype, MAX_RANK, Shape};
use layer_rnn_kernels::reduce::Reduce;
use layer_rnn_kernels::vector::axpy;

pub(crate) const RULE: Rule = Rule { shape, needs, run, gradient: Some(gradient) };

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 2 {
        site.count(3)?;
    }
    let x = site.shaped(0, Dtype::Float32)?;
    let like = site.shaped(1, Dtype::Float32)?;
    broadcast::larger(x, like, 1)?;
    let shape = if site.inputs.len() == 3 { like.unify(site.shaped(2, Dtype::Float32)?, 2)? } else { *like };
    Outputs::one(Dtype::Float32, &shape)
}

/// How the sum goes: this many rows of this shape, whose axes are summed where marked.
struct Plan {
    rows: usize,
    row: Shape,
    reduced: Reduced,
}

fn plan(x: &Shape, like: &Shape) -> Result<Plan> {
    let missing = x.rank() - like.rank();
    let summed = |axis: usize| axis < missing || like.dim(axis - missing) == 1;
    // never more than one axis of `like`: of a size 1 nothing tells whether it is summed or there is only one
    let lead = missing + like.dims().first().is_some_and(|&dim| dim == 1) as usize;
    let mut plan = Plan { rows: x.product(0..lead), row: Shape::SCALAR, reduced: [false; MAX_RANK] };
    for axis in lead..x.rank() {
        plan.reduced[axis - lead] = summed(axis) && x.dim(axis) != 1;
        plan.row.push(x.dim(axis))?;
    }
    Ok(plan)
}

fn needs(site: &Site) -> Result<Needs> {
    let (x, like) = (site.input(0)?.shape, site.input(1)?.shape);
    let Plan { row, reduced, .. } = plan(&x, &like)?;
    // one row with its axes moved, and its sums
    let scratch = if reduced.contains(&true) { row.elements() + like.elements() } else { 0 };
    Ok(Needs { scratch, ..Needs::default() })
}

fn run(run: &mut Run) -> Result<()> {
    let Plan { rows, row, reduced } = plan(run.shape(0), run.shape(1))?;
    let start = run.site.inputs.get(2).map(|_| run.f32(2));
    let x = run.f32(0);
    let sums = out_f32(run.out, run.made, 0);
    match start {
        Some(start) => sums.copy_from_slice(start),
        None => sums.fill(0.0),
    }
    let width = row.elements();
    let tree = reduced.contains(&true);
    for at in 0..rows {
        let x = &x[at * width..][..width];
        if tree {
            let (moved, sum) = run.scratch.split_at_mut(width);
            let sum = &mut sum[..sums.len()];
            reduce_axes(Reduce::Sum, x, &row, &reduced, moved, sum);
            axpy(1.0, sum, sums);
        } else {
            axpy(1.0, x, sums);
        }
    }
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    if back.wants(0) {
        let dx = back.broadcast(dy, back.input(0))?;
        back.give(0, dx);
    }
    back.give_start(2, dy);
    Ok(())
}
