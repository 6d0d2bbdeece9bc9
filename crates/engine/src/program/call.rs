//! A call: a plan with its tensors, ready to run as often as wanted. Running allocates nothing.

use super::{Memory, Packs, Place, Plan, Pool, Program, Runner};
use crate::error::{Error, Failure, Result};
use crate::tensor::{Buffer, Dtype, Tensors, Type};
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
        let mut runner = Runner { call: self, pool, tensors, packs, depth: 0 };
        runner.all(&self.program, &self.plan.steps, None)?;
        Ok(self.commit(pool, tensors, packs)?)
    }

    /// Is everything that the call works on still there? (Types were checked when it was made; an id never changes its type.)
    fn check(&self, tensors: &Tensors) -> Result<()> {
        for ids in [&self.inputs, &self.outputs, &self.plan.variables] {
            for &id in ids {
                tensors.get(id)?;
            }
        }
        Ok(())
    }

    pub fn memory<'r>(&'r self, slots: &'r [Buffer], tensors: &'r Tensors, packs: &'r Packs) -> Memory<'r> {
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

    /// Takes an output's buffer out of its place, or puts it back: either way the two change places.
    #[inline(always)] // twice for every op of every step
    pub fn exchange(
        &self,
        place: Place,
        buffer: &mut Buffer,
        slots: &mut [Buffer],
        tensors: &mut Tensors,
    ) -> Result<()> {
        let home = match place {
            Place::Slot(slot) => slots.get_mut(slot as usize).ok_or(Error::Busy)?,
            Place::Output(_) => self.home(place, slots, tensors)?,
            _ => return Err(Error::Busy.into()),
        };
        core::mem::swap(home, buffer);
        Ok(())
    }

    /// Copies what is still elsewhere into the outputs, then the assigned values into their tensors.
    fn commit(&self, pool: &mut Pool, tensors: &mut Tensors, packs: &Packs) -> Result<()> {
        let saves = self.plan.saves.iter().copied();
        let copies = self.plan.copies.iter().map(|&(from, output)| (from, Place::Output(output)));
        for (from, to) in saves.chain(copies) {
            self.copy(from, to, pool, tensors, packs)?;
        }
        for &(from, to, _) in &self.plan.assigns {
            self.copy(from, to, pool, tensors, packs)?;
            let tensor = tensors.get_mut(self.tensor(to)?)?;
            tensor.version = tensor.version.wrapping_add(1);
        }
        for (&id, ty) in self.outputs.iter().zip(&self.plan.outputs) {
            canonical(tensors, id, ty)?;
        }
        for (_, to, ty) in &self.plan.assigns {
            canonical(tensors, self.tensor(*to)?, ty)?;
        }
        Ok(())
    }

    /// The tensor at a place.
    fn tensor(&self, place: Place) -> Result<u32> {
        let (ids, index) = match place {
            Place::Input(index) => (&self.inputs, index),
            Place::Output(index) => (&self.outputs, index),
            Place::Variable(index) => (&self.plan.variables, index),
            _ => return Err(Error::Busy.into()),
        };
        Ok(ids.get(index as usize).copied().ok_or(Error::Busy)?)
    }

    fn home<'m>(
        &self,
        place: Place,
        slots: &'m mut [Buffer],
        tensors: &'m mut Tensors,
    ) -> Result<&'m mut Buffer> {
        match place {
            Place::Slot(slot) => Ok(slots.get_mut(slot as usize).ok_or(Error::Stale { id: slot.into() })?),
            _ => Ok(&mut tensors.get_mut(self.tensor(place)?)?.buffer),
        }
    }

    fn copy(
        &self,
        from: Place,
        to: Place,
        pool: &mut Pool,
        tensors: &mut Tensors,
        packs: &Packs,
    ) -> Result<()> {
        let Pool { slots, out: [buffer, ..], .. } = pool;
        core::mem::swap(self.home(to, slots, tensors)?, buffer);
        let words = self.memory(slots, tensors, packs).words(from);
        let to_words = buffer.f32_mut();
        let length = words.len().min(to_words.len());
        to_words[..length].copy_from_slice(&words[..length]);
        core::mem::swap(self.home(to, slots, tensors)?, buffer);
        Ok(())
    }
}

fn canonical(tensors: &mut Tensors, id: u32, ty: &Type) -> Result<()> {
    if ty.dtype == Dtype::Float32 {
        canonical_nan(tensors.get_mut(id)?.buffer.f32_mut());
    }
    Ok(())
}
