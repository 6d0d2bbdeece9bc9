//! A call: a plan with its tensors, ready to run as often as wanted. Running allocates nothing.

use super::memory::Frame;
use super::{Located, Memory, Moves, Packs, Place, Plan, Pool, Program, Step};
use crate::error::{Error, Failure, Result};
use crate::op::{Prepared, Rows, Run, Site};
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
        for step in &self.plan.steps {
            let at = |error| Failure { error, record: Some(step.record) };
            runner.step(&self.program, step, None).map_err(at)?;
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

    /// Takes an output's buffer out of its place, or puts it back: either way the two change places.
    fn exchange(
        &self,
        place: Place,
        buffer: &mut Buffer,
        slots: &mut [Buffer],
        tensors: &mut Tensors,
    ) -> Result<()> {
        if !matches!(place, Place::Slot(_) | Place::Output(_)) {
            return Err(Error::Busy);
        }
        core::mem::swap(self.home(place, slots, tensors)?, buffer);
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
            _ => return Err(Error::Busy),
        };
        ids.get(index as usize).copied().ok_or(Error::Busy)
    }

    fn home<'m>(
        &self,
        place: Place,
        slots: &'m mut [Buffer],
        tensors: &'m mut Tensors,
    ) -> Result<&'m mut Buffer> {
        match place {
            Place::Slot(slot) => slots.get_mut(slot as usize).ok_or(Error::Stale { id: slot.into() }),
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

/// Which rows of which steps an op of a step program works on.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// Rows, and the first of them in the chunk.
    pub rows: usize,
    pub first: usize,
    /// Rows of the chunks before.
    pub base: usize,
    /// Index of the step in the chunk.
    pub step: usize,
    /// The slot that lists the chunk's rows and, from here on, their times.
    pub lists: (u16, usize),
}

impl Window {
    /// The part of a value that this window sees.
    #[inline(always)]
    pub fn see(&self, located: &mut Located, ty: &mut Type) {
        let mut sized = |rows: usize| {
            located.elements = rows * ty.shape.product(1..ty.shape.rank());
            if let Some(dim) = ty.shape.dims_mut().first_mut() {
                *dim = rows as i32;
            }
            located.elements.checked_div(rows).unwrap_or(0)
        };
        match located.moves {
            Moves::Still => {}
            Moves::Rows => drop(sized(self.rows)),
            Moves::Chunk => located.start = sized(self.rows) * self.first,
            Moves::Whole => located.start = sized(self.rows) * (self.base + self.first),
            Moves::Step => located.start = located.elements * self.step,
        }
    }
}

impl Window {
    /// Which rows these are, and their times.
    fn listed<'r>(&self, memory: Memory<'r>) -> Rows<'r> {
        let (slot, capacity) = self.lists;
        let list: &[i32] = bytemuck::cast_slice(memory.words(Place::Slot(slot)));
        let from = |first: usize| list.get(first..first + self.rows).unwrap_or(&[]);
        Rows { rows: from(self.first), steps: from(capacity + self.first) }
    }
}

/// Runs the steps of a call.
pub(crate) struct Runner<'c> {
    pub call: &'c Call,
    pub pool: &'c mut Pool,
    pub tensors: &'c mut Tensors,
    pub packs: &'c Packs,
    /// Sequences around the op that runs.
    pub depth: usize,
}

impl Runner<'_> {
    /// What can be read.
    pub fn memory(&self) -> Memory<'_> {
        self.call.memory(&self.pool.slots, self.tensors, self.packs)
    }

    /// Writes to a place.
    pub fn write(&mut self, place: Place, write: &mut dyn FnMut(&mut [f32], Memory)) -> Result<()> {
        let mut buffer = core::mem::take(&mut self.pool.out[0]);
        self.call.exchange(place, &mut buffer, &mut self.pool.slots, self.tensors)?;
        write(buffer.f32_mut(), self.memory());
        self.call.exchange(place, &mut buffer, &mut self.pool.slots, self.tensors)?;
        self.pool.out[0] = buffer;
        Ok(())
    }

    /// Runs an op of `program`, all of it or what a window shows.
    pub fn step(&mut self, program: &Program, step: &Step, window: Option<&Window>) -> Result<()> {
        for &(role, input, place) in &step.pack_here {
            let (located, ty) = (&step.places[input as usize], &step.inputs[input as usize]);
            let mut seen = (*located, *ty);
            if let Some(window) = window {
                window.see(&mut seen.0, &mut seen.1);
            }
            self.write(place, &mut |to, memory| {
                role.pack(memory.words(seen.0.place).get(seen.0.start..).unwrap_or(&[]), &seen.1, to);
            })?;
        }
        let Some(window) = window else {
            return self.execute(
                program,
                step,
                [&step.inputs, &step.outputs],
                [&step.places, &step.made],
                None,
            );
        };
        let frame = self.depth - 1;
        let Frame { mut places, mut types } = core::mem::take(&mut self.pool.frames[frame]);
        places.clear();
        types.clear();
        let inputs = step.inputs.len();
        for (located, ty) in step.places.iter().chain(&step.made).zip(step.inputs.iter().chain(&step.outputs))
        {
            let (mut located, mut ty) = (*located, *ty);
            window.see(&mut located, &mut ty);
            places.push(located);
            types.push(ty);
        }
        let (ty, located) = (types.split_at(inputs), places.split_at(inputs));
        let result = self.execute(program, step, [ty.0, ty.1], [located.0, located.1], Some(window));
        self.pool.frames[frame] = Frame { places, types };
        result
    }

    fn execute(
        &mut self,
        program: &Program,
        step: &Step,
        [inputs, outputs]: [&[Type]; 2],
        [places, made]: [&[Located]; 2],
        window: Option<&Window>,
    ) -> Result<()> {
        if let Prepared::Steps(plan) = &step.prepared {
            return self.steps(plan, places, made);
        }
        let record = &program.records[step.record as usize];
        let call = self.call;
        let Pool { slots, scratch, out, .. } = self.pool;
        for (buffer, made) in out.iter_mut().zip(made) {
            call.exchange(made.place, buffer, slots, self.tensors)?;
        }
        let memory = call.memory(slots, self.tensors, self.packs);
        let result = (step.rule.run)(&mut Run {
            site: Site { attrs: &record.attrs, inputs, body: None },
            outputs,
            prepared: &step.prepared,
            places,
            made,
            packs: &step.packs,
            memory,
            out,
            scratch: scratch.f32_mut(),
            rows: window.map(|window| window.listed(memory)),
        });
        for (buffer, made) in out.iter_mut().zip(made) {
            call.exchange(made.place, buffer, slots, self.tensors)?;
        }
        result
    }
}
