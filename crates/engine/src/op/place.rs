//! The inverse of a slice: a value amid zeros, where a slice of `like` with the same attributes would have read it.

use super::{Backward, Op, Outputs, Rule, Run, Site, slice, transpose};
use crate::error::Result;
use crate::tensor::{Dtype, Type};

pub(crate) const RULE: Rule = Rule { gradient: Some(gradient), ..Rule::new(shape, run) };

fn shape(site: &Site) -> Result<Outputs> {
    site.count(2)?;
    let x = site.shaped(0, Dtype::Float32)?;
    let like = site.shaped(1, Dtype::Float32)?;
    slice::sliced(&of(site, &site.inputs[1..]))?.unify(x, 0)?;
    Outputs::one(Dtype::Float32, like)
}

/// The slice's site: it reads `like`.
fn of<'a>(site: &Site<'a>, like: &'a [Type]) -> Site<'a> {
    Site { attrs: site.attrs, inputs: like, body: None }
}

fn run(run: &mut Run) -> Result<()> {
    let x = run.shape(0);
    let to = slice::places(&of(&run.site, &run.site.inputs[1..]))?;
    run.out_f32(0).fill(0.0);
    transpose::copy_part(run, 0, &x.sizes(), &x.places(), &to);
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let attrs = back.site().attrs;
    back.give_op(0, Op::Slice, &[dy], attrs)
}
