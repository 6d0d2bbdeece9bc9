//! The loop over time around a step program. It goes through the steps in chunks: what depends on no state for the rows of all
//! steps of the chunk, then step by step what feeds the states, then the rest on stacked rows. Masked rows are not computed: a
//! step works on its active rows, gathered and scattered back when some are missing.
//!
//! Masks as Keras 2 `backend.rnn`: a masked step repeats the previous output, zeros before the first; states carry over.

use super::order::Order;
use crate::error::Result;
use crate::op::steps::{BACKWARD, Emit, Part, ZERO_OUTPUT, mask_strides};
use crate::program::{Emitted, Located, Memory, Moves, Place, Runner, State, StepsPlan, Window};
use crate::tensor::Dtype;
use core::ops::Range;

/// A sequence that runs: its plan, and where its operands and results are.
#[derive(Clone, Copy)]
struct Loop<'r> {
    plan: &'r StepsPlan,
    places: &'r [Located],
    made: &'r [Located],
    /// The segment that runs, and its first time, from which tapes count.
    segment: usize,
    low: usize,
}

/// Some steps: the first, how many, their rows and those of all steps before.
#[derive(Clone, Copy)]
struct Chunk {
    begin: usize,
    steps: usize,
    rows: usize,
    base: usize,
}

impl Runner<'_> {
    /// Runs a sequence of steps.
    pub fn steps(&mut self, plan: &StepsPlan, places: &[Located], made: &[Located]) -> Result<()> {
        if plan.batch == 0 {
            return Ok(()); // nothing in, nothing out
        }
        self.depth += 1;
        let result = Loop { plan, places, made, segment: 0, low: 0 }.run(self, 0..plan.time);
        self.depth -= 1;
        result
    }
}

impl Loop<'_> {
    /// Runs some steps from what states start from.
    fn run(&self, runner: &mut Runner, steps: Range<usize>) -> Result<()> {
        self.start(runner)?;
        let mut swapped = [false; 2];
        let result = self.segments(runner, steps, &mut swapped);
        let finished = result.and_then(|()| self.give_states(runner, Emit::FinalState, 0));
        // slots keep the sizes that other plans know
        self.swap_states(runner, swapped[0], swapped[1]);
        finished
    }

    /// Runs segment by segment: one whose tape has to be made runs forward first.
    fn segments(&self, runner: &mut Runner, steps: Range<usize>, swapped: &mut [bool; 2]) -> Result<()> {
        let Loop { plan, places, .. } = *self;
        let Some(again) = plan.again() else {
            let (mut begin, mut segment) = (steps.start, 0);
            while begin < steps.end {
                let end = steps.end.min(begin.saturating_add(plan.segment));
                self.give_states(runner, Emit::Kept, segment)?;
                self.chunks(runner, begin..end, swapped)?;
                (begin, segment) = (end, segment + 1);
            }
            return Ok(());
        };
        for segment in (0..plan.time.div_ceil(plan.segment)).rev() {
            let begin = segment * plan.segment;
            let end = plan.time.min(begin.saturating_add(plan.segment));
            let back = plan.time - end..plan.time - begin;
            let low = if plan.flags & BACKWARD != 0 { begin } else { back.start };
            let forward =
                Loop { plan: &again.plan, places: &places[again.first..], made: &again.tape, segment, low };
            forward.run(runner, begin..end)?;
            Loop { low, ..*self }.chunks(runner, back, swapped)?;
        }
        Ok(())
    }

    fn order<'m>(&self, memory: Memory<'m>) -> Order<'m> {
        let plan = self.plan;
        Order {
            batch: plan.batch,
            time: plan.time,
            backward: plan.flags & BACKWARD != 0,
            mask: plan.mask.map(|operand| self.operand(operand, Dtype::Bool, memory)),
            strides: mask_strides(plan.flags, plan.batch, plan.time),
        }
    }

    /// The bytes of an operand.
    fn operand<'m>(&self, operand: usize, dtype: Dtype, memory: Memory<'m>) -> &'m [u8] {
        let Some(located) = self.places.get(operand) else { return &[] };
        bytes_of(memory.words(located.place), located, dtype)
    }

    /// The first of the rows of a step among those that a place keeps, or of the values if they have no rows. What has rows under
    /// one name only is all of a step under the other.
    fn first(&self, moves: Moves, rows: bool, chunk: &Chunk, first: usize, step: usize) -> usize {
        let all = self.plan.batch;
        let kept = match moves {
            Moves::Still | Moves::Rows => return 0,
            Moves::Chunk => first,
            Moves::Whole => chunk.base + first,
            Moves::Step => return if rows { step * all } else { step },
        };
        if rows { kept } else { kept / all }
    }

    /// Rows and times of a chunk's rows, and active rows of its steps.
    fn lists<'m>(&self, memory: Memory<'m>) -> (&'m [i32], &'m [i32], &'m [i32]) {
        let all: &[i32] = bytemuck::cast_slice(memory.words(Place::Slot(self.plan.lists)));
        let (rows, rest) = all.split_at(self.plan.capacity());
        let (times, counts) = rest.split_at(self.plan.capacity());
        (rows, times, counts)
    }

    /// Initial states, captures of rows, packed captures, and the outputs that masked first steps repeat.
    fn start(&self, runner: &mut Runner) -> Result<()> {
        for &(operand, role, ty, place) in &self.plan.packs {
            let from = self.places[operand];
            runner.write(place, &mut |to, memory| {
                role.pack(memory.words(from.place).get(from.start..).unwrap_or(&[]), &ty, to);
            })?;
        }
        for state in &self.plan.states {
            let all = state.all(self.plan.batch);
            let from = state.operand.map(|operand| (operand, self.segment * all));
            self.fill(runner, Place::Slot(state.full), 0, all, state.dtype, from)?;
        }
        for feed in &self.plan.feeds {
            if let Some(now) = feed.now.filter(|_| !self.plan.gathers()) {
                let all = feed.bytes * if feed.rows { self.plan.batch } else { 1 };
                self.fill(runner, Place::Slot(now), 0, all, feed.dtype, Some((feed.operand, 0)))?;
            }
        }
        for (result, made) in self.plan.results.iter().zip(self.made) {
            let runs_along = matches!(result.kind, Emit::Last | Emit::NextPrevious);
            if runs_along && self.plan.mask.is_some() {
                let start = result.start(made);
                let given = result.given.map(|operand| (operand, 0));
                self.fill(runner, made.place, start, result.all(self.plan.batch), result.dtype, given)?;
            }
        }
        Ok(())
    }

    /// Copies an operand from some byte on, or zeros without one.
    fn fill(
        &self,
        runner: &mut Runner,
        to: Place,
        start: usize,
        bytes: usize,
        dtype: Dtype,
        from: Option<(usize, usize)>,
    ) -> Result<()> {
        runner.write(to, &mut |to, memory| {
            let to: &mut [u8] = bytemuck::cast_slice_mut(to);
            let to = &mut to[start..start + bytes];
            match from {
                Some((operand, skip)) => {
                    to.copy_from_slice(&self.operand(operand, dtype, memory)[skip..skip + bytes])
                }
                None => to.fill(0),
            }
        })
    }

    fn chunks(&self, runner: &mut Runner, range: Range<usize>, swapped: &mut [bool; 2]) -> Result<()> {
        let plan = self.plan;
        // what is found where it is has all rows
        let mut base = range.start * plan.batch;
        let mut begin = range.start;
        while begin < range.end {
            let steps = plan.steps.min(range.end - begin);
            let mut rows = 0;
            runner.write(Place::Slot(plan.lists), &mut |lists, memory| {
                let lists: &mut [i32] = bytemuck::cast_slice_mut(lists);
                let (listed, rest) = lists.split_at_mut(plan.capacity());
                let (times, counts) = rest.split_at_mut(plan.capacity());
                rows = self.order(memory).list(begin, listed, times, &mut counts[..steps]);
            })?;
            let chunk = Chunk { begin, steps, rows, base };
            self.feed(runner, &chunk)?;
            self.phase(runner, 0, &chunk, 0, rows, 0)?;
            let (mut first, mut ran) = (0, 0);
            for step in 0..steps {
                let active = self.lists(runner.memory()).2[step] as usize;
                if active > 0 {
                    self.step(runner, &chunk, first, active, ran, swapped)?;
                    ran += 1;
                }
                first += active;
            }
            self.after(runner, &chunk)?;
            for (result, made) in plan.results.iter().zip(self.made) {
                self.emit(runner, &chunk, result, made)?;
            }
            base += rows;
            begin += steps;
        }
        Ok(())
    }

    /// Copies x of a chunk, and captures of rows that are wanted for all of it.
    fn feed(&self, runner: &mut Runner, chunk: &Chunk) -> Result<()> {
        let plan = self.plan;
        for feed in &plan.feeds {
            let Some(slot) = feed.chunk else { continue };
            runner.write(Place::Slot(slot), &mut |to, memory| {
                let order = self.order(memory);
                let (rows, times, counts) = self.lists(memory);
                let taped = plan.again().filter(|_| feed.part == Part::Tape);
                let (from, low) = match taped.map(|again| &again.tape[feed.operand]) {
                    Some(tape) => (bytes_of(memory.words(tape.place), tape, feed.dtype), self.low),
                    None => (self.operand(feed.operand, feed.dtype, memory), 0),
                };
                let to: &mut [u8] = bytemuck::cast_slice_mut(to);
                let mut steps = (0..chunk.steps).filter(|&step| counts[step] > 0);
                let count = if feed.rows { chunk.rows } else { steps.clone().count() };
                for (i, to) in to.chunks_exact_mut(feed.bytes.max(1)).take(count).enumerate() {
                    let at = match (feed.part, feed.rows) {
                        (_, false) => order.time_of(chunk.begin + steps.next().unwrap_or(0)) - low,
                        (Part::X, _) => rows[i] as usize * plan.time + times[i] as usize,
                        (Part::TimeMajorX | Part::Tape, _) => {
                            (times[i] as usize - low) * plan.batch + rows[i] as usize
                        }
                        _ => rows[i] as usize,
                    };
                    to[..feed.bytes].copy_from_slice(&from[at * feed.bytes..][..feed.bytes]);
                }
            })?;
        }
        Ok(())
    }

    /// Runs the ops of a phase on some rows of the chunk.
    fn phase(
        &self,
        runner: &mut Runner,
        phase: usize,
        chunk: &Chunk,
        first: usize,
        rows: usize,
        step: usize,
    ) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        let plan = self.plan;
        let lists = (plan.lists, plan.capacity());
        let all = rows == if phase == 1 { plan.batch } else { plan.capacity() };
        let window = Window { all, rows, first, base: chunk.base, step, lists };
        runner.all(&plan.body, &plan.phases[phase], Some(&window)).map_err(|failure| failure.error)
    }

    fn step(
        &self,
        runner: &mut Runner,
        chunk: &Chunk,
        first: usize,
        active: usize,
        step: usize,
        swapped: &mut [bool; 2],
    ) -> Result<()> {
        let plan = self.plan;
        let partial = active < plan.batch;
        self.swap_states(runner, !partial, true);
        swapped[0] ^= !partial;
        swapped[1] ^= true;
        if partial {
            for state in plan.states.iter().filter(|state| state.rows) {
                let from = Place::Slot(state.full);
                self.gather(runner, from, Place::Slot(state.now), 0, state.bytes, first, active)?;
            }
        }
        for feed in plan.feeds.iter().filter(|_| plan.gathers()) {
            if let Some(now) = feed.now.filter(|_| feed.rows) {
                let from = self.places[feed.operand];
                let start = from.start * if feed.dtype == Dtype::Bool { 1 } else { 4 };
                self.gather(runner, from.place, Place::Slot(now), start, feed.bytes, first, active)?;
            }
        }
        for state in &plan.states {
            let Some(kept) = state.kept else { continue };
            let (at, count) = if state.rows { (first, active) } else { (step, 1) };
            runner.write(Place::Slot(kept), &mut |to, memory| {
                let from: &[u8] = bytemuck::cast_slice(memory.words(Place::Slot(state.now)));
                let to: &mut [u8] = bytemuck::cast_slice_mut(to);
                to[at * state.bytes..][..count * state.bytes].copy_from_slice(&from[..count * state.bytes]);
            })?;
        }
        self.phase(runner, 1, chunk, first, active, step)?;
        for state in plan.states.iter().filter(|state| !state.late) {
            self.commit(runner, chunk, state, first, active, step)?;
        }
        Ok(())
    }

    /// What waited for the end of the chunk, accumulating states among it.
    fn after(&self, runner: &mut Runner, chunk: &Chunk) -> Result<()> {
        let late = || self.plan.states.iter().filter(|state| state.late);
        late().for_each(|state| state.swap(runner));
        let result = self.phase(runner, 2, chunk, 0, chunk.rows, 0);
        // back, so that slots keep the sizes that other plans know
        late().for_each(|state| state.swap(runner));
        result?;
        if chunk.rows > 0 {
            late().try_for_each(|state| self.commit(runner, chunk, state, 0, 1, 0))?;
        }
        Ok(())
    }

    /// All rows are active: what runs in the step finds the states of all rows where it looks for those of its rows. States
    /// that rows share are always there.
    fn swap_states(&self, runner: &mut Runner, rows: bool, shared: bool) {
        let states = self.plan.states.iter().filter(|state| !state.late);
        states.filter(|state| if state.rows { rows } else { shared }).for_each(|state| state.swap(runner));
    }

    /// Copies the active rows of a step together.
    #[allow(clippy::too_many_arguments)]
    fn gather(
        &self,
        runner: &mut Runner,
        from: Place,
        to: Place,
        start: usize,
        bytes: usize,
        first: usize,
        active: usize,
    ) -> Result<()> {
        runner.write(to, &mut |to, memory| {
            let rows = &self.lists(memory).0[first..first + active];
            let from: &[u8] = bytemuck::cast_slice(memory.words(from));
            let to: &mut [u8] = bytemuck::cast_slice_mut(to);
            for (to, &row) in to.chunks_exact_mut(bytes.max(1)).zip(rows) {
                to[..bytes].copy_from_slice(&from[start + row as usize * bytes..][..bytes]);
            }
        })
    }

    /// The new values of a state replace the old ones of the active rows.
    fn commit(
        &self,
        runner: &mut Runner,
        chunk: &Chunk,
        state: &State,
        first: usize,
        active: usize,
        step: usize,
    ) -> Result<()> {
        let (place, moves) = state.next;
        let start = self.first(moves, state.rows, chunk, first, step) * state.bytes;
        runner.write(Place::Slot(state.full), &mut |to, memory| {
            let to: &mut [u8] = bytemuck::cast_slice_mut(to);
            let from: &[u8] = &bytemuck::cast_slice(memory.words(place))[start..];
            if !state.rows || active == self.plan.batch {
                let all = state.all(self.plan.batch);
                to[..all].copy_from_slice(&from[..all]);
                return;
            }
            let rows = &self.lists(memory).0[first..first + active];
            for (from, &row) in from.chunks_exact(state.bytes.max(1)).zip(rows) {
                to[row as usize * state.bytes..][..state.bytes].copy_from_slice(&from[..state.bytes]);
            }
        })
    }

    /// Writes what the steps of a chunk put out.
    fn emit(&self, runner: &mut Runner, chunk: &Chunk, result: &Emitted, made: &Located) -> Result<()> {
        let plan = self.plan;
        let (bytes, batch) = (result.bytes, if result.rows { plan.batch } else { 1 });
        let zero = plan.flags & ZERO_OUTPUT != 0;
        if matches!(result.kind, Emit::FinalState | Emit::Kept) || bytes == 0 {
            return Ok(());
        }
        let (place, moves) = result.from;
        runner.write(made.place, &mut |to, memory| {
            let to: &mut [u8] = &mut bytemuck::cast_slice_mut(to)[result.start(made)..];
            let from: &[u8] = bytemuck::cast_slice(memory.words(place));
            let order = self.order(memory);
            let (rows, _, counts) = self.lists(memory);
            let (mut first, mut ran) = (0, 0);
            for (step, &count) in counts[..chunk.steps].iter().enumerate() {
                let count = count as usize;
                let at = chunk.begin + step;
                let time = order.time_of(at);
                let last = at + 1 == plan.time;
                let target = |row: usize| match result.kind {
                    Emit::All => row * plan.time + at,
                    Emit::TimeMajorAll => at * batch + row,
                    Emit::Timed => row * plan.time + time,
                    Emit::TimeMajorTimed => time * batch + row,
                    Emit::Tape => (time - self.low) * batch + row,
                    _ => row,
                };
                if order.mask.is_some() {
                    let active = |row| if result.rows { order.active(row, time) } else { count > 0 };
                    for row in (0..batch).filter(|&row| !active(row)) {
                        let to_row = target(row) * bytes;
                        match result.kind {
                            Emit::All | Emit::TimeMajorAll if !zero && at > 0 => {
                                let before = if result.kind == Emit::All { 1 } else { batch };
                                to.copy_within(
                                    to_row - before * bytes..to_row - (before - 1) * bytes,
                                    to_row,
                                );
                            }
                            Emit::All | Emit::TimeMajorAll => {
                                let given = result.given.filter(|_| !zero);
                                let to = &mut to[to_row..to_row + bytes];
                                match given.map(|operand| self.operand(operand, result.dtype, memory)) {
                                    Some(given) => to.copy_from_slice(&given[row * bytes..][..bytes]),
                                    None => to.fill(0),
                                }
                            }
                            Emit::Timed | Emit::TimeMajorTimed => to[to_row..to_row + bytes].fill(0),
                            Emit::Last if zero && last => to[to_row..to_row + bytes].fill(0),
                            _ => {}
                        }
                    }
                } else if !last && matches!(result.kind, Emit::Last | Emit::NextPrevious) {
                    first += count;
                    ran += 1;
                    continue;
                }
                let begin = self.first(moves, result.rows, chunk, first, ran);
                ran += (count > 0) as usize;
                let listed = if result.rows { &rows[first..first + count] } else { &rows[..count.min(1)] };
                for (i, &row) in listed.iter().enumerate() {
                    let row = if result.rows { row as usize } else { 0 };
                    let source = if moves == Moves::Rows { row } else { begin + i };
                    to[target(row) * bytes..][..bytes].copy_from_slice(&from[source * bytes..][..bytes]);
                }
                first += count;
            }
        })
    }

    /// The states as they are, for results of this kind that want them, in the place of this number.
    fn give_states(&self, runner: &mut Runner, kind: Emit, number: usize) -> Result<()> {
        for (result, made) in self.plan.results.iter().zip(self.made) {
            if result.kind != kind {
                continue;
            }
            let state = &self.plan.states[result.output];
            runner.write(made.place, &mut |to, memory| {
                let from: &[u8] = bytemuck::cast_slice(memory.words(Place::Slot(state.full)));
                let to: &mut [u8] = bytemuck::cast_slice_mut(to);
                let all = state.all(self.plan.batch);
                to[result.start(made) + number * all..][..all].copy_from_slice(&from[..all]);
            })?;
        }
        Ok(())
    }
}

impl State {
    /// The step finds what is kept where it looks for its own rows, or the other way round.
    fn swap(&self, runner: &mut Runner) {
        runner.pool.slots.swap(self.full.into(), self.now.into());
    }
}

/// The bytes of a value.
fn bytes_of<'m>(words: &'m [f32], located: &Located, dtype: Dtype) -> &'m [u8] {
    let size = if dtype == Dtype::Bool { 1 } else { 4 };
    let bytes: &[u8] = bytemuck::cast_slice(words);
    bytes.get(located.start * size..).unwrap_or(&[])
}
