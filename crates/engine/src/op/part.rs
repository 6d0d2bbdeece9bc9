//! The part of joined values that one of them is: what a concatenation's gradient takes apart.

use super::{Backward, Op, Outputs, Rule, Run, Site, concat, transpose};
use crate::error::{Error, Result};
use crate::tensor::Dtype;

pub(crate) const RULE: Rule = Rule { gradient: Some(gradient), ..Rule::new(shape, run) };

/// Axis, and the input that is the part.
fn read(site: &Site) -> Result<(usize, usize)> {
    let axis = site.axis(site.attr(0)?, site.input(0)?.shape.rank())?;
    let which = site.attr(1)?;
    if (which as usize) < site.inputs.len() - 1 {
        return Ok((axis, which as usize + 1));
    }
    Err(Error::Attribute { index: 1, value: which }.into())
}

fn shape(site: &Site) -> Result<Outputs> {
    let (_, which) = read(site)?;
    let y = site.shaped(0, Dtype::Float32)?;
    let joined = concat::joined(&Site { attrs: site.attrs, inputs: &site.inputs[1..], body: None })?;
    joined.shape.unify(y, 0)?;
    Outputs::one(Dtype::Float32, site.shaped(which, Dtype::Float32)?)
}

fn run(run: &mut Run) -> Result<()> {
    let (axis, which) = read(&run.site)?;
    let mut from = run.shape(0).places();
    let before: usize = (1..which).map(|index| run.shape(index).size(axis)).sum();
    from.first = before as isize * from.strides[axis];
    transpose::copy(run, &from);
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let (_, which) = read(&back.site())?;
    let mut parts = alloc::vec::Vec::new();
    for index in 1..back.site().inputs.len() {
        parts.push(if index == which { dy } else { back.zeros(back.input(index))? });
    }
    back.give_op(0, Op::Concat, &parts, &back.site().attrs[..1])
}
