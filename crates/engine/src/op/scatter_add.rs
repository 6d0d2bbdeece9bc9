//! Rows added up in a table by integer ids, one chain over the rows, ascending, that may continue `start`.

use super::{Backward, Op, Outputs, Rule, Run, Site, gather};
use crate::error::Result;
use crate::tensor::Dtype;
use layer_rnn_kernels::vector::axpy;

pub(crate) const RULE: Rule = Rule { gradient: Some(gradient), ..Rule::new(shape, run) };

fn shape(site: &Site) -> Result<Outputs> {
    if site.inputs.len() != 3 {
        site.count(4)?;
    }
    let rows = site.shaped(0, Dtype::Float32)?;
    let mut table = *site.shaped(2, Dtype::Float32)?;
    gather::gathered(&table, *site.shaped(1, Dtype::Int32)?)?.unify(rows, 0)?;
    if site.inputs.len() == 4 {
        table = table.unify(site.shaped(3, Dtype::Float32)?, 3)?;
    }
    Outputs::one(Dtype::Float32, &table)
}

fn run(run: &mut Run) -> Result<()> {
    let table = run.shape(2);
    let ids = run.i32(1);
    gather::check(ids, table.dim(0))?;
    let width = table.product(1..table.rank());
    let rows = run.f32(0);
    let start = run.site.inputs.get(3).map(|_| run.f32(3));
    let sums = run.out_f32(0);
    match start {
        Some(start) => sums.copy_from_slice(start),
        None => sums.fill(0.0),
    }
    for (row, &id) in ids.iter().enumerate() {
        axpy(1.0, &rows[row * width..][..width], &mut sums[id as usize * width..][..width]);
    }
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give_op(0, Op::Gather, &[dy, back.input(1)], &[])?;
    back.give_start(3, dy);
    Ok(())
}
