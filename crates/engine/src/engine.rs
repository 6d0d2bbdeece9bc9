//! The engine: everything that the boundary can ask for, by id.

use crate::error::{Error, Failure, Result};
use crate::op::Op;
#[cfg(feature = "full")]
use crate::program::describe;
use crate::program::{Builder, Call, Pack, Packs, Place, Plan, Pool, Program, is_among};
use crate::tensor::{Budget, Shape, Slab, Tensors, Type};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Free memory that every call secures before it does anything, so that its small allocations cannot fail.
const HEADROOM: usize = 64 * 1024;

/// Plans that a program keeps.
const KEPT_PLANS: usize = 16;

/// A program with the plans that were made of it, the last used at the end.
struct Bound {
    program: Arc<Program>,
    plans: Vec<(Vec<Shape>, u32)>,
}

/// A plan with its program.
struct Planned {
    program: Arc<Program>,
    plan: Arc<Plan>,
}

layer_rnn_kernels::numbered! {
    /// What [`Engine::stat`] counts.
    pub enum Stat {
        /// Live tensors.
        Tensors,
        /// Live programs.
        Programs,
        /// Live calls.
        Calls,
        /// Bytes of tensors, slots, scratch and packed weights.
        Bytes,
    }
}

/// What came of recording an op.
pub struct Recorded {
    /// Its values and their types.
    pub values: Vec<(u32, Type)>,
    /// Records that were appended.
    pub records: usize,
}

/// For each x its gradient, if it has one, with its type; how many records were appended.
#[cfg(feature = "full")]
pub type Gradients = (Vec<Option<(u32, Type)>>, usize);

/// One world of tensors and programs.
pub struct Engine {
    budget: Budget,
    tensors: Tensors,
    builders: Slab<Builder>,
    programs: Slab<Bound>,
    plans: Slab<Planned>,
    calls: Slab<Call>,
    packs: Packs,
    pool: Pool,
    /// Bind without groups and hoisting?
    plainly: bool,
}

impl Engine {
    /// One that binds programs plainly: without groups, and step programs with all that can be in the loop. Tests compare with it.
    pub fn plain() -> Engine {
        Engine { plainly: true, ..Engine::new(0) }
    }

    /// An engine that allocates at most `max_words` 32-bit words for numbers; 0 means no bound of its own.
    pub const fn new(max_words: usize) -> Engine {
        Engine {
            budget: Budget::new(max_words),
            tensors: Slab::new(),
            builders: Slab::new(),
            programs: Slab::new(),
            plans: Slab::new(),
            calls: Slab::new(),
            packs: Slab::new(),
            pool: Pool::new(),
            plainly: false,
        }
    }

    /// Sets the bound of [`Engine::new`].
    pub fn limit(&mut self, max_words: usize) {
        self.budget.limit(max_words);
    }

    /// Live things and bytes.
    pub fn stat(&self, stat: Stat) -> usize {
        match stat {
            Stat::Tensors => self.tensors.live(),
            Stat::Programs => self.programs.live() + self.builders.live(),
            Stat::Calls => self.calls.live(),
            Stat::Bytes => 4 * self.budget.used(),
        }
    }

    /// A zeroed tensor of a known type.
    pub fn tensor_new(&mut self, ty: Type) -> Result<u32> {
        headroom()?;
        self.tensors.create(&mut self.budget, ty)
    }

    /// Frees a tensor and its packed forms.
    pub fn tensor_free(&mut self, id: u32) -> Result<()> {
        self.tensors.free(&mut self.budget, id)?;
        while let Some(pack) = self.packs.find(|pack| pack.tensor == id) {
            self.budget.release(self.packs.remove(pack)?.buffer);
        }
        Ok(())
    }

    /// Type of a tensor.
    pub fn tensor_type(&self, id: u32) -> Result<Type> {
        Ok(self.tensors.get(id)?.ty)
    }

    /// The words of a tensor.
    pub fn tensor_words(&self, id: u32) -> Result<&[f32]> {
        Ok(self.tensors.get(id)?.buffer.f32())
    }

    /// The words of a tensor, to be written; what was packed of them is packed again.
    pub fn tensor_words_mut(&mut self, id: u32) -> Result<&mut [f32]> {
        let tensor = self.tensors.get_mut(id)?;
        tensor.version = tensor.version.wrapping_add(1);
        Ok(tensor.buffer.f32_mut())
    }

    /// A number from 1 that every change of a tensor's numbers raises.
    pub fn tensor_version(&self, id: u32) -> Result<u32> {
        Ok(self.tensors.get(id)?.version)
    }

    /// Starts a program.
    pub fn builder_new(&mut self) -> Result<u32> {
        headroom()?;
        self.builders.insert(Builder::new())
    }

    /// Another program of what has been recorded, to be finished on its own.
    pub fn builder_copy(&mut self, id: u32) -> Result<u32> {
        headroom()?;
        let program = self.builders.get(id)?.program().clone();
        self.builders.insert(Builder::of(program))
    }

    /// Whether axis 0 of a value would have the name that axis 0 of `named` had.
    pub fn builder_follows(&mut self, id: u32, value: u32, named: &[u32]) -> Result<bool> {
        headroom()?;
        self.builders.get(id)?.follows(value, named)
    }

    /// Gives a program up.
    pub fn builder_free(&mut self, id: u32) -> Result<()> {
        self.builders.remove(id).map(drop)
    }

    /// Records an op; gives its values with their types, and how many records that took.
    pub fn builder_record(&mut self, id: u32, op: u32, inputs: &[u32], attrs: &[u32]) -> Result<Recorded> {
        headroom()?;
        let body = match (op == Op::Steps as u32, attrs) {
            (true, &[program, ..]) => Some(self.programs.get(program)?.program.clone()),
            _ => None,
        };
        let builder = self.builders.get_mut(id)?;
        let before = builder.program().records.len();
        let values = builder.record(&self.tensors, op, inputs, attrs, body)?;
        let program = builder.program();
        let mut recorded = Recorded { values: Vec::new(), records: program.records.len() - before };
        for value in values {
            recorded.values.push((value, program.values[value as usize]));
        }
        Ok(recorded)
    }

    /// Appends what computes the gradients of `xs`: of the sum of all `ys`, each element times that of its `dys` (none: zeros).
    /// Nothing for an x on which no y depends. Sequences keep their states every `segment` steps and compute the rest again, or
    /// they keep everything (0).
    #[cfg(feature = "full")]
    pub fn builder_gradient(
        &mut self,
        id: u32,
        ys: &[u32],
        dys: &[Option<u32>],
        xs: &[u32],
        segment: u32,
    ) -> core::result::Result<Gradients, Failure> {
        headroom()?;
        let builder = self.builders.get_mut(id)?;
        let before = builder.program().records.len();
        let mut gradients = Vec::new();
        for gradient in builder.gradient(ys, dys, xs, segment)? {
            gradients.push(match gradient {
                Some(value) => Some((value, *builder.program().ty(value)?)),
                None => None,
            });
        }
        Ok((gradients, builder.program().records.len() - before))
    }

    /// Closes a program; `assigns` are pairs (input or variable, value).
    pub fn builder_finish(&mut self, id: u32, outputs: &[u32], assigns: &[(u32, u32)]) -> Result<u32> {
        headroom()?;
        let program = Arc::new(self.builders.remove(id)?.finish(outputs, assigns)?);
        self.programs.insert(Bound { program, plans: Vec::new() })
    }

    /// Frees a program and its plans; calls that were made of them live on.
    pub fn program_free(&mut self, id: u32) -> Result<()> {
        for (_, plan) in self.programs.remove(id)?.plans {
            self.plans.remove(plan)?;
        }
        Ok(())
    }

    /// Binds a program to the shapes of its inputs; a plan that is known is given again.
    pub fn program_bind(&mut self, id: u32, shapes: &[Shape]) -> core::result::Result<u32, Failure> {
        headroom()?;
        let bound = self.programs.get_mut(id)?;
        if let Some(at) = bound.plans.iter().position(|(known, _)| known == shapes) {
            let used = bound.plans.remove(at);
            let plan = used.1;
            bound.plans.push(used);
            return Ok(plan);
        }
        let program = bound.program.clone();
        let plan = Arc::new(Plan::bind(&program, shapes, self.plainly)?);
        let plan = self.plans.insert(Planned { program, plan })?;
        if bound.plans.len() == KEPT_PLANS {
            let (_, oldest) = bound.plans.remove(0);
            self.plans.remove(oldest)?;
        }
        bound.plans.push((shapes.into(), plan));
        Ok(plan)
    }

    /// Types of a plan's outputs.
    pub fn plan_outputs(&self, id: u32) -> Result<&[Type]> {
        Ok(&self.plans.get(id)?.plan.outputs)
    }

    /// A plan as words: see `program/describe.rs`.
    #[cfg(feature = "full")]
    pub fn plan_describe(&self, id: u32) -> Result<Vec<u32>> {
        let Planned { program, plan } = self.plans.get(id)?;
        describe(program, plan)
    }

    /// Joins a plan with tensors. An output given as 0 is a new tensor; the caller owns all of them.
    pub fn call_new(&mut self, plan: u32, inputs: &[u32], outputs: &[u32]) -> Result<u32> {
        headroom()?;
        let planned = self.plans.get(plan)?;
        let (program, plan) = (planned.program.clone(), planned.plan.clone());
        self.check_tensors(inputs, &plan.inputs)?;
        if outputs.len() != plan.outputs.len() {
            let (expected, actual) = (plan.outputs.len() as u32, outputs.len() as u32);
            return Err(Error::Inputs { expected, actual }.into());
        }
        for (index, &id) in outputs.iter().enumerate().filter(|(_, id)| **id != 0) {
            self.check_tensors(&[id], &plan.outputs[index..index + 1])?;
            // what is written may be neither read nor written through another name
            if [inputs, &plan.variables, &outputs[..index]].iter().any(|ids| is_among(id, ids)) {
                return Err(Error::Busy.into());
            }
        }
        let assigned = |place: &Place| match *place {
            Place::Input(input) => inputs[input as usize],
            Place::Variable(variable) => plan.variables[variable as usize],
            _ => 0,
        };
        for (index, (_, to, _)) in plan.assigns.iter().enumerate() {
            if plan.assigns[..index].iter().any(|(_, other, _)| assigned(other) == assigned(to)) {
                return Err(Error::Busy.into());
            }
        }
        self.pool.reserve(&mut self.budget, &plan.slots, plan.scratch, plan.depth, plan.values)?;
        let packs = self.find_packs(&plan)?;
        let mut all: Vec<u32> = outputs.into();
        for index in 0..all.len() {
            if all[index] == 0 {
                match self.tensors.create(&mut self.budget, plan.outputs[index]) {
                    Ok(id) => all[index] = id,
                    Err(error) => {
                        for made in (0..index).filter(|&i| outputs[i] == 0) {
                            self.tensors.free(&mut self.budget, all[made])?;
                        }
                        return Err(error);
                    }
                }
            }
        }
        self.calls.insert(Call { program, plan, inputs: inputs.into(), outputs: all, packs })
    }

    fn check_tensors(&self, ids: &[u32], types: &[Type]) -> Result<()> {
        if ids.len() != types.len() {
            return Err(Error::Inputs { expected: types.len() as u32, actual: ids.len() as u32 }.into());
        }
        for (input, (&id, ty)) in (0..).zip(ids.iter().zip(types)) {
            let actual = self.tensors.get(id)?.ty;
            if actual.dtype != ty.dtype {
                return Err(Error::Dtype { input, expected: ty.dtype, actual: actual.dtype }.into());
            }
            ty.shape.unify(&actual.shape, input)?;
        }
        Ok(())
    }

    fn find_packs(&mut self, plan: &Plan) -> Result<Vec<u32>> {
        let mut ids = Vec::new();
        for packed in &plan.packs {
            let (tensor, role, ty) = (plan.variables[packed.variable as usize], packed.role, packed.ty);
            let known = self.packs.find(|pack| pack.tensor == tensor && pack.role == role && pack.ty == ty);
            ids.push(match known {
                Some(id) => id,
                None => {
                    let buffer = self.budget.allocate(role.words(&ty))?;
                    self.packs.insert(Pack { tensor, role, ty, buffer, version: None })?
                }
            });
        }
        Ok(ids)
    }

    /// The tensors that a call writes.
    pub fn call_outputs(&self, id: u32) -> Result<&[u32]> {
        Ok(&self.calls.get(id)?.outputs)
    }

    /// Runs a call. Allocates nothing; a failed run assigns nothing.
    pub fn call_run(&mut self, id: u32) -> core::result::Result<(), Failure> {
        let call = self.calls.get(id)?;
        call.run(&mut self.pool, &mut self.tensors, &mut self.packs)
    }

    /// Frees a call; its tensors stay.
    pub fn call_free(&mut self, id: u32) -> Result<()> {
        self.calls.remove(id).map(drop)
    }
}

/// Fails while there is still room, instead of trapping in the middle of a call.
fn headroom() -> Result<()> {
    let mut room: Vec<u8> = Vec::new();
    Ok(room.try_reserve_exact(HEADROOM).map_err(|_| Error::Memory { words: HEADROOM as u32 / 4 })?)
}
