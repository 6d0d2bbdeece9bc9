//! A call: a plan with its tensors, ready to run as often as wanted. Running allocates nothing.

use super::{Memory, Plan, Pool, Program};
use crate::error::{Error, Failure, Result};
use crate::op::{MAX_OUTPUTS, Run, Site};
use crate::program::{Packs, Place};
use crate::tensor::{Buffer, Dtype, Tensors};
use alloc::sync::Arc;
use alloc::vec::Vec;
use layer_rnn_kernels::vector::canonical_nan;

/// A plan, the tensors it reads and writes, and the packed forms of its weights.
pub(crate) struct Call {
    pub program: Arc<Program>,
    pub plan: Arc<Plan>,
    pub inputs: Vec<u32>,
    pub outputs: Vec<u32>,
    pub packs: Vec<u32>,
}

impl Call {
    /// Runs the plan once. A run that fails assigns nothing.
    pub fn run(
        &self,
        pool: &mut Pool,
        tensors: &mut Tensors,
        packs: &mut Packs,
    ) -> core::result::Result<(), Failure> {
        self.check(tensors)?;
        for &pack in &self.packs {
            packs.get_mut(pack)?.refresh(tensors)?;
        }
        for step in &self.plan.steps {
            let at = |error| Failure {
                error,
                record: Some(step.record),
            };
            self.step(step, pool, tensors, packs).map_err(at)?;
        }
        Ok(self.commit(pool, tensors, packs)?)
    }

    /// Is everything that the call works on still there? (Types were checked when it was made; an id never changes its type.)
    fn check(&self, tensors: &Tensors) -> Result<()> {
        let mut ids = self
            .inputs
            .iter()
            .chain(&self.outputs)
            .chain(&self.plan.variables);
        ids.try_for_each(|&id| tensors.get(id).map(drop))
    }

    fn memory<'r>(&'r self, pool: &'r Pool, tensors: &'r Tensors, packs: &'r Packs) -> Memory<'r> {
        Memory {
            slots: &pool.slots,
            tensors,
            packs,
            inputs: &self.inputs,
            outputs: &self.outputs,
            variables: &self.plan.variables,
            pack_ids: &self.packs,
        }
    }

    fn step(
        &self,
        step: &super::bind::Step,
        pool: &mut Pool,
        tensors: &mut Tensors,
        packs: &Packs,
    ) -> Result<()> {
        for &(role, input, place) in &step.pack_here {
            let mut buffer = self.take(place, pool, tensors)?;
            let from = self
                .memory(pool, tensors, packs)
                .words(step.places[input as usize]);
            role.pack(from, &step.inputs[input as usize], buffer.f32_mut());
            self.put(place, buffer, pool, tensors)?;
        }
        let mut out: [Buffer; MAX_OUTPUTS] = Default::default();
        for (buffer, &place) in out.iter_mut().zip(&step.made) {
            *buffer = self.take(place, pool, tensors)?;
        }
        let mut scratch = core::mem::take(&mut pool.scratch);
        let record = &self.program.records[step.record as usize];
        let mut run = Run {
            site: Site {
                attrs: &record.attrs,
                inputs: &step.inputs,
            },
            outputs: &step.outputs,
            prepared: &step.prepared,
            places: &step.places,
            packs: &step.packs,
            memory: self.memory(pool, tensors, packs),
            out: &mut out,
            scratch: scratch.f32_mut(),
        };
        let result = (step.rule.run)(&mut run);
        pool.scratch = scratch;
        for (buffer, &place) in out.iter_mut().zip(&step.made) {
            self.put(place, core::mem::take(buffer), pool, tensors)?;
        }
        result
    }

    fn take(&self, place: Place, pool: &mut Pool, tensors: &mut Tensors) -> Result<Buffer> {
        Ok(core::mem::take(self.buffer(place, pool, tensors)?))
    }

    fn put(
        &self,
        place: Place,
        buffer: Buffer,
        pool: &mut Pool,
        tensors: &mut Tensors,
    ) -> Result<()> {
        *self.buffer(place, pool, tensors)? = buffer;
        Ok(())
    }

    fn buffer<'a>(
        &self,
        place: Place,
        pool: &'a mut Pool,
        tensors: &'a mut Tensors,
    ) -> Result<&'a mut Buffer> {
        match place {
            Place::Slot(slot) => pool
                .slots
                .get_mut(slot as usize)
                .ok_or(Error::Stale { id: slot.into() }),
            Place::Output(output) => {
                let id = self.outputs.get(output as usize).copied().unwrap_or(0);
                Ok(&mut tensors.get_mut(id)?.buffer)
            }
            _ => Err(Error::Busy),
        }
    }

    /// Copies what is still elsewhere into the outputs, then the assigned values into their tensors.
    fn commit(&self, pool: &mut Pool, tensors: &mut Tensors, packs: &Packs) -> Result<()> {
        for &(place, output) in &self.plan.copies {
            self.copy(place, self.outputs[output as usize], pool, tensors, packs)?;
        }
        for &(place, input) in &self.plan.assigns {
            self.copy(place, self.inputs[input as usize], pool, tensors, packs)?;
        }
        for (&id, ty) in self.outputs.iter().zip(&self.plan.outputs) {
            if ty.dtype == Dtype::Float32 {
                canonical_nan(tensors.get_mut(id)?.buffer.f32_mut());
            }
        }
        Ok(())
    }

    fn copy(
        &self,
        from: Place,
        to: u32,
        pool: &Pool,
        tensors: &mut Tensors,
        packs: &Packs,
    ) -> Result<()> {
        let mut buffer = core::mem::take(&mut tensors.get_mut(to)?.buffer);
        let words = self.memory(pool, tensors, packs).words(from);
        let to_words = buffer.f32_mut();
        let length = words.len().min(to_words.len());
        // an input assigned to itself finds its own buffer taken, and keeps its value
        to_words[..length].copy_from_slice(&words[..length]);
        tensors.get_mut(to)?.buffer = buffer;
        Ok(())
    }
}
