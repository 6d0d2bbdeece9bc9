//! A call: a plan with its tensors, ready to run as often as wanted. Running allocates nothing.

use super::bind::Step;
use super::{Memory, Plan, Pool, Program};
use crate::error::{Error, Failure, Result};
use crate::op::{Run, Site};
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
            let at = |error| Failure { error, record: Some(step.record) };
            self.step(step, pool, tensors, packs).map_err(at)?;
        }
        Ok(self.commit(pool, tensors, packs)?)
    }

    /// Is everything that the call works on still there? (Types were checked when it was made; an id never changes its type.)
    fn check(&self, tensors: &Tensors) -> Result<()> {
        let mut ids = self.inputs.iter().chain(&self.outputs).chain(&self.plan.variables);
        ids.try_for_each(|&id| tensors.get(id).map(drop))
    }

    fn memory<'r>(&'r self, slots: &'r [Buffer], tensors: &'r Tensors, packs: &'r Packs) -> Memory<'r> {
        Memory {
            slots,
            tensors,
            packs,
            inputs: &self.inputs,
            outputs: &self.outputs,
            variables: &self.plan.variables,
            pack_ids: &self.packs,
        }
    }

    fn step(&self, step: &Step, pool: &mut Pool, tensors: &mut Tensors, packs: &Packs) -> Result<()> {
        let Pool { slots, scratch, out } = pool;
        for &(role, input, place) in &step.pack_here {
            self.exchange(place, &mut out[0], slots, tensors)?;
            let from = self.memory(slots, tensors, packs).words(step.places[input as usize].place);
            role.pack(from, &step.inputs[input as usize], out[0].f32_mut());
            self.exchange(place, &mut out[0], slots, tensors)?;
        }
        for (buffer, made) in out.iter_mut().zip(&step.made) {
            self.exchange(made.place, buffer, slots, tensors)?;
        }
        let result = (step.rule.run)(&mut Run {
            site: Site { attrs: &self.program.records[step.record as usize].attrs, inputs: &step.inputs },
            outputs: &step.outputs,
            prepared: &step.prepared,
            places: &step.places,
            made: &step.made,
            packs: &step.packs,
            memory: self.memory(slots, tensors, packs),
            out,
            scratch: scratch.f32_mut(),
            rows: None,
        });
        for (buffer, made) in out.iter_mut().zip(&step.made) {
            self.exchange(made.place, buffer, slots, tensors)?;
        }
        result
    }

    /// Takes an output's buffer out of its place, or puts it back: either way the two change places.
    fn exchange(
        &self,
        place: Place,
        buffer: &mut Buffer,
        slots: &mut [Buffer],
        tensors: &mut Tensors,
    ) -> Result<()> {
        let home = match place {
            Place::Slot(slot) => slots.get_mut(slot as usize).ok_or(Error::Stale { id: slot.into() })?,
            Place::Output(output) => {
                let id = self.outputs.get(output as usize).copied().unwrap_or(0);
                &mut tensors.get_mut(id)?.buffer
            }
            _ => return Err(Error::Busy),
        };
        core::mem::swap(home, buffer);
        Ok(())
    }

    /// Copies what is still elsewhere into the outputs, then the assigned values into their tensors.
    fn commit(&self, pool: &mut Pool, tensors: &mut Tensors, packs: &Packs) -> Result<()> {
        for &(place, output) in &self.plan.copies {
            self.copy(place, self.outputs[output as usize], pool, tensors, packs)?;
        }
        for &(place, input) in &self.plan.assigns {
            self.copy(place, self.inputs[input as usize], pool, tensors, packs)?;
        }
        let assigned = self.plan.assigns.iter().map(|&(_, input)| input as usize);
        let assigned = assigned.map(|input| (&self.inputs[input], &self.plan.inputs[input]));
        for (&id, ty) in self.outputs.iter().zip(&self.plan.outputs).chain(assigned) {
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
        pool: &mut Pool,
        tensors: &mut Tensors,
        packs: &Packs,
    ) -> Result<()> {
        let Pool { slots, out: [buffer, ..], .. } = pool;
        core::mem::swap(&mut tensors.get_mut(to)?.buffer, buffer);
        let words = self.memory(slots, tensors, packs).words(from);
        let to_words = buffer.f32_mut();
        let length = words.len().min(to_words.len());
        // an input assigned to itself finds its own buffer taken, and keeps its value
        to_words[..length].copy_from_slice(&words[..length]);
        core::mem::swap(&mut tensors.get_mut(to)?.buffer, buffer);
        Ok(())
    }
}
