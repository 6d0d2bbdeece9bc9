//! Binding a sequence of steps: its body is bound three times over, for the phases of [`distribute`]. What crosses from one
//! phase to another is kept for all rows of a chunk of steps; the rest has room for one phase.

use super::bind::{Binder, Scope, Step, group};
use super::distribute::{Distribution, Phase, distribute};
use super::{Located, Moves, Place, Program, Role};
use crate::error::{Error, Result};
use crate::op::Site;
use crate::op::steps::{BACKWARD, Emit, MASK, Part, Record, STEP_MASK, Sizes, infer};
use crate::tensor::{Dtype, Shape, Type};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Words of what crosses between phases that a chunk of steps may have: half of a 1 MB second-level cache.
const AHEAD: usize = 128 * 1024;

/// Most rows of a chunk that has little else.
const MOST_ROWS: usize = 16 * 1024;

/// Most sequences inside one another.
const MOST_DEPTH: usize = 8;

/// How far the values of a body reach while it is bound.
pub(super) struct Extent {
    pub phase: Phase,
    pub batch: usize,
    /// Steps of a chunk.
    pub steps: usize,
    /// By root: is it kept for all steps of a chunk?
    pub crosses: Vec<bool>,
    /// Where values are ahead of the loop and after it.
    pub chunked: Vec<Option<(Place, Moves)>>,
    /// Values that are the same at every step, and their operands.
    captured: Vec<(u32, usize)>,
    /// Their packed forms, made once, before the first step: operand, role, type, place.
    pub packs: Vec<(usize, Role, Type, Place)>,
}

impl Extent {
    /// The places that hold in this phase; `places` are those in the loop.
    pub fn places<'a>(&'a self, places: &'a [Option<(Place, Moves)>]) -> &'a [Option<(Place, Moves)>] {
        if self.phase == Phase::Loop { places } else { &self.chunked }
    }

    fn rows(&self) -> usize {
        if self.phase == Phase::Loop { self.batch } else { self.batch * self.steps }
    }

    /// The type of a value for the rows of this phase.
    pub fn sized(&self, program: &Program, value: u32, mut ty: Type) -> Type {
        if program.has_rows(value) {
            ty.shape.dims_mut()[0] = self.rows() as i32;
        }
        ty
    }

    /// Words for a value that is made, and how it moves.
    pub fn room(&self, scope: &Scope, value: u32, ty: &Type) -> Result<(usize, Moves)> {
        let rows = scope.program.has_rows(value);
        let mut all = *ty;
        Ok(match (self.crosses[scope.roots[value as usize] as usize], rows) {
            (false, true) => (ty.words()?, Moves::Rows),
            (false, false) => (ty.words()?, Moves::Still),
            (true, true) => {
                all.shape.dims_mut()[0] = (self.batch * self.steps) as i32;
                (all.words()?, Moves::Chunk)
            }
            (true, false) => {
                all.shape.checked_elements()?;
                (ty.dtype.words(ty.shape.elements() * self.steps), Moves::Step)
            }
        })
    }

    /// The operand that a value, by root, is at every step.
    pub fn captured(&self, root: u32) -> Option<usize> {
        self.captured.iter().find(|(value, _)| *value == root).map(|&(_, operand)| operand)
    }
}

/// What is copied into the body: x for a chunk, captures of rows for the active ones.
pub(crate) struct Feed {
    /// Or the number of the tape.
    pub operand: usize,
    pub part: Part,
    pub dtype: Dtype,
    pub rows: bool,
    /// Of a row, or of all if there are no rows.
    pub bytes: usize,
    /// Room for a step's rows.
    pub now: Option<u16>,
    /// Room for a chunk.
    pub chunk: Option<u16>,
}

/// A state of the loop.
pub(crate) struct State {
    /// Its initial value; zeros without.
    pub operand: Option<usize>,
    /// All rows, and those of the step that runs.
    pub full: u16,
    pub now: u16,
    /// Its values before each step of a chunk, where something wants them.
    pub kept: Option<u16>,
    pub rows: bool,
    pub dtype: Dtype,
    pub bytes: usize,
    /// Is it only added to, at the end of a chunk?
    pub late: bool,
    /// Where the new state is.
    pub next: (Place, Moves),
}

/// An output of the body on its way out.
pub(crate) struct Emitted {
    pub kind: Emit,
    pub dtype: Dtype,
    pub from: (Place, Moves),
    pub rows: bool,
    pub bytes: usize,
    /// The operand that masked first steps repeat.
    pub given: Option<usize>,
    /// Which output of the body.
    pub output: usize,
}

impl State {
    /// Bytes of all rows.
    pub fn all(&self, batch: usize) -> usize {
        self.bytes * if self.rows { batch } else { 1 }
    }
}

impl Emitted {
    /// Bytes of one value for all rows.
    pub fn all(&self, batch: usize) -> usize {
        self.bytes * if self.rows { batch } else { 1 }
    }

    /// The first byte of the result in its place.
    pub fn start(&self, made: &Located) -> usize {
        bytes(self.dtype, made.start)
    }
}

/// A bound sequence of steps.
pub(crate) struct StepsPlan {
    pub body: Arc<Program>,
    pub flags: u32,
    pub batch: usize,
    pub time: usize,
    /// Steps of a chunk.
    pub steps: usize,
    /// Operand of the mask.
    pub mask: Option<usize>,
    /// Rows and times of the chunk's rows, `capacity` each, and active rows of its steps.
    pub lists: u16,
    pub feeds: Vec<Feed>,
    pub states: Vec<State>,
    /// Packed before the first step: operand, role, type, place.
    pub packs: Vec<(usize, Role, Type, Place)>,
    pub phases: [Vec<Step>; 3],
    pub results: Vec<Emitted>,
    /// Steps of a segment; all if there are none.
    pub segment: usize,
    again: Option<Box<AgainPlan>>,
}

/// Bound steps that run again for a tape.
pub(crate) struct AgainPlan {
    pub plan: StepsPlan,
    /// The first of their operands.
    pub first: usize,
    /// Where they put out what is the tape of a segment.
    pub tape: Vec<Located>,
}

/// Bytes of some elements.
fn bytes(dtype: Dtype, elements: usize) -> usize {
    if dtype == Dtype::Bool { elements } else { 4 * elements }
}

impl StepsPlan {
    /// Rows of a chunk without masked ones.
    pub fn capacity(&self) -> usize {
        self.batch * self.steps
    }

    /// The steps that run again.
    #[inline(always)]
    pub fn again(&self) -> Option<&AgainPlan> {
        self.again.as_deref().filter(|_| cfg!(feature = "full"))
    }

    /// Are the rows of captures gathered in every step?
    pub fn gathers(&self) -> bool {
        self.flags & (MASK | STEP_MASK) == MASK
    }

    /// Binds the body of a sequence whose operands are at `operands`.
    pub(super) fn bind(
        binder: &mut Binder,
        body: &Arc<Program>,
        site: &Site,
        operands: &[(Place, Moves)],
    ) -> Result<StepsPlan> {
        if binder.depth == MOST_DEPTH {
            return Err(Error::Depth { most: MOST_DEPTH as u32 }.into());
        }
        binder.depth += 1;
        binder.plan.depth = binder.plan.depth.max(binder.depth);
        let plan = binder.within(|binder| bind(binder, body, site, operands));
        binder.depth -= 1;
        plan
    }
}

fn bind(
    binder: &mut Binder,
    body: &Arc<Program>,
    site: &Site,
    operands: &[(Place, Moves)],
) -> Result<StepsPlan> {
    let record = Record::read(site)?;
    let sizes = Sizes::of(site, &record)?;
    // without rows anywhere the loop runs for one
    let (batch, time) = (if sizes.batch < 0 { 1 } else { sizes.batch as usize }, sizes.time.max(0) as usize);
    let mut distribution = distribute(&record);
    if binder.plainly {
        distribution.gather(body);
    }
    let phases = &distribution.phases;

    let mut scope = Scope::new(body, infer(site, &record, &sizes)?);
    let crosses = crossing(&scope, &record, &distribution);

    let segment = if record.segment == 0 { time } else { record.segment.min(time) }.max(1);
    let again = match record.again() {
        None => None,
        Some(again) => {
            let types = again.types(site, &record)?;
            let first = operands.len() - types.len();
            let site = again.site(&types);
            let plan = binder.apart(|binder| bind(binder, &again.body, &site, &operands[first..]))?;
            let mut tape = Vec::new();
            for result in &plan.results {
                let shape = Shape::new(&[segment as i32, result.all(batch).div_ceil(4) as i32])?;
                let elements = Type { dtype: Dtype::Float32, shape }.words()?;
                let place = Place::Slot(binder.take(elements)?);
                tape.push(Located { place, start: 0, elements, moves: Moves::Still });
            }
            Some(Box::new(AgainPlan { plan, first, tape }))
        }
    };

    // how many steps a chunk has
    let row_words = |value: u32| {
        let ty = scope.types[value as usize];
        let rows = if body.has_rows(value) { batch.max(1) } else { 1 };
        Result::Ok(ty.words()? / rows)
    };
    let mut width = 0usize;
    for value in (0..scope.roots.len() as u32).filter(|&value| crosses[value as usize]) {
        width = width.saturating_add(row_words(value)?);
    }
    let rows = batch.max(1);
    let steps =
        (AHEAD / rows.saturating_mul(width).max(1)).max(8).min(MOST_ROWS.div_ceil(rows)).clamp(1, segment);

    let mask = record.has(MASK).then(|| record.given());
    let lists = binder.take(2 * batch * steps + steps)?;
    let mut plan = StepsPlan {
        body: body.clone(),
        flags: record.flags,
        batch,
        time,
        steps,
        mask,
        lists,
        feeds: Vec::new(),
        states: Vec::new(),
        packs: Vec::new(),
        phases: Default::default(),
        results: Vec::new(),
        segment,
        again,
    };
    scope.extent = Some(Extent {
        phase: Phase::Loop,
        batch,
        steps,
        crosses: crosses.clone(),
        chunked: scope.places.clone(),
        captured: Vec::new(),
        packs: Vec::new(),
    });
    let ordered = mask.is_none() && record.flags & BACKWARD == 0;
    let mut tapes = 0..;
    for (&value, (part, operand)) in body.inputs.iter().zip(record.operands()) {
        let at = value as usize;
        let ty = scope.types[at];
        let (dtype, rows) = (ty.dtype, body.has_rows(value));
        let elements = ty.shape.elements() / if rows { batch.max(1) } else { 1 };
        let bytes = bytes(ty.dtype, elements);
        let in_chunk = if rows { Moves::Chunk } else { Moves::Step };
        let in_step = if rows { Moves::Rows } else { Moves::Still };
        let timed = matches!(part, Part::X | Part::TimeMajorX | Part::Tape);
        // may it stay where its operand is?
        let found = match part {
            Part::X => ordered && rows && (batch == 1 || time == 1),
            Part::TimeMajorX => ordered && rows,
            Part::Capture => !(rows && plan.gathers()),
            _ => false,
        };
        // an operand that moves with an outer loop is not where it was when the next run of this one begins
        let outer =
            operand.map(|operand| operands[operand]).filter(|&(_, moves)| found && moves == Moves::Still);
        // room for a step, and for a chunk
        let now = if timed || outer.is_some() { None } else { Some(binder.take(ty.words()?)?) };
        let in_chunks = if timed { outer.is_none() } else { crosses[at] && (rows || part.is_state()) };
        let chunk = if in_chunks {
            let count = steps * if rows { batch } else { 1 };
            Some(binder.take(dtype.words(elements * count))?)
        } else {
            None
        };
        let place = match (outer, now.or(chunk)) {
            (Some((place, _)), _) => (place, if timed { Moves::Whole } else { in_step }),
            (_, slot) => (Place::Slot(slot.unwrap_or(0)), if timed { in_chunk } else { in_step }),
        };
        scope.set(value, place);
        if let Some(chunk) = chunk {
            extent(&mut scope).chunked[at] = Some((Place::Slot(chunk), in_chunk));
        }
        if let (true, Some(now)) = (part.is_state(), now) {
            let full = binder.take(ty.words()?)?;
            let late = distribution.late[plan.states.len()];
            let next = (Place::Slot(full), in_step);
            plan.states.push(State { operand, full, now, kept: chunk, rows, dtype, bytes, late, next });
            continue;
        }
        let operand = operand.or_else(|| tapes.next()).unwrap_or(0);
        if part == Part::Capture && !rows {
            extent(&mut scope).captured.push((value, operand));
        }
        if now.is_some() || chunk.is_some() {
            plan.feeds.push(Feed { operand, part, dtype, rows, bytes, now, chunk });
        }
    }
    for &(kind, output) in &record.results {
        let value = body.outputs[output];
        let rows = body.has_rows(value);
        let ty = scope.types[value as usize];
        let all = bytes(ty.dtype, ty.shape.elements());
        plan.results.push(Emitted {
            kind,
            dtype: ty.dtype,
            from: (Place::Slot(0), Moves::Still),
            rows,
            bytes: if rows { all / batch.max(1) } else { all },
            given: record.previous_of(output).map(|own| record.first_previous() + own),
            output,
        });
    }

    let mut order = Vec::new();
    for phase in [Phase::Ahead, Phase::Loop, Phase::After] {
        order.extend((0..body.records.len()).filter(|&index| phases[index] == Some(phase)));
    }
    scope.find_last_uses(&order);
    for &value in &body.inputs {
        scope.last_use[value as usize] = usize::MAX;
    }
    for (root, crosses) in crosses.iter().enumerate() {
        if *crosses {
            scope.last_use[root] = usize::MAX;
        }
    }
    for &index in &order {
        for &value in body.records[index].outputs.iter().filter(|&&value| crosses[value as usize]) {
            let ty = scope.types[value as usize];
            let Some(extent) = &scope.extent else { continue };
            let (words, moves) = extent.room(&scope, value, &ty)?;
            let slot = binder.take(words)?;
            scope.set(value, (Place::Slot(slot), moves));
        }
    }
    for (position, &index) in order.iter().enumerate() {
        let Some(phase) = phases[index] else { continue };
        extent(&mut scope).phase = phase;
        let step = binder.record(&mut scope, index, position)?;
        plan.phases[phase as usize].extend(step);
    }
    if !binder.plainly {
        plan.phases.iter_mut().for_each(|steps| group(body, steps));
    }
    extent(&mut scope).phase = Phase::Loop;
    for (state, &value) in plan.states.iter_mut().zip(&body.outputs) {
        state.next = scope.place(value)?;
    }
    extent(&mut scope).phase = Phase::After;
    for result in &mut plan.results {
        result.from = scope.place(body.outputs[result.output])?;
    }
    plan.packs = core::mem::take(&mut extent(&mut scope).packs);
    Ok(plan)
}

fn extent<'a>(scope: &'a mut Scope) -> &'a mut Extent {
    scope.extent.as_mut().expect("the body of a sequence has an extent")
}

/// Which values cross from one phase to another, by root.
fn crossing(scope: &Scope, record: &Record, distribution: &Distribution) -> Vec<bool> {
    let program = scope.program;
    let root = |value: u32| scope.roots[value as usize] as usize;
    // in which phase a value comes to be; x is there ahead, captures of rows in the loop; what is shared is where it is
    let mut born = alloc::vec![Phase::Loop; scope.roots.len()];
    let mut shared = alloc::vec![false; scope.roots.len()];
    for (&value, part) in program.inputs.iter().zip(&record.parts) {
        let rows = program.has_rows(value);
        shared[value as usize] = *part == Part::Capture && !rows;
        if matches!(part, Part::X | Part::TimeMajorX | Part::Tape) {
            born[value as usize] = Phase::Ahead;
        }
    }
    for (made, phase) in program.records.iter().zip(&distribution.phases) {
        if let &Some(phase) = phase {
            made.outputs.iter().for_each(|&value| born[value as usize] = phase);
        }
    }
    for (index, &state) in record.states.iter().enumerate() {
        if distribution.late[index] {
            (shared[state as usize], shared[root(program.outputs[index])]) = (true, true);
        }
    }
    let mut crosses = alloc::vec![false; scope.roots.len()];
    let mut read = |value: u32, phase: Phase| {
        let root = root(value);
        crosses[root] |= born[root] != phase && !shared[root];
    };
    for (reader, phase) in program.records.iter().zip(&distribution.phases) {
        if let &Some(phase) = phase {
            reader.inputs.iter().for_each(|&value| read(value, phase));
        }
    }
    program.outputs[..record.states.len()].iter().for_each(|&value| read(value, Phase::Loop));
    for &(kind, output) in &record.results {
        let root = root(program.outputs[output]);
        crosses[root] |= kind != Emit::FinalState && !shared[root];
    }
    crosses
}
