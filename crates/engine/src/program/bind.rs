//! Binding: a program and known shapes give a plan. Shape rules run again with all dims known, and every value gets a place:
//! outputs in their tensors, the rest in slots that are handed on as soon as their value is read for the last time.

use super::{Located, Place, Program, Role};
use crate::error::{Error, Failure, Result};
use crate::op::{Op, Prepared, Rule, Site};
use crate::tensor::{Shape, Type};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// One op of a plan, in order of execution.
pub(crate) struct Step {
    pub record: u32,
    pub rule: &'static Rule,
    pub inputs: Box<[Type]>,
    pub places: Box<[Located]>,
    pub outputs: Box<[Type]>,
    pub made: Box<[Located]>,
    pub prepared: Prepared,
    pub packs: Box<[Place]>,
    /// Packed forms of values that are no variables: made in the run, just before the op.
    pub pack_here: Box<[(Role, u16, Place)]>,
}

/// A packed form that a call needs: variable (by index) and use.
pub(crate) struct Packed {
    pub variable: u16,
    pub role: Role,
}

/// A program bound to shapes.
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    /// Words of each slot.
    pub slots: Vec<usize>,
    pub scratch: usize,
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
    /// Binds a program. Errors name the record at which they arose.
    pub fn bind(program: &Program, shapes: &[Shape]) -> core::result::Result<Plan, Failure> {
        let mut binder = Binder::new(program, shapes)?;
        for index in 0..program.records.len() {
            if program.live[index] {
                let at = |error| Failure { error, record: Some(index as u32) };
                binder.record(index).map_err(at)?;
            }
        }
        Ok(binder.finish()?)
    }
}

struct Binder<'p> {
    program: &'p Program,
    types: Vec<Type>,
    /// The value whose memory a value shares (itself, unless it is a reshape).
    roots: Vec<u32>,
    places: Vec<Option<Place>>,
    /// For each root the last record that reads it; outputs and assigned values live to the end.
    last_use: Vec<usize>,
    free: Vec<u16>,
    plan: Plan,
}

impl<'p> Binder<'p> {
    fn new(program: &'p Program, shapes: &[Shape]) -> Result<Binder<'p>> {
        if shapes.len() != program.inputs.len() {
            let (expected, actual) = (program.inputs.len() as u32, shapes.len() as u32);
            return Err(Error::Inputs { expected, actual });
        }
        let mut types = program.values.clone();
        bind_symbols(program, shapes, &mut types)?;
        let count = types.len();
        let mut binder = Binder {
            program,
            types,
            roots: (0..count as u32).collect(),
            places: alloc::vec![None; count],
            last_use: alloc::vec![0; count],
            free: Vec::new(),
            plan: Plan {
                steps: Vec::new(),
                slots: Vec::new(),
                scratch: 0,
                inputs: Vec::new(),
                outputs: Vec::new(),
                copies: Vec::new(),
                saves: Vec::new(),
                assigns: Vec::new(),
                variables: Vec::new(),
                packs: Vec::new(),
            },
        };
        for (index, &value) in program.inputs.iter().enumerate() {
            binder.places[value as usize] = Some(Place::Input(index as u16));
            binder.plan.inputs.push(binder.types[value as usize]);
        }
        binder.find_last_uses();
        Ok(binder)
    }

    fn find_last_uses(&mut self) {
        for (index, record) in self.program.records.iter().enumerate() {
            if !self.program.live[index] {
                continue;
            }
            for &value in &record.inputs {
                let root = self.roots[value as usize];
                self.last_use[root as usize] = index;
            }
            if record.op == Op::Reshape {
                self.roots[record.outputs[0] as usize] = self.roots[record.inputs[0] as usize];
            }
        }
        let program = self.program;
        for &value in program.outputs.iter().chain(program.assigns.iter().map(|(_, value)| value)) {
            self.last_use[self.roots[value as usize] as usize] = usize::MAX;
        }
    }

    fn record(&mut self, index: usize) -> Result<()> {
        let record = &self.program.records[index];
        let Some(rule) = record.op.rule() else {
            if record.op == Op::Variable {
                return self.variable(record.outputs[0]);
            }
            return Ok(());
        };
        let inputs: Box<[Type]> = record.inputs.iter().map(|&value| self.types[value as usize]).collect();
        let site = Site { attrs: &record.attrs, inputs: &inputs };
        let outputs: Box<[Type]> = (rule.shape)(&site)?.0.into();
        for (&value, ty) in record.outputs.iter().zip(&outputs) {
            ty.words()?;
            self.types[value as usize] = *ty;
        }
        let places: Box<[Place]> =
            record.inputs.iter().map(|&value| self.place(value)).collect::<Result<_>>()?;
        if record.op == Op::Reshape {
            self.places[record.outputs[0] as usize] = Some(places[0]);
            return Ok(());
        }
        let needs = (rule.needs)(&site)?;
        self.plan.scratch = self.plan.scratch.max(needs.scratch);
        let mut made = Vec::new();
        for (&value, ty) in record.outputs.iter().zip(&outputs) {
            let place = match self.program.outputs.iter().position(|&output| output == value) {
                Some(output) => Place::Output(output as u16),
                None => Place::Slot(self.take(ty.words()?)?),
            };
            self.places[value as usize] = Some(place);
            made.push(place);
        }
        let mut packs = Vec::new();
        let mut pack_here = Vec::new();
        for &(input, role) in needs.packs() {
            let ty = inputs
                .get(input)
                .ok_or(Error::Inputs { expected: input as u32 + 1, actual: inputs.len() as u32 })?;
            packs.push(match places[input] {
                Place::Variable(variable) => self.packed(variable, role),
                _ => {
                    let place = Place::Slot(self.take(role.words(ty))?);
                    pack_here.push((role, input as u16, place));
                    place
                }
            });
        }
        for (_, _, place) in &pack_here {
            self.give_back(*place);
        }
        for (&value, place) in record.outputs.iter().zip(&made) {
            if self.last_use[value as usize] <= index {
                self.give_back(*place);
            }
        }
        for (position, &value) in record.inputs.iter().enumerate() {
            let root = self.roots[value as usize];
            let seen = record.inputs[..position].iter().any(|&v| self.roots[v as usize] == root);
            if self.last_use[root as usize] == index && !seen {
                self.give_back(places[position]);
            }
        }
        self.plan.steps.push(Step {
            record: index as u32,
            rule,
            places: locate(&places, &inputs),
            inputs,
            made: locate(&made, &outputs),
            outputs,
            prepared: needs.prepared,
            packs: packs.into(),
            pack_here: pack_here.into(),
        });
        Ok(())
    }

    fn variable(&mut self, value: u32) -> Result<()> {
        let tensor =
            self.program.variables.iter().find(|(v, _)| *v == value).map_or(0, |(_, tensor)| *tensor);
        self.places[value as usize] = Some(Place::Variable(self.plan.variables.len() as u16));
        self.plan.variables.push(tensor);
        Ok(())
    }

    fn place(&self, value: u32) -> Result<Place> {
        self.places[value as usize]
            .ok_or(Error::Index { value: value as i32, limit: self.places.len() as i32 })
    }

    fn packed(&mut self, variable: u16, role: Role) -> Place {
        let packs = &mut self.plan.packs;
        let known = packs.iter().position(|p| p.variable == variable && p.role == role);
        let index = known.unwrap_or_else(|| {
            packs.push(Packed { variable, role });
            packs.len() - 1
        });
        Place::Pack(index as u16)
    }

    /// The free slot that fits best: the smallest that is large enough, else the largest, grown.
    fn take(&mut self, words: usize) -> Result<u16> {
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
        let slot = u16::try_from(slots.len()).map_err(|_| Error::Memory { words: words as u32 })?;
        slots.push(words);
        Ok(slot)
    }

    fn give_back(&mut self, place: Place) {
        if let Place::Slot(slot) = place {
            self.free.push(slot);
        }
    }

    fn finish(mut self) -> Result<Plan> {
        for (index, &value) in self.program.outputs.iter().enumerate() {
            self.plan.outputs.push(self.types[value as usize]);
            let place = self.place(value)?;
            if place != Place::Output(index as u16) {
                self.plan.copies.push((place, index as u16));
            }
        }
        for (index, &(target, value)) in (0..).zip(&self.program.assigns) {
            let (ty, from) = (self.types[target as usize], self.types[value as usize]);
            ty.shape.unify(&from.shape, index)?;
            let (to, mut from) = (self.place(target)?, self.place(value)?);
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

fn locate(places: &[Place], types: &[Type]) -> Box<[Located]> {
    let located = |(&place, ty): (&Place, &Type)| Located { place, start: 0, elements: ty.shape.elements() };
    places.iter().zip(types).map(located).collect()
}

/// Checks the given shapes against the inputs' and fills the named unknown dims in everywhere, so that two inputs which
/// share a symbol must agree.
fn bind_symbols(program: &Program, shapes: &[Shape], types: &mut [Type]) -> Result<()> {
    let mut symbols: Vec<(i32, i32)> = Vec::new();
    for (input, (&value, shape)) in program.inputs.iter().zip(shapes).enumerate() {
        let ty = &mut types[value as usize];
        if !shape.known() {
            return Err(Error::Attribute { index: input as u32, value: 0 });
        }
        for (axis, (&traced, &given)) in ty.shape.dims().iter().zip(shape.dims()).enumerate() {
            if traced >= 0 {
                continue; // compared below
            }
            match symbols.iter().find(|(symbol, _)| *symbol == traced) {
                Some(&(_, expected)) if expected != given => {
                    let (input, axis) = (input as u32, axis as u32);
                    return Err(Error::Shape { input, axis, expected, actual: given });
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
