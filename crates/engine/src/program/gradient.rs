//! Gradients: the records are walked backwards, and the rule beside each op appends the ops that carry the gradient of its outputs
//! to its inputs. What comes of it are ordinary records, so a gradient has a gradient.

use super::{Builder, Program};
use crate::error::{Error, Failure, Result};
use crate::op::dims::COPY;
use crate::op::reshape::LIKE;
use crate::op::{Op, Site};
use crate::tensor::{ANY, Dtype, Type};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use layer_rnn_kernels::elementwise::{Binary, Compare, Unary};

/// A word of a formula: it takes its operands off the stack and leaves its value there.
#[derive(Clone, Copy)]
pub(crate) enum Word {
    /// One of the values that the formula is about.
    Value(usize),
    /// A scalar.
    Number(f32),
    Unary(Unary),
    Binary(Binary),
    Compare(Compare),
    /// Of a mask and two values.
    Select,
}

/// What a gradient rule works with: a record, the gradients of its outputs, and the builder to which it appends.
pub(crate) struct Backward<'b> {
    builder: &'b mut Builder,
    record: usize,
    site: Site<'b>,
    inputs: &'b [u32],
    outputs: &'b [u32],
    depends: &'b [bool],
    given: &'b mut [Vec<u32>],
    segment: u32,
}

impl Builder {
    /// Appends what computes the gradients of `xs`: of the sum of all `ys`, each element times that of its `dys` (none: zeros).
    /// Nothing for an x on which no y depends. Sequences keep their states every `segment` steps and compute the rest again, or
    /// they keep everything (0). On failure nothing is appended.
    pub fn gradient(
        &mut self,
        ys: &[u32],
        dys: &[Option<u32>],
        xs: &[u32],
        segment: u32,
    ) -> core::result::Result<Vec<Option<u32>>, Failure> {
        let records = self.program().records.len();
        let sums = self.contributions(ys, dys, xs, segment).and_then(|parts| {
            let mut sums = Vec::new();
            for &x in xs {
                sums.push(self.sum(&parts[x as usize])?);
            }
            Ok(sums)
        });
        if sums.is_err() {
            self.truncate(records);
        }
        sums
    }

    /// The same, for each value the list of those whose sum its gradient is; of others than `xs` it says nothing.
    pub fn contributions(
        &mut self,
        ys: &[u32],
        dys: &[Option<u32>],
        xs: &[u32],
        segment: u32,
    ) -> core::result::Result<Vec<Vec<u32>>, Failure> {
        let depends = self.dependents(xs)?;
        let mut given = alloc::vec![Vec::new(); depends.len()];
        for (input, (&y, dy)) in (0..).zip(ys.iter().zip(dys)) {
            let ty = self.float(input, y)?;
            if let &Some(dy) = dy {
                ty.shape.unify(&self.float(input, dy)?.shape, input)?;
                given[y as usize].push(dy);
            }
        }
        for index in (0..self.program().records.len()).rev() {
            let record = &self.program().records[index];
            let Some(rule) = record.op.rule().and_then(|rule| rule.gradient) else { continue };
            let wanted = record.op.read(&record.inputs).any(|value| depends[value as usize]);
            // what a rule has added to the record since is not known to `given`, and has no gradient
            if !wanted || !record.outputs.iter().any(|&value| has(&given, value)) {
                continue;
            }
            let record = record.clone();
            let types = self.types(&record.inputs)?;
            let mut backward = Backward {
                builder: self,
                record: index,
                site: Site { attrs: &record.attrs, inputs: &types, body: record.body.as_deref() },
                inputs: &record.inputs,
                outputs: &record.outputs,
                depends: &depends,
                given: &mut given,
                segment,
            };
            rule(&mut backward).map_err(|error| Failure { error, record: Some(index as u32) })?;
        }
        Ok(given)
    }

    /// The sum of some values.
    pub fn sum(&mut self, values: &[u32]) -> Result<Option<u32>> {
        let Some((&first, rest)) = values.split_first() else { return Ok(None) };
        let mut total = first;
        for &value in rest {
            total = self.append(Op::Binary, &[total, value], &[Binary::Add as u32], None)?[0];
        }
        Ok(Some(total))
    }

    /// Zeros in the shape of `like`
    pub fn zeros(&mut self, like: u32) -> Result<u32> {
        let mut attrs = alloc::vec![Dtype::Float32 as u32, 0];
        self.push_dims(&mut attrs, like, 0)?;
        self.one(Op::Fill, &[like], &attrs)
    }

    /// The dims of a value, which is operand `operand`, as attributes say them.
    fn push_dims(&self, attrs: &mut Vec<u32>, value: u32, operand: u32) -> Result<()> {
        let rank = self.program().ty(value)?.shape.rank() as u32;
        attrs.push(3 * rank);
        for axis in 0..rank {
            attrs.extend_from_slice(&[COPY, axis, operand]);
        }
        Ok(())
    }

    /// For each value: does it depend on one of `xs`, by a way on which gradients flow?
    fn dependents(&self, xs: &[u32]) -> Result<Vec<bool>> {
        let mut depends = alloc::vec![false; self.program().values.len()];
        for (input, &x) in (0..).zip(xs) {
            self.float(input, x)?;
            depends[x as usize] = true;
        }
        for record in &self.program().records {
            let flows = record.op.rule().is_some_and(|rule| rule.gradient.is_some());
            if flows && record.op.read(&record.inputs).any(|value| depends[value as usize]) {
                for &value in &record.outputs {
                    depends[value as usize] |= self.program().ty(value)?.dtype == Dtype::Float32;
                }
            }
        }
        Ok(depends)
    }

    fn float(&self, input: u32, value: u32) -> Result<&Type> {
        let ty = self.program().ty(value)?;
        match ty.dtype {
            Dtype::Float32 => Ok(ty),
            actual => Err(Error::Dtype { input, expected: Dtype::Float32, actual }.into()),
        }
    }
}

fn has(given: &[Vec<u32>], value: u32) -> bool {
    given.get(value as usize).is_some_and(|list| !list.is_empty())
}

impl<'b> Backward<'b> {
    /// The record's attributes and the types of its inputs.
    pub fn site(&self) -> Site<'b> {
        self.site
    }

    /// The value that is input `index`.
    #[inline(never)]
    pub fn input(&self, index: usize) -> u32 {
        self.inputs.get(index).copied().unwrap_or(u32::MAX)
    }

    /// The value that is output `index`.
    #[inline(never)]
    pub fn output(&self, index: usize) -> u32 {
        self.outputs.get(index).copied().unwrap_or(u32::MAX)
    }

    /// Type of a value.
    #[inline(never)]
    pub fn ty(&self, value: u32) -> Result<&Type> {
        self.builder.program().ty(value)
    }

    /// The gradient of output `index`, if there is one.
    pub fn dy(&mut self, index: usize) -> Result<Option<u32>> {
        let Some(list) = self.given.get_mut(self.output(index) as usize) else { return Ok(None) };
        let total = self.builder.sum(list)?;
        *list = total.into_iter().collect();
        Ok(total)
    }

    /// The gradient of the only output: a rule is called only if there is one.
    #[inline(never)]
    pub fn only_dy(&mut self) -> Result<u32> {
        let missing = Error::Inputs { expected: 1, actual: 0 };
        Ok(self.dy(0)?.ok_or(missing)?)
    }

    /// Is a gradient of input `index` wanted?
    #[inline(never)]
    pub fn wants(&self, index: usize) -> bool {
        self.depends.get(self.input(index) as usize).copied().unwrap_or(false)
    }

    /// Adds to the gradient of input `index` a value of its shape.
    #[inline(never)]
    pub fn give(&mut self, index: usize, value: u32) {
        let input = self.input(index) as usize;
        if let Some(list) = self.given.get_mut(input) {
            list.push(value);
        }
    }

    /// Adds an op's value to the gradient of input `index`, if that is wanted.
    #[inline(never)]
    pub fn give_op(&mut self, index: usize, op: Op, inputs: &[u32], attrs: &[u32]) -> Result<()> {
        if self.wants(index) {
            let value = self.op(op, inputs, attrs)?;
            self.give(index, value);
        }
        Ok(())
    }

    /// Gives the record other attributes, and perhaps another step program, with which it has more outputs; gives the new ones.
    pub fn extend(&mut self, attrs: &[u32], body: Option<Arc<Program>>) -> Result<Vec<u32>> {
        self.builder.extend(self.record, attrs, body)
    }

    /// Steps between the states that a sequence keeps for its gradient; 0: it keeps everything.
    pub fn segment(&self) -> u32 {
        self.segment
    }

    /// The error of an op without a gradient.
    pub fn unsupported(&self) -> Box<Error> {
        Error::Gradient { op: self.builder.program().records[self.record].op as u32 }.into()
    }

    /// What `g`, the gradient of `y`, means for `x`, from which rules have computed `y`.
    pub fn through(&mut self, y: u32, g: u32, x: u32) -> Result<Option<u32>> {
        let gradients =
            self.builder.gradient(&[y], &[Some(g)], &[x], self.segment).map_err(|failure| failure.error)?;
        Ok(gradients.into_iter().flatten().next())
    }

    /// Appends the ops of a formula in postfix notation; gives its value.
    pub fn formula(&mut self, values: &[u32], words: &[Word]) -> Result<u32> {
        let mut stack = Vec::new();
        for &word in words {
            let (op, kind, operands) = match word {
                Word::Value(index) => {
                    stack.push(values[index]);
                    continue;
                }
                Word::Number(x) => {
                    stack.push(self.number(x)?);
                    continue;
                }
                Word::Unary(kind) => (Op::Unary, Some(kind as u32), 1),
                Word::Binary(kind) => (Op::Binary, Some(kind as u32), 2),
                Word::Compare(kind) => (Op::Compare, Some(kind as u32), 2),
                Word::Select => (Op::Select, None, 3),
            };
            let at = stack.len().saturating_sub(operands);
            let made = self.op(op, &stack[at..], kind.as_slice())?;
            stack.truncate(at);
            stack.push(made);
        }
        Ok(stack.pop().unwrap_or(u32::MAX))
    }

    /// Appends an op; gives its first value.
    #[inline(never)]
    pub fn op(&mut self, op: Op, inputs: &[u32], attrs: &[u32]) -> Result<u32> {
        self.builder.one(op, inputs, attrs)
    }

    /// Appends a sequence of steps; gives its values.
    pub fn steps(&mut self, inputs: &[u32], attrs: &[u32], body: Program) -> Result<Vec<u32>> {
        self.builder.steps(inputs, attrs, &Arc::new(body))
    }

    /// Appends an op; gives its values.
    pub fn all(&mut self, op: Op, inputs: &[u32], attrs: &[u32]) -> Result<Vec<u32>> {
        self.builder.append(op, inputs, attrs, None)
    }

    /// A scalar.
    #[inline(never)]
    pub fn number(&mut self, x: f32) -> Result<u32> {
        self.op(Op::Fill, &[], &[Dtype::Float32 as u32, x.to_bits(), 0])
    }

    /// kind(x)
    #[inline(never)]
    pub fn unary(&mut self, kind: Unary, x: u32) -> Result<u32> {
        self.op(Op::Unary, &[x], &[kind as u32])
    }

    /// kind(a, b)
    #[inline(never)]
    pub fn binary(&mut self, kind: Binary, a: u32, b: u32) -> Result<u32> {
        self.op(Op::Binary, &[a, b], &[kind as u32])
    }

    /// a · b
    pub fn mul(&mut self, a: u32, b: u32) -> Result<u32> {
        self.binary(Binary::Mul, a, b)
    }

    /// kind(a, b), a mask
    #[inline(never)]
    pub fn compare(&mut self, kind: Compare, a: u32, b: u32) -> Result<u32> {
        self.op(Op::Compare, &[a, b], &[kind as u32])
    }

    /// `mask ? a : b`
    #[inline(never)]
    pub fn select(&mut self, mask: u32, a: u32, b: u32) -> Result<u32> {
        self.op(Op::Select, &[mask, a, b], &[])
    }

    /// `x` repeated to the shape of `like`
    #[inline(never)]
    pub fn broadcast(&mut self, x: u32, like: u32) -> Result<u32> {
        let mut dims = Vec::new();
        self.builder.push_dims(&mut dims, like, 1)?;
        self.op(Op::Broadcast, &[x, like], &dims)
    }

    /// The elements of `x` in the shape of `like`
    pub fn reshape_like(&mut self, x: u32, like: u32) -> Result<u32> {
        let rank = self.ty(like)?.shape.rank() as u32;
        let mut codes = alloc::vec![2 * rank];
        for axis in 0..rank {
            codes.extend_from_slice(&[LIKE, axis]);
        }
        self.op(Op::Reshape, &[x, like], &codes)
    }

    /// Zeros in the shape of `like`
    pub fn zeros(&mut self, like: u32) -> Result<u32> {
        self.builder.zeros(like)
    }

    /// `x` added to the gradient of input `index`, if there is such an input and its gradient is wanted: what a sum continues.
    pub fn give_start(&mut self, index: usize, x: u32) {
        if self.wants(index) {
            self.give(index, x);
        }
    }

    /// `x` summed to the shape of input `index`, which was broadcast to that of `x`; added to the input's gradient.
    #[inline(never)]
    pub fn give_sum(&mut self, index: usize, x: u32) -> Result<()> {
        let like = self.input(index);
        let (from, to) = (&self.ty(x)?.shape, &self.ty(like)?.shape);
        let x = if from == to && self.is_as_large(index) { x } else { self.op(Op::SumTo, &[x, like], &[])? };
        self.give(index, x);
        Ok(())
    }

    /// Is input `index` broadcast nowhere, if it has the shape of the output? Where a size is unknown, no other input may
    /// have another.
    fn is_as_large(&self, index: usize) -> bool {
        let own = &self.site.inputs[index].shape;
        self.site.inputs.iter().all(|other| {
            let missing = own.rank() - other.shape.rank();
            (missing..own.rank()).all(|axis| {
                let (own, other) = (own.dim(axis), other.shape.dim(axis - missing));
                own >= 0 || other == 1 || (own == other && own != ANY)
            })
        })
    }
}
