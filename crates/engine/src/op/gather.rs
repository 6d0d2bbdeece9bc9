//! Rows of a table by integer ids, as an embedding does.

use super::{Outputs, Rule, Run, Site};
use crate::error::{Error, Result};
use crate::tensor::Dtype;
use layer_rnn_kernels::copy::gather_rows;

pub(crate) const RULE: Rule = Rule::new(shape, run);

fn shape(site: &Site) -> Result<Outputs> {
    site.count(2)?;
    let table = site.shaped(0, Dtype::Float32)?;
    let mut shape = site.shaped(1, Dtype::Int32)?;
    if table.rank() == 0 {
        return Err(Error::Rank { input: 0, expected: 1, actual: 0 });
    }
    for &dim in table.dims().iter().skip(1) {
        shape.push(dim)?;
    }
    Outputs::one(Dtype::Float32, shape)
}

fn run(run: &mut Run) -> Result<()> {
    let table = run.shape(0);
    let limit = table.dim(0);
    let ids = run.i32(1);
    if let Some(&value) = ids.iter().find(|id| !(0..limit).contains(id)) {
        return Err(Error::Index { value, limit });
    }
    let width = table.product(1..table.rank());
    if width > 0 {
        gather_rows(run.f32(0), width, width, ids, run.out_f32(0), width);
    }
    Ok(())
}
