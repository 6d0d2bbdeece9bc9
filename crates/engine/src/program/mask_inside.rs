//! Steps that mix rows, under a mask: a step runs for all rows or, where all are masked, not at all. So the mask goes into it: a
//! masked row counts with zeros for x and with the states that it has, keeps these, and repeats what it put out before.

use super::distribute::{Lifted, distribute};
use super::{Builder, Record};
use crate::error::Result;
use crate::op::reshape::{COPY, LITERAL};
use crate::op::rows::ROWS;
use crate::op::steps::{self, Axis, Emit, MASK, Part, STEP_MASK, TIME_MAJOR_MASK, ZERO_OUTPUT, mask_axes};
use crate::op::{Op, Site};
use crate::tensor::{Dtype, Shape, Type};
use alloc::vec::Vec;
use layer_rnn_kernels::reduce::Reduce;

impl Builder {
    /// The same steps with their mask inside, if they are such.
    pub(super) fn mask_inside(&mut self, lifted: &Lifted) -> Result<Option<Lifted>> {
        let site = Site { attrs: &lifted.attrs, inputs: &[], body: Some(&lifted.body) };
        let record = steps::Record::read(&site)?;
        if record.flags & (MASK | STEP_MASK) != MASK || !distribute(&record).whole {
            return Ok(None);
        }
        let old = record.body;
        let zero = record.has(ZERO_OUTPUT);
        let (operands, rest) = lifted.inputs.split_at(record.given());
        let mut inputs = operands.to_vec();
        let mut parts = record.parts.clone();
        let mut body = Builder::of(old.clone());
        let first = old.records.len();

        inputs.push(rest[0]);
        parts.push(if record.has(TIME_MAJOR_MASK) { Part::TimeMajorX } else { Part::X });
        let mask = body.input(Type { dtype: Dtype::Bool, shape: Shape::new(&[ROWS])? });
        let mut names: Vec<u32> = (0..old.values.len() as u32).collect();
        for (&value, part) in old.inputs.iter().zip(&record.parts) {
            if matches!(part, Part::X | Part::TimeMajorX) && body.program().has_rows(value) {
                names[value as usize] = body.choose(mask, value, None)?;
            }
        }
        let records = &mut body.program_mut().records;
        records.rotate_left(first);
        let begin = records.len() - first;
        for Record { inputs, .. } in &mut records[begin..] {
            inputs.iter_mut().for_each(|value| *value = names[*value as usize]);
        }
        let made: Vec<u32> = old.outputs.iter().map(|&value| names[value as usize]).collect();

        let mut outputs = Vec::new();
        for (&state, &next) in record.states.iter().zip(&made) {
            outputs.push(if body.program().has_rows(state) {
                body.choose(mask, next, Some(state))?
            } else {
                next
            });
        }
        // what is repeated is a state too
        let mut repeated = alloc::vec![None; made.len()];
        for (output, &value) in made.iter().enumerate() {
            let repeats = |&(kind, of): &(Emit, usize)| {
                let all = matches!(kind, Emit::All | Emit::TimeMajorAll | Emit::Last);
                of == output && (kind == Emit::NextPrevious || all && !zero)
            };
            if !(body.program().has_rows(value) && record.results.iter().any(repeats)) {
                continue;
            }
            let start = record.previous_of(output).map(|own| rest[1 + own]);
            inputs.extend(start);
            parts.push(if start.is_some() { Part::State } else { Part::ZeroState });
            let before = body.input(*body.program().ty(value)?);
            repeated[output] = Some(outputs.len());
            outputs.push(body.choose(mask, value, Some(before))?);
        }
        let first_own = outputs.len();
        outputs.extend_from_slice(&made[record.states.len()..][..record.previous]);
        let mut results = Vec::new();
        for &(kind, output) in &record.results {
            let value = made[output];
            let timed = matches!(kind, Emit::Timed | Emit::TimeMajorTimed);
            let (kind, value) = match (kind, repeated[output]) {
                (Emit::FinalState, _) => {
                    results.push((kind, output));
                    continue;
                }
                (Emit::NextPrevious, Some(state)) => {
                    results.push((Emit::FinalState, state));
                    continue;
                }
                _ if !body.program().has_rows(value) => (kind, value),
                (_, Some(state)) if !(timed || zero) => (kind, outputs[state]),
                _ => (kind, body.choose(mask, value, None)?),
            };
            // steps that are masked for all rows repeat what is given
            let own = record.previous_of(output).filter(|_| !timed);
            let at = own.map_or(outputs.len(), |own| first_own + own);
            match own {
                Some(_) => outputs[at] = value,
                None => outputs.push(value),
            }
            results.push((kind, at));
        }

        let axis = mask_axes(record.flags).iter().position(|&axis| axis == Axis::Batch).unwrap_or(0);
        inputs.extend(self.append(Op::Reduce, &rest[..1], &[Reduce::Any as u32, 0, 1, axis as u32], None)?);
        inputs.extend_from_slice(&rest[1..]);
        let flags = record.flags & !TIME_MAJOR_MASK | STEP_MASK;
        let attrs = steps::Record::attrs(flags, record.previous, &parts, &results, 0);
        Ok(Some(Lifted { body: body.finish(&outputs, &[])?, attrs, inputs }))
    }

    /// In the rows of a mask `value`, in the others another one, or zeros.
    #[inline(never)]
    fn choose(&mut self, mask: u32, value: u32, other: Option<u32>) -> Result<u32> {
        let Type { dtype, shape } = *self.program().ty(value)?;
        let number = if dtype == Dtype::Bool { Dtype::Int32 } else { dtype };
        let mut codes = alloc::vec![2 * shape.rank() as u32, COPY, 0];
        (1..shape.rank()).for_each(|_| codes.extend_from_slice(&[LITERAL, 1]));
        let mask = self.one(Op::Reshape, &[mask], &codes)?;
        let other = match other {
            Some(other) => other,
            None => self.one(Op::Fill, &[], &[number as u32, 0, 0])?,
        };
        // of two masks one is chosen as numbers
        let (value, other) = (self.cast(value, number)?, self.cast(other, number)?);
        let chosen = self.one(Op::Select, &[mask, value, other], &[])?;
        self.cast(chosen, dtype)
    }

    #[inline(never)]
    fn cast(&mut self, value: u32, to: Dtype) -> Result<u32> {
        if self.program().ty(value)?.dtype == to {
            return Ok(value);
        }
        self.one(Op::Cast, &[value], &[to as u32])
    }
}
