//! Where the values of a run are.

use super::Packs;
use crate::error::{Error, Result};
use crate::op::MAX_OUTPUTS;
use crate::tensor::{Budget, Buffer, Tensors, Type};
use alloc::vec::Vec;

/// The place of a value or a packed form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Slot of the pool.
    Slot(u16),
    /// Tensor bound as input.
    Input(u16),
    /// Tensor bound as output.
    Output(u16),
    /// Tensor that the program names.
    Variable(u16),
    /// Packed form of a variable.
    Pack(u16),
}

/// A value of a step: its place, where in there it starts, and how many elements it has.
#[derive(Clone, Copy)]
pub(crate) struct Located {
    pub place: Place,
    pub start: usize,
    pub elements: usize,
    pub moves: Moves,
}

/// What part of its place a value of a step program is when some rows of some steps are run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Moves {
    /// All of it, always the same.
    Still,
    /// The first rows.
    Rows,
    /// These rows of the chunk.
    Chunk,
    /// These rows of a whole sequence in the order of processing.
    Whole,
    /// What belongs to this step, of those of the chunk that run.
    Step,
}

impl Moves {
    /// Does the value have the rows of the window?
    pub fn by_rows(self) -> bool {
        matches!(self, Moves::Rows | Moves::Chunk | Moves::Whole)
    }
}

/// Slots and scratch, shared by all plans of an engine: each plan uses them from the start, so the whole is as large as the
/// largest plan.
pub(crate) struct Pool {
    pub slots: Vec<Buffer>,
    pub scratch: Buffer,
    /// The outputs of the op that runs, out of their places.
    pub out: [Buffer; MAX_OUTPUTS],
    /// For each depth of sequences inside one another, the values of the op that runs there.
    pub frames: Vec<Frame>,
}

/// Where an op that runs in a step finds its values, and their types.
#[derive(Default)]
pub(crate) struct Frame {
    pub places: Vec<Located>,
    pub types: Vec<Type>,
}

impl Pool {
    /// Nothing.
    pub const fn new() -> Pool {
        let out = [const { Buffer::EMPTY }; MAX_OUTPUTS];
        Pool { slots: Vec::new(), scratch: Buffer::EMPTY, out, frames: Vec::new() }
    }

    /// Makes room for a plan's slots (words each), scratch, and `values` of the op that runs in each of `depth` sequences.
    pub fn reserve(
        &mut self,
        budget: &mut Budget,
        slots: &[usize],
        scratch: usize,
        depth: usize,
        values: usize,
    ) -> Result<()> {
        while self.frames.len() <= depth {
            self.frames.push(Frame::default());
        }
        for frame in &mut self.frames {
            let failed = Error::Memory { words: values as u32 };
            frame.places.clear();
            frame.types.clear();
            frame.places.try_reserve(values).map_err(|_| failed)?;
            frame.types.try_reserve(values).map_err(|_| failed)?;
        }
        while self.slots.len() < slots.len() {
            self.slots.push(Buffer::EMPTY);
        }
        for (slot, &words) in self.slots.iter_mut().zip(slots) {
            budget.grow(slot, words)?;
        }
        budget.grow(&mut self.scratch, scratch)
    }
}

/// What a run reads.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'r> {
    pub slots: &'r [Buffer],
    pub tensors: &'r Tensors,
    pub packs: &'r Packs,
    pub inputs: &'r [u32],
    pub outputs: &'r [u32],
    pub variables: &'r [u32],
    pub pack_ids: &'r [u32],
}

impl<'r> Memory<'r> {
    /// The words at a place. A call is checked before it runs, so every place is there.
    pub fn words(&self, place: Place) -> &'r [f32] {
        let tensor = |ids: &[u32], index: u16| {
            let id = ids.get(index as usize).copied().unwrap_or(0);
            self.tensors.get(id).map_or(&[][..], |tensor| tensor.buffer.f32())
        };
        match place {
            Place::Slot(index) => self.slots.get(index as usize).map_or(&[], Buffer::f32),
            Place::Input(index) => tensor(self.inputs, index),
            Place::Output(index) => tensor(self.outputs, index),
            Place::Variable(index) => tensor(self.variables, index),
            Place::Pack(index) => {
                let id = self.pack_ids.get(index as usize).copied().unwrap_or(0);
                self.packs.get(id).map_or(&[], |pack| pack.buffer.f32())
            }
        }
    }
}
