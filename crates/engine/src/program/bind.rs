//! Binding: a program and known shapes give a plan. Shape rules run again with all dims known, and every value gets a place:
//! outputs in their tensors, the rest in slots that are handed on as soon as their value is read for the last time.

use super::{Located, Moves, Place, Program, Role};
use crate::error::{Error, Failure, Result};
use crate::op::{Op, Prepared, Rule, Site};
use crate::program::bind_steps::{Extent, StepsPlan};
use crate::tensor::{Dtype, Shape, Type};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// One op of a plan, in order of execution.
pub(crate) struct Step {
    pub record: u32,
    /// Number of steps from here on that work on the same elements, one by one; their own positions do not count.
    pub group: usize,
    /// Is a value of it somewhere else in every step of a sequence?
    pub moves: bool,
    pub rule: &'static Rule,
    /// Where the values are that it reads, then those that it makes, and their types.
    pub values: Vec<Located>,
    pub types: Vec<Type>,
    /// How many it reads.
    pub inputs: usize,
    pub prepared: Prepared,
    pub packs: Vec<Place>,
    /// Packed forms of values that are no variables: made in the run, just before the op.
    pub pack_here: Vec<(Role, u16, Place)>,
}

impl Step {
    /// The shape of its first output, and whether that has rows.
    fn made(&self) -> (&Shape, bool) {
        (&self.types[self.inputs].shape, self.values[self.inputs].moves.by_rows())
    }
}

/// A packed form that a call needs: variable (by index), use, and the type as which it is read there.
pub(crate) struct Packed {
    pub variable: u16,
    pub role: Role,
    pub ty: Type,
}

/// A program bound to shapes.
#[derive(Default)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    /// Words of each slot.
    pub slots: Vec<usize>,
    pub scratch: usize,
    /// Most values that an op of a step program reads and makes.
    pub values: usize,
    /// Most sequences inside one another.
    pub depth: usize,
    pub inputs: Vec<Type>,
    pub outputs: Vec<Type>,
    /// Outputs that are made elsewhere and copied at the end: place, output.
    pub copies: Vec<(Place, u16)>,
    /// Values that an assignment could overwrite before another one reads them: copied away first.
    pub saves: Vec<(Place, Place)>,
    /// Commits at the end: place of the value, the place that takes it, and its type.
    pub assigns: Vec<(Place, Place, Type)>,
    /// Tensor ids of the variables.
    pub variables: Vec<u32>,
    pub packs: Vec<Packed>,
}

impl Plan {
    /// Binds a program; `plainly`: without groups, and step programs with all that can be in the loop. Errors name the record at
    /// which they arose.
    pub fn bind(program: &Program, shapes: &[Shape], plainly: bool) -> core::result::Result<Plan, Failure> {
        let mut binder = Binder { free: Vec::new(), plan: Plan::default(), depth: 0, plainly };
        let mut scope = Scope::new(program, program.values.clone());
        binder.inputs(&mut scope, shapes)?;
        // numbers first, in slots of their own, so that they part no group
        let (mut order, mut others) = (Vec::new(), Vec::new());
        for (index, record) in program.records.iter().enumerate().filter(|(index, _)| program.live[*index]) {
            let value = record.outputs[0] as usize;
            let number = record.op == Op::Fill && program.values[value].shape == Shape::SCALAR;
            if number { &mut order } else { &mut others }.push(index);
        }
        let numbers = order.len();
        order.extend_from_slice(&others);
        scope.find_last_uses(&order);
        for &index in &order[..numbers] {
            scope.last_use[program.records[index].outputs[0] as usize] = usize::MAX;
        }
        for (position, &index) in order.iter().enumerate() {
            let at = |error| Failure { error, record: Some(index as u32) };
            let step = binder.record(&mut scope, index, position).map_err(at)?;
            binder.plan.steps.extend(step);
        }
        if !plainly {
            group(program, &mut binder.plan.steps);
        }
        Ok(binder.finish(&scope)?)
    }
}

/// A program while it is bound: the outer one, or the body of a sequence.
pub(super) struct Scope<'p> {
    pub program: &'p Program,
    pub types: Vec<Type>,
    /// The value whose memory a value shares (itself, unless it is a reshape).
    pub roots: Vec<u32>,
    pub places: Vec<Option<(Place, Moves)>>,
    /// For each root the position of the last record that reads it; what lives to the end has `usize::MAX`.
    pub last_use: Vec<usize>,
    /// In the body of a sequence: how far its values reach.
    pub extent: Option<Extent>,
}

impl<'p> Scope<'p> {
    pub fn new(program: &'p Program, types: Vec<Type>) -> Scope<'p> {
        let count = types.len();
        let mut roots: Vec<u32> = (0..count as u32).collect();
        for record in &program.records {
            if record.op.renames() {
                roots[record.outputs[0] as usize] = roots[record.inputs[0] as usize];
            }
        }
        Scope {
            program,
            types,
            roots,
            places: alloc::vec![None; count],
            last_use: alloc::vec![0; count],
            extent: None,
        }
    }

    /// Finds out when each value is read for the last time, by records in the order in which they run; outputs and assigned values
    /// live on.
    pub fn find_last_uses(&mut self, order: &[usize]) {
        for (position, &index) in order.iter().enumerate() {
            let record = &self.program.records[index];
            for value in record.op.read(&record.inputs) {
                let root = self.roots[value as usize];
                self.last_use[root as usize] = position;
            }
        }
        for (&root, wanted) in self.roots.iter().zip(self.program.wanted()) {
            if wanted {
                self.last_use[root as usize] = usize::MAX;
            }
        }
    }

    /// Says where a value is.
    pub fn set(&mut self, value: u32, place: (Place, Moves)) {
        self.places[value as usize] = Some(place);
        if let Some(extent) = &mut self.extent {
            extent.chunked[value as usize] = Some(place);
        }
    }

    /// Where a value is.
    pub fn place(&self, value: u32) -> Result<(Place, Moves)> {
        let places = self.extent.as_ref().map_or(&self.places[..], |extent| extent.places(&self.places));
        let place = places.get(value as usize).copied().flatten();
        Ok(place.ok_or(Error::Index { value: value as i32, limit: places.len() as i32 })?)
    }

    /// The type of an operand where it is read.
    fn ty(&self, value: u32) -> Type {
        let ty = self.types[value as usize];
        self.extent.as_ref().map_or(ty, |extent| extent.sized(self.program, value, ty))
    }
}

/// Gives values their places.
pub(super) struct Binder {
    free: Vec<u16>,
    pub plan: Plan,
    /// Sequences around the one that is bound.
    pub depth: usize,
    pub plainly: bool,
}

impl Binder {
    fn inputs(&mut self, scope: &mut Scope, shapes: &[Shape]) -> Result<()> {
        let program = scope.program;
        if shapes.len() != program.inputs.len() {
            let (expected, actual) = (program.inputs.len() as u32, shapes.len() as u32);
            return Err(Error::Inputs { expected, actual }.into());
        }
        bind_symbols(program, shapes, &mut scope.types)?;
        for (index, &value) in program.inputs.iter().enumerate() {
            scope.places[value as usize] = Some((Place::Input(index as u16), Moves::Still));
            self.plan.inputs.push(scope.types[value as usize]);
        }
        Ok(())
    }

    /// Binds a record, the one at `position` in the order of execution.
    pub fn record(&mut self, scope: &mut Scope, index: usize, position: usize) -> Result<Option<Step>> {
        let program = scope.program;
        let record = &program.records[index];
        let Some(rule) = record.op.rule() else {
            if record.op == Op::Variable {
                self.variable(scope, record.outputs[0]);
            }
            return Ok(None);
        };
        let inputs = record.inputs.len();
        let mut types = Vec::new();
        for &value in &record.inputs {
            types.push(scope.ty(value));
        }
        let site = Site { attrs: &record.attrs, inputs: &types, body: record.body.as_deref() };
        let outputs = (rule.shape)(&site)?.0;
        for (&value, ty) in record.outputs.iter().zip(&outputs) {
            ty.words()?;
            scope.types[value as usize] = *ty;
        }
        if record.op.renames() {
            self.rename(scope, record.inputs[0], record.outputs[0]);
            return Ok(None);
        }
        let mut places = Vec::new();
        for &value in &record.inputs {
            places.push(scope.place(value)?);
        }
        let mut needs = (rule.needs)(&site)?;
        self.plan.scratch = self.plan.scratch.max(needs.scratch);
        for (&value, ty) in record.outputs.iter().zip(&outputs) {
            places.push(self.make(scope, value, ty)?);
        }
        let mut packs = Vec::new();
        let mut pack_here = Vec::new();
        for &(input, role) in needs.packs() {
            let (ty, value) = (site.input(input)?, record.inputs[input]);
            let root = scope.roots[value as usize];
            let captured =
                scope.extent.as_mut().and_then(|extent| Some((extent.captured(root)?, &mut extent.packs)));
            packs.push(match (places[input].0, captured) {
                (Place::Variable(variable), _) => self.packed(variable, role, ty),
                (_, Some((operand, ahead))) => {
                    match ahead.iter().find(|(of, known, ..)| (*of, *known) == (operand, role)) {
                        Some(&(.., place)) => place,
                        None => {
                            let place = Place::Slot(self.take_new(role.words(ty))?);
                            ahead.push((operand, role, *ty, place));
                            place
                        }
                    }
                }
                _ => {
                    let place = Place::Slot(self.take(role.words(ty))?);
                    pack_here.push((role, input as u16, place));
                    place
                }
            });
        }
        if let Some(body) = &record.body {
            let plan = StepsPlan::bind(self, body, &site, &places[..inputs])?;
            needs.prepared = Prepared::Steps(Box::new(plan));
        }
        for (_, _, place) in &pack_here {
            self.give_back(*place);
        }
        for (&value, &(place, _)) in record.outputs.iter().zip(&places[inputs..]) {
            if scope.last_use[value as usize] <= position {
                self.give_back(place);
            }
        }
        for (at, &value) in record.inputs.iter().enumerate() {
            let root = scope.roots[value as usize];
            let seen = record.inputs[..at].iter().any(|&v| scope.roots[v as usize] == root);
            if scope.last_use[root as usize] == position && !seen {
                self.give_back(places[at].0);
            }
        }
        types.extend_from_slice(&outputs);
        self.plan.values = self.plan.values.max(types.len());
        Ok(Some(Step {
            record: index as u32,
            group: 1,
            moves: places.iter().any(|(_, moves)| !matches!(moves, Moves::Still | Moves::Rows)),
            rule,
            values: locate(&places, &types),
            types,
            inputs,
            prepared: needs.prepared,
            packs,
            pack_here,
        }))
    }

    /// A place for a value that is made.
    fn make(&mut self, scope: &mut Scope, value: u32, ty: &Type) -> Result<(Place, Moves)> {
        if let Some(extent) = &scope.extent {
            // what crosses between phases has its place already: no step may overwrite what others made
            let made = match scope.places[value as usize] {
                Some(made) => made,
                None => {
                    let (words, moves) = extent.room(scope, value, ty)?;
                    (Place::Slot(self.take(words)?), moves)
                }
            };
            scope.set(value, made);
            return Ok(made);
        }
        let place = match scope.program.outputs.iter().position(|&output| output == value) {
            Some(output) => Place::Output(output as u16),
            None => Place::Slot(self.take(ty.words()?)?),
        };
        scope.places[value as usize] = Some((place, Moves::Still));
        Ok((place, Moves::Still))
    }

    fn rename(&mut self, scope: &mut Scope, from: u32, to: u32) {
        let place = scope.places[from as usize];
        scope.places[to as usize] = match &mut scope.extent {
            None => place,
            Some(extent) => {
                let chunked = extent.chunked[from as usize];
                extent.chunked[to as usize] = chunked.map(|place| renamed(scope.program, place, to));
                place.map(|place| renamed(scope.program, place, to))
            }
        };
    }

    fn variable(&mut self, scope: &mut Scope, value: u32) {
        let tensor =
            scope.program.variables.iter().find(|(v, _)| *v == value).map_or(0, |(_, tensor)| *tensor);
        let place = Place::Variable(self.plan.variables.len() as u16);
        scope.places[value as usize] = Some((place, Moves::Still));
        self.plan.variables.push(tensor);
    }

    fn packed(&mut self, variable: u16, role: Role, ty: &Type) -> Place {
        let packs = &mut self.plan.packs;
        let known = packs.iter().position(|p| p.variable == variable && p.role == role && p.ty == *ty);
        let index = known.unwrap_or_else(|| {
            packs.push(Packed { variable, role, ty: *ty });
            packs.len() - 1
        });
        Place::Pack(index as u16)
    }

    /// The free slot that fits best: the smallest that is large enough, else the largest, grown.
    pub fn take(&mut self, words: usize) -> Result<u16> {
        let slots = &mut self.plan.slots;
        let fit = |slot: u16| {
            let size = slots[slot as usize];
            if size >= words { (0, size - words) } else { (1, words - size) }
        };
        if let Some((at, _)) = self.free.iter().enumerate().min_by_key(|(_, slot)| fit(**slot)) {
            let slot = self.free.swap_remove(at);
            slots[slot as usize] = slots[slot as usize].max(words);
            return Ok(slot);
        }
        self.take_new(words)
    }

    /// A slot that nothing has had before.
    fn take_new(&mut self, words: usize) -> Result<u16> {
        let slots = &mut self.plan.slots;
        let slot = u16::try_from(slots.len()).map_err(|_| Error::Memory { words: words as u32 })?;
        slots.push(words);
        Ok(slot)
    }

    pub fn give_back(&mut self, place: Place) {
        if let Place::Slot(slot) = place {
            self.free.push(slot);
        }
    }

    /// Binds something with slots of its own: not even what it gives back has another use.
    pub fn apart<T>(&mut self, bind: impl FnOnce(&mut Binder) -> Result<T>) -> Result<T> {
        let free = core::mem::take(&mut self.free);
        let bound = bind(self);
        self.free = free;
        bound
    }

    /// Binds something all of whose slots are free behind it.
    pub fn within<T>(&mut self, bind: impl FnOnce(&mut Binder) -> Result<T>) -> Result<T> {
        let (mut free, slots) = (self.free.clone(), self.plan.slots.len());
        let bound = bind(self);
        free.extend(slots as u16..self.plan.slots.len() as u16);
        self.free = free;
        bound
    }

    fn finish(mut self, scope: &Scope) -> Result<Plan> {
        for (index, &value) in scope.program.outputs.iter().enumerate() {
            self.plan.outputs.push(scope.types[value as usize]);
            let (place, _) = scope.place(value)?;
            if place != Place::Output(index as u16) {
                self.plan.copies.push((place, index as u16));
            }
        }
        for (index, &(target, value)) in (0..).zip(&scope.program.assigns) {
            let (ty, from) = (scope.types[target as usize], scope.types[value as usize]);
            ty.shape.unify(&from.shape, index)?;
            let (to, mut from) = (scope.place(target)?.0, scope.place(value)?.0);
            if to == from {
                continue; // it keeps its value
            }
            if matches!(from, Place::Input(_) | Place::Variable(_)) {
                let saved = Place::Slot(self.take(ty.words()?)?);
                self.plan.saves.push((from, saved));
                from = saved;
            }
            self.plan.assigns.push((from, to, ty));
        }
        Ok(self.plan)
    }
}

/// Finds neighbours that work element by element on values of one shape.
pub(super) fn group(program: &Program, steps: &mut [Step]) {
    let mut first = 0;
    for at in 1..=steps.len() {
        let (before, rest) = steps.split_at(at);
        let joins = rest.first().is_some_and(|step| {
            elementwise(program, &before[first])
                && elementwise(program, step)
                && before[first].made() == step.made()
                && before[first..].iter().all(|other| same_blocks(other, step))
        });
        if !joins {
            steps[first].group = at - first;
            first = at;
        }
    }
}

/// Where two ops have values in the same slot, are these as long and as wide, so that their blocks are the same memory?
fn same_blocks(a: &Step, b: &Step) -> bool {
    a.values.iter().zip(&a.types).all(|(a, a_ty)| {
        b.values.iter().zip(&b.types).all(|(b, b_ty)| {
            let as_wide = (a_ty.dtype == Dtype::Bool) == (b_ty.dtype == Dtype::Bool);
            a.place != b.place || (a.elements == b.elements && as_wide)
        })
    })
}

/// Does every element of the result depend on one of each operand, the same, or on a single number?
fn elementwise(program: &Program, step: &Step) -> bool {
    let record = &program.records[step.record as usize];
    let fits = |(located, ty): (&Located, &Type)| {
        step.made() == (&ty.shape, located.moves.by_rows()) || ty.shape.elements() == 1
    };
    record.op.elementwise(&record.attrs) && step.values.iter().zip(&step.types).all(fits)
}

/// A place under another name: what has no rows any more is all of a step, whose rows are all there.
fn renamed(program: &Program, (place, moves): (Place, Moves), to: u32) -> (Place, Moves) {
    match moves {
        _ if program.has_rows(to) => (place, moves),
        Moves::Rows => (place, Moves::Still),
        _ => (place, moves),
    }
}

fn locate(places: &[(Place, Moves)], types: &[Type]) -> Vec<Located> {
    let mut located = Vec::with_capacity(places.len());
    for (&(place, moves), ty) in places.iter().zip(types) {
        located.push(Located { place, start: 0, elements: ty.shape.elements(), moves });
    }
    located
}

/// Checks the given shapes against the inputs' and fills the named unknown dims in everywhere, so that two inputs which
/// share a symbol must agree.
fn bind_symbols(program: &Program, shapes: &[Shape], types: &mut [Type]) -> Result<()> {
    let mut symbols: Vec<(i32, i32)> = Vec::new();
    for (input, (&value, shape)) in program.inputs.iter().zip(shapes).enumerate() {
        let ty = &mut types[value as usize];
        if !shape.known() {
            return Err(Error::Attribute { index: input as u32, value: 0 }.into());
        }
        for (axis, (&traced, &given)) in ty.shape.dims().iter().zip(shape.dims()).enumerate() {
            if traced >= 0 {
                continue; // compared below
            }
            match symbols.iter().find(|(symbol, _)| *symbol == traced) {
                Some(&(_, expected)) if expected != given => {
                    let (input, axis) = (input as u32, axis as u32);
                    return Err(Error::Shape { input, axis, expected, actual: given }.into());
                }
                Some(_) => {}
                None => symbols.push((traced, given)),
            }
        }
        ty.shape = ty.shape.unify(shape, input as u32)?;
        ty.words()?;
    }
    Ok(())
}
