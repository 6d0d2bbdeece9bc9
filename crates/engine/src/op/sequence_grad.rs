//! The gradient of a cell over time. The loop itself is `sequence/backward.rs`, the equations `cell/`.
//!
//! Attributes: those of the sequence, with its tape; which of its results have a gradient and which of its inputs want one, a bit for
//! each. Inputs: the sequence's inputs, its tape, the gradients of results. Outputs: the gradients of inputs.

use super::sequence::{
    ALL, BIAS, Bound, FINAL_STATES, LAST, NEXT_PREVIOUS, PREVIOUS, Record, SEGMENT, STATES, TAPE, weights,
};
use super::{Needs, Outputs, Prepared, Rule, Run, Site, out_f32, sequence};
use crate::cell::Weights;
use crate::error::{Error, Result};
use crate::sequence::{BothWeights, OperandGrads, ResultGrads, backward_words, differentiate};
use crate::tensor::Dtype;
use alloc::boxed::Box;
use alloc::vec::Vec;

pub(crate) const RULE: Rule = Rule { shape, needs, run, gradient: Some(|back| Err(back.unsupported())) };

/// Attributes: bits of results and of inputs.
const GIVEN: usize = SEGMENT + 1;
const WANTED: usize = SEGMENT + 2;

/// The numbers of the bits that are set.
fn set(bits: u32) -> impl Iterator<Item = usize> {
    (0..32).filter(move |bit| bits >> bit & 1 == 1)
}

/// Number of the sequence's inputs.
fn inputs(record: &Record) -> usize {
    // behind all that a record can have
    record.at(0)
}

fn shape(site: &Site) -> Result<Outputs> {
    let record = Record::read(site)?;
    let (given, wanted) = (site.attr(GIVEN)?, site.attr(WANTED)?);
    if wanted == 0 {
        return Err(Error::Attribute { index: WANTED as u32, value: wanted }.into());
    }
    let count = inputs(&record);
    let of = Site { inputs: site.inputs.get(..count).unwrap_or(site.inputs), ..*site };
    let results = sequence::shape(&of)?.0;
    let tape = results.len().saturating_sub(1);
    let bad = |index: usize, value| Error::Attribute { index: index as u32, value };
    if record.results & TAPE == 0 {
        return Err(bad(sequence::RESULTS, record.results).into());
    }
    let mut next = count;
    for index in [tape].into_iter().chain(set(given)) {
        let result = results.get(index).ok_or(bad(GIVEN, given))?;
        result.shape.unify(site.shaped(next, Dtype::Float32)?, next as u32)?;
        next += 1;
    }
    site.count(next)?;
    let mut outputs = Outputs(Vec::new());
    for index in set(wanted) {
        let input = of.inputs.get(index).filter(|ty| ty.dtype == Dtype::Float32);
        let input = input.ok_or(bad(WANTED, wanted))?;
        outputs.push(Dtype::Float32, input.shape);
    }
    Ok(outputs)
}

fn needs(site: &Site) -> Result<Needs> {
    let record = Record::read(site)?;
    let mut needs = Needs::default();
    record.cell.packs_backward(&mut |input, role| needs.pack(input, role));
    if record.segment > 0 {
        let bias = record.has(BIAS).then(|| record.at(BIAS));
        record.cell.packs(bias, &mut |input, role| needs.pack(input, role));
    }
    let layout = record.layout(&site.input(0)?.shape);
    needs.scratch = backward_words(&layout, record.segment);
    needs.prepared = Prepared::Sequence(Box::new(Bound { record, layout }));
    Ok(needs)
}

fn run(run: &mut Run) -> Result<()> {
    let Prepared::Sequence(bound) = run.prepared else {
        return Ok(()); // `needs` prepares it
    };
    let Bound { record, layout } = &**bound;
    let kind = record.cell.kind;
    let turned = weights(run, kind, false, 0);
    let forward = if record.segment > 0 {
        weights(run, kind, record.has(BIAS), Weights::kernels(kind))
    } else {
        Weights::default()
    };

    let tape = inputs(record);
    let (given, wanted) = (run.site.attr(GIVEN)?, run.site.attr(WANTED)?);
    let mut dys = ResultGrads::default();
    let (mut index, mut next) = (0, tape + 1);
    for (result, count) in record.counts() {
        for part in 0..count {
            if given >> index & 1 == 1 {
                let dy = Some(run.f32(next));
                match result {
                    LAST => dys.last = dy,
                    ALL => dys.all = dy,
                    FINAL_STATES => dys.states[part] = dy,
                    NEXT_PREVIOUS => dys.previous = dy,
                    _ => {}
                }
                next += 1;
            }
            index += 1;
        }
    }
    let (operands, tape) = (record.given(run), run.f32(tape));
    let mut grads = OperandGrads::default();
    for (index, (buffer, located)) in set(wanted).zip(run.out.iter_mut().zip(run.made)) {
        let grad = Some(out_f32(core::slice::from_mut(buffer), core::slice::from_ref(located), 0));
        let is = |operand: u32, at: usize| record.has(operand) && record.at(operand) + at == index;
        match index {
            0 => grads.x = grad,
            1 => grads.kernel = grad,
            2 => grads.recurrent = grad,
            _ if is(BIAS, 0) => grads.bias = grad,
            _ if is(PREVIOUS, 0) => grads.previous = grad,
            _ => grads.states[usize::from(!is(STATES, 0))] = grad,
        }
    }
    differentiate(layout, &BothWeights { turned, forward }, operands, tape, dys, grads, run.scratch);
    Ok(())
}
