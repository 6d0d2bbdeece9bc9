//! Running the ops of a plan: one after the other, inside a sequence on the rows that a window shows, elementwise neighbours block
//! by block. An op's outputs are taken out of their places, its inputs borrowed, the outputs put back.

use super::memory::Frame;
use super::{Call, Located, Memory, Moves, Packs, Place, Pool, Program, Step};
use crate::error::{Failure, Result};
use crate::op::{Prepared, Rows, Run, Site};
use crate::tensor::{Shape, Tensors, Type};

/// Which rows of which steps an op of a step program works on.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    /// Are these all the rows for which the op was bound?
    pub all: bool,
    /// Rows, and the first of them in the chunk.
    pub rows: usize,
    pub first: usize,
    /// Rows of the chunks before.
    pub base: usize,
    /// Which of the steps of the chunk that run.
    pub step: usize,
    /// The slot that lists the chunk's rows and, from here on, their times.
    pub lists: (u16, usize),
}

impl Window {
    /// The part of a value that this window sees.
    #[inline(always)]
    pub fn see(&self, located: &mut Located, ty: &mut Type) {
        if !self.all && located.moves.by_rows() {
            located.elements = self.rows * ty.shape.product(1..ty.shape.rank());
            if let Some(dim) = ty.shape.dims_mut().first_mut() {
                *dim = self.rows as i32;
            }
        }
        self.find(located);
    }

    /// Where a value begins that has as many rows as this window.
    #[inline(always)]
    fn find(&self, located: &mut Located) {
        let row = || located.elements.checked_div(self.rows).unwrap_or(0);
        match located.moves {
            Moves::Still | Moves::Rows => {}
            Moves::Chunk => located.start = row() * self.first,
            Moves::Whole => located.start = row() * (self.base + self.first),
            Moves::Step => located.start = located.elements * self.step,
        }
    }
}

impl Window {
    /// Which rows these are, and their times.
    pub fn listed<'r>(&self, memory: Memory<'r>) -> Rows<'r> {
        let (slot, capacity) = self.lists;
        let list: &[i32] = bytemuck::cast_slice(memory.words(Place::Slot(slot)));
        let from = |first: usize| list.get(first..first + self.rows).unwrap_or(&[]);
        Rows { rows: from(self.first), steps: from(capacity + self.first) }
    }
}

/// Elements that a group of ops takes at a time: a few values of them stay in the first-level cache.
const BLOCK: usize = 1024;

/// Some of the elements that ops of a group work on.
#[derive(Clone, Copy)]
struct Block {
    start: usize,
    end: usize,
    /// All of them.
    elements: usize,
}

impl Block {
    /// The part of a value in this block; a single number is in all.
    fn see(&self, located: &mut Located, ty: &mut Type) {
        if located.elements == self.elements {
            located.start += self.start;
            located.elements = self.end - self.start;
            ty.shape = Shape::vector(located.elements);
        } else {
            ty.shape = Shape::SCALAR;
        }
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

    /// Runs ops of `program`, all of them or what a window shows; neighbours that work element by element block by block, so that
    /// one finds in the cache what the other has left there.
    pub fn all(
        &mut self,
        program: &Program,
        steps: &[Step],
        window: Option<&Window>,
    ) -> core::result::Result<(), Failure> {
        let mut rest = steps;
        while let Some(step) = rest.first() {
            let (group, others) = rest.split_at(step.group.clamp(1, rest.len()));
            rest = others;
            let mut elements = 0;
            if group.len() > 1 {
                let (mut made, mut ty) = (step.values[step.inputs], step.types[step.inputs]);
                if let Some(window) = window {
                    window.see(&mut made, &mut ty);
                }
                elements = made.elements;
            }
            let blocks = if elements > BLOCK { elements.div_ceil(BLOCK) } else { 1 };
            for block in 0..blocks {
                let (start, end) = (block * BLOCK, elements.min(block * BLOCK + BLOCK));
                let block = (blocks > 1).then_some(Block { start, end, elements });
                for step in group {
                    if let Err(error) = self.step(program, step, window, block) {
                        return Err(Failure { error, record: Some(step.record) });
                    }
                }
            }
        }
        Ok(())
    }

    fn step(
        &mut self,
        program: &Program,
        step: &Step,
        window: Option<&Window>,
        block: Option<Block>,
    ) -> Result<()> {
        for &(role, input, place) in &step.pack_here {
            let mut seen = (step.values[input as usize], step.types[input as usize]);
            if let Some(window) = window {
                window.see(&mut seen.0, &mut seen.1);
            }
            self.write(place, &mut |to, memory| {
                role.pack(memory.words(seen.0.place).get(seen.0.start..).unwrap_or(&[]), &seen.1, to);
            })?;
        }
        let all = window.is_none_or(|window| window.all) && block.is_none();
        if all && !step.moves {
            return self.execute(program, step, &step.types, &step.values, window);
        }
        let Frame { mut places, mut types } = core::mem::take(&mut self.pool.frames[self.depth]);
        places.clear();
        types.clear();
        let result = if let Some(window) = window.filter(|_| all) {
            places.extend_from_slice(&step.values);
            places.iter_mut().for_each(|located| window.find(located));
            self.execute(program, step, &step.types, &places, Some(window))
        } else {
            for (located, ty) in step.values.iter().zip(&step.types) {
                let (mut located, mut ty) = (*located, *ty);
                if let Some(window) = window.filter(|_| located.moves != Moves::Still) {
                    window.see(&mut located, &mut ty);
                }
                if let Some(block) = &block {
                    block.see(&mut located, &mut ty);
                }
                places.push(located);
                types.push(ty);
            }
            self.execute(program, step, &types, &places, window)
        };
        self.pool.frames[self.depth] = Frame { places, types };
        result
    }

    fn execute(
        &mut self,
        program: &Program,
        step: &Step,
        types: &[Type],
        values: &[Located],
        window: Option<&Window>,
    ) -> Result<()> {
        let (inputs, outputs) = types.split_at(step.inputs);
        let (places, made) = values.split_at(step.inputs);
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
            window,
        });
        for (buffer, made) in out.iter_mut().zip(made) {
            call.exchange(made.place, buffer, slots, self.tensors)?;
        }
        result
    }
}
