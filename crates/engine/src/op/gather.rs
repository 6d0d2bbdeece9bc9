//! Rows of a table by integer ids, as an embedding does.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Shape};
use layer_rnn_kernels::copy::gather_rows;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(shape, run)
};

fn shape(site: &Site) -> Result<Outputs> {
    site.count(2)?;
    let table = site.shaped(0, Dtype::Float32)?;
    Outputs::one(Dtype::Float32, &gathered(table, *site.shaped(1, Dtype::Int32)?)?)
}

/// The shape of the rows of a table that ids name.
pub(crate) fn gathered(table: &Shape, mut ids: Shape) -> Result<Shape> {
    if table.rank() == 0 {
        return Err(Error::Rank { input: 0, expected: 1, actual: 0 }.into());
    }
    for &dim in table.dims().iter().skip(1) {
        ids.push(dim)?;
    }
    Ok(ids)
}

/// Fails if an id names no row.
pub(crate) fn check(ids: &[i32], limit: i32) -> Result<()> {
    match ids.iter().find(|id| !(0..limit).contains(id)) {
        Some(&value) => Err(Error::Index { value, limit }.into()),
        None => Ok(()),
    }
}

fn run(run: &mut Run) -> Result<()> {
    let table = run.shape(0);
    let ids = run.i32(1);
    check(ids, table.dim(0))?;
    let width = table.product(1..table.rank());
    if width > 0 {
        gather_rows(run.f32(0), width, width, ids, run.out_f32(0), width);
    }
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give_op(0, Op::ScatterAdd, &[dy, back.input(1), back.input(0)], &[])
}
