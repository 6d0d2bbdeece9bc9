//! Takes one record after the other, checks it and answers with the types of what it makes.

use super::distribute::Lifted;
use super::{Program, Record, is_among};
use crate::error::{Error, Result};
use crate::op::rows::has_rows;
use crate::op::{Op, Outputs, Site};
use crate::tensor::{ANY, Dtype, Shape, Tensors, Type};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// A program that is being written.
pub(crate) struct Builder {
    program: Program,
}

impl Builder {
    /// Nothing recorded.
    pub fn new() -> Builder {
        Builder { program: Program::default() }
    }

    /// Goes on where a program ended.
    pub fn of(program: Program) -> Builder {
        Builder { program }
    }

    /// What has been recorded, to be changed.
    pub fn program_mut(&mut self) -> &mut Program {
        &mut self.program
    }

    /// What has been recorded, without outputs.
    #[cfg(feature = "full")]
    pub fn into_program(self) -> Program {
        self.program
    }

    /// An input of this type, unknown dims and all.
    pub fn input(&mut self, ty: Type) -> u32 {
        let value = self.push(Op::Input, &[], &[], None, &[ty])[0];
        self.program.inputs.push(value);
        value
    }

    /// What has been recorded.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Appends an op; gives its values. A sequence of steps is given its step program as `body`; what that computes from
    /// captures alone is recorded here, in front of it.
    pub fn record(
        &mut self,
        tensors: &Tensors,
        op: u32,
        inputs: &[u32],
        attrs: &[u32],
        body: Option<Arc<Program>>,
    ) -> Result<Vec<u32>> {
        let op = Op::from_u32(op).ok_or(Error::Op { op })?;
        if matches!(op, Op::Input | Op::Variable) && !inputs.is_empty() {
            return Err(Error::Inputs { expected: 0, actual: inputs.len() as u32 }.into());
        }
        match body {
            Some(body) if op == Op::Steps => self.steps(inputs, attrs, &body),
            _ if op == Op::Variable => {
                let tensor = Site { attrs, inputs: &[], body: None }.attr(0)?;
                let ty = tensors.get(tensor)?.ty;
                self.program.variables.push((self.program.values.len() as u32, tensor));
                Ok(self.push(op, inputs, attrs, None, &[ty]))
            }
            _ => self.append(op, inputs, attrs, None),
        }
    }

    /// Appends a sequence of steps.
    pub fn steps(&mut self, inputs: &[u32], attrs: &[u32], body: &Arc<Program>) -> Result<Vec<u32>> {
        if !(body.variables.is_empty() && body.assigns.is_empty()) {
            return Err(Error::Attribute { index: 0, value: body.variables.len() as u32 }.into());
        }
        let (records, values) = (self.program.records.len(), self.program.values.len());
        let lifted = self.lift(body, attrs, inputs).and_then(|mut lifted| {
            if let Some(Lifted { body, attrs, inputs }) = self.mask_inside(&lifted)? {
                lifted = self.lift(&body, &attrs, &inputs)?;
            }
            self.append(Op::Steps, &lifted.inputs, &lifted.attrs, Some(Arc::new(lifted.body)))
        });
        if lifted.is_err() {
            self.program.records.truncate(records);
            self.program.values.truncate(values);
        }
        lifted
    }

    /// Appends an op; gives its first value.
    #[inline(never)]
    pub fn one(&mut self, op: Op, inputs: &[u32], attrs: &[u32]) -> Result<u32> {
        Ok(self.append(op, inputs, attrs, None)?[0])
    }

    /// Appends a record of anything but a variable as it is.
    pub fn append(
        &mut self,
        op: Op,
        inputs: &[u32],
        attrs: &[u32],
        body: Option<Arc<Program>>,
    ) -> Result<Vec<u32>> {
        let types = self.types(inputs)?;
        let site = Site { attrs, inputs: &types, body: body.as_deref() };
        let outputs = match (op, op.rule()) {
            (Op::Input, _) => {
                let ty = input_type(&site)?;
                self.program.inputs.push(self.program.values.len() as u32);
                Outputs::one(ty.dtype, &ty.shape)?
            }
            (_, Some(rule)) => (rule.shape)(&site)?,
            _ => return Err(Error::Op { op: op as u32 }.into()),
        };
        Ok(self.push(op, inputs, attrs, body, &outputs.0))
    }

    fn push(
        &mut self,
        op: Op,
        inputs: &[u32],
        attrs: &[u32],
        body: Option<Arc<Program>>,
        outputs: &[Type],
    ) -> Vec<u32> {
        let made = self.values_of(outputs);
        let record = Record { op, attrs: attrs.into(), inputs: inputs.into(), outputs: made.clone(), body };
        self.program.records.push(record);
        made
    }

    /// Forgets all but the first `records`; what others have made is made by none.
    #[cfg(feature = "full")]
    pub fn truncate(&mut self, records: usize) {
        self.program.records.truncate(records);
    }

    /// New values of these types.
    fn values_of(&mut self, types: &[Type]) -> Vec<u32> {
        let values = &mut self.program.values;
        let first = values.len() as u32;
        values.extend_from_slice(types);
        (first..values.len() as u32).collect()
    }

    /// Types of some values.
    pub fn types(&self, values: &[u32]) -> Result<Vec<Type>> {
        for &value in values {
            self.program.ty(value)?;
        }
        Ok(types_of(&self.program.values, values))
    }

    /// Gives a record other attributes, and perhaps another step program, with which it makes more values than before: these,
    /// numbered after all others.
    #[cfg(feature = "full")]
    pub fn extend(&mut self, record: usize, attrs: &[u32], body: Option<Arc<Program>>) -> Result<Vec<u32>> {
        let known = &mut self.program.records[record];
        known.body = body.or(known.body.take());
        let Record { op, inputs, outputs, body, .. } = &self.program.records[record];
        let rule = op.rule().ok_or(Error::Op { op: *op as u32 })?;
        let inputs = self.types(inputs)?;
        let types = (rule.shape)(&Site { attrs, inputs: &inputs, body: body.as_deref() })?.0;
        let more = self.values_of(types.get(outputs.len()..).unwrap_or(&[]));
        let record = &mut self.program.records[record];
        record.attrs = attrs.into();
        record.outputs.extend_from_slice(&more);
        Ok(more)
    }

    /// Would axis 0 of `value` have the name that axis 0 of `named` had, if it had one? Two sizes may be the same by chance.
    pub fn follows(&self, value: u32, named: &[u32]) -> Result<bool> {
        const NAME: i32 = ANY + 1;
        self.types(named)?;
        let mut types = self.program.values.clone();
        let name = |types: &mut [Type]| {
            for &value in named {
                types[value as usize].shape.dims_mut().first_mut().into_iter().for_each(|dim| *dim = NAME);
            }
        };
        name(&mut types);
        for record in &self.program.records {
            // what needs a number gives no name
            let _ = record.infer(&mut types);
            name(&mut types);
        }
        Ok(types.get(value as usize).is_some_and(|ty| ty.shape.dims().first() == Some(&NAME)))
    }

    /// Closes the program. `assigns` pairs an input or a variable with the value its tensor takes after a run.
    pub fn finish(self, outputs: &[u32], assigns: &[(u32, u32)]) -> Result<Program> {
        let mut program = self.program;
        for &value in outputs {
            program.ty(value)?;
        }
        for (index, &(target, value)) in assigns.iter().enumerate() {
            let (to, from) = (program.ty(target)?, program.ty(value)?);
            let assignable = |record: &Record| {
                matches!(record.op, Op::Input | Op::Variable) && is_among(target, &record.outputs)
            };
            // what is assigned twice would have the one or the other value
            if !program.records.iter().any(assignable) || assigns[..index].iter().any(|&(to, _)| to == target)
            {
                return Err(Error::Busy.into());
            }
            let input = index as u32;
            if to.dtype != from.dtype {
                return Err(Error::Dtype { input, expected: to.dtype, actual: from.dtype }.into());
            }
            to.shape.unify(&from.shape, input)?;
        }
        program.outputs = outputs.into();
        program.assigns = assigns.into();
        program.mark_live();
        Ok(program)
    }
}

/// The types that some values have among those of all.
#[inline(never)]
pub(crate) fn types_of(types: &[Type], values: &[u32]) -> Vec<Type> {
    let mut of = Vec::with_capacity(values.len());
    for &value in values {
        of.push(types[value as usize]);
    }
    of
}

impl Record {
    /// Finds out the types of what it makes, among those of all values.
    pub fn infer(&self, types: &mut [Type]) -> Result<()> {
        let Some(rule) = self.op.rule() else { return Ok(()) };
        let inputs = types_of(types, &self.inputs);
        let site = Site { attrs: &self.attrs, inputs: &inputs, body: self.body.as_deref() };
        for (&value, ty) in self.outputs.iter().zip(&(rule.shape)(&site)?.0) {
            ty.words()?;
            types[value as usize] = *ty;
        }
        Ok(())
    }
}

impl Program {
    /// A record of an input that is there already as a value.
    pub fn given(value: u32) -> Record {
        Record {
            op: Op::Input,
            attrs: Vec::new(),
            inputs: Vec::new(),
            outputs: alloc::vec![value],
            body: None,
        }
    }

    /// Type of a value.
    pub fn ty(&self, value: u32) -> Result<&Type> {
        let limit = self.values.len() as i32;
        Ok(self.values.get(value as usize).ok_or(Error::Index { value: value as i32, limit })?)
    }

    /// Has a value of a step program rows?
    #[inline(never)]
    pub fn has_rows(&self, value: u32) -> bool {
        has_rows(&self.values[value as usize].shape)
    }

    /// Marks the records that outputs and assignments depend on.
    pub(crate) fn mark_live(&mut self) {
        let mut wanted = self.wanted();
        self.live = alloc::vec![false; self.records.len()];
        for (index, record) in self.records.iter().enumerate().rev() {
            // an input is part of the signature, read or not
            if record.outputs.iter().any(|&value| wanted[value as usize]) || record.op == Op::Input {
                self.live[index] = true;
                record.inputs.iter().for_each(|&value| wanted[value as usize] = true);
            }
        }
    }

    /// Which values outputs and assignments read.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let mut wanted = alloc::vec![false; self.values.len()];
        for &value in &self.outputs {
            wanted[value as usize] = true;
        }
        for &(to, value) in &self.assigns {
            (wanted[to as usize], wanted[value as usize]) = (true, true);
        }
        wanted
    }

    /// Which values live records, outputs and assignments read.
    pub(crate) fn read(&self) -> Vec<bool> {
        let mut read = self.wanted();
        for (record, _) in self.records.iter().zip(&self.live).filter(|(_, live)| **live) {
            record.inputs.iter().for_each(|&value| read[value as usize] = true);
        }
        read
    }
}

/// Attributes of an input: dtype, rank, dims.
fn input_type(site: &Site) -> Result<Type> {
    let dtype = site.kind(Dtype::from_u32)?;
    let mut shape = Shape::SCALAR;
    for &dim in site.list(1)? {
        shape.push(dim as i32)?;
    }
    if shape.dims().contains(&ANY) {
        return Err(Error::Attribute { index: 1, value: ANY as u32 }.into());
    }
    Ok(Type { dtype, shape })
}
