//! The inverse of a slice: a value amid zeros, where a slice of `like` with the same attributes would have read it.

use super::{Backward, Op, Outputs, Rule, Run, Site, slice};
use crate::error::Result;
use crate::tensor::{Dtype, MAX_RANK, Type};
use layer_rnn_kernels::copy::copy_strided;

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
    let (x, like) = (run.shape(0), run.shape(1));
    let site = of(&run.site, &run.site.inputs[1..]);
    let (mut from, mut to) = (x.strides().map(|s| s as isize), like.strides());
    let (mut first, mut start) = (0, 0);
    for words in site.list(0)?.chunks(4) {
        let part = slice::Part::read(&site, words)?;
        let (axis, count) = (part.axis, x.size(part.axis));
        let begin = part.of(like.dim(axis)).map_or(0, |(begin, _)| begin) as isize;
        let mut low = begin;
        if part.step < 0 && count > 0 {
            // written from its end, where the lowest index is
            low += (count as isize - 1) * part.step as isize;
            first += (count as isize - 1) * from[axis];
            from[axis] = -from[axis];
        }
        start += low.max(0) as usize * to[axis];
        to[axis] = to[axis].saturating_mul(part.step.unsigned_abs() as usize);
    }
    let rank = x.rank();
    let sizes: [usize; MAX_RANK] = core::array::from_fn(|axis| x.size(axis));
    let values = run.f32(0);
    let y = run.out_f32(0);
    y.fill(0.0);
    if x.elements() > 0 {
        copy_strided(&sizes[..rank], values, first, &from[..rank], y, start, &to[..rank]);
    }
    Ok(())
}

fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    let attrs = back.site().attrs;
    let dx = back.op(Op::Slice, &[dy], attrs)?;
    back.give(0, dx);
    Ok(())
}
