//! A plan as words, from which `ts/ops/print.ts` makes text. Lists have their length in front.
//!
//! Words of the slots, words of scratch, then the program: list of inputs, list of outputs, number of assignments and of each target and value,
//! number of variables and of each value and tensor; number of values and of each dtype and list of dims as traced; number of records and of each op,
//! list of attributes, list of inputs, list of outputs; then of each phase (a body has three) the number of steps and of each record, group,
//! number of packed operands and of each operand, role and when,
//! and if it is a sequence of steps: chunk, list of states (late?), its body as a program.

use super::{Place, Plan, Program, Role, Step};
use crate::error::Result;
use crate::op::{Prepared, Site};
use alloc::vec::Vec;

/// When a packed form is made: it is kept with the weight, made before the first step of a sequence, or each time.
const KEPT: usize = 0;
const BEFORE: usize = 1;
const EACH_TIME: usize = 2;

/// Describes a plan of `program`.
pub(crate) fn describe(program: &Program, plan: &Plan) -> Result<Vec<u32>> {
    let mut words = Words(Vec::new());
    words.push(plan.slots.len());
    plan.slots.iter().for_each(|&slot| words.push(slot));
    words.push(plan.scratch);
    words.program(program, core::slice::from_ref(&plan.steps))?;
    Ok(words.0)
}

struct Words(Vec<u32>);

impl Words {
    #[inline(never)] // it is called from everywhere
    fn push(&mut self, word: usize) {
        self.0.push(word as u32);
    }

    #[inline(never)]
    fn list(&mut self, words: &[u32]) {
        self.push(words.len());
        self.0.extend_from_slice(words);
    }

    fn pairs(&mut self, pairs: &[(u32, u32)]) {
        self.push(pairs.len());
        for &(a, b) in pairs {
            self.push(a as usize);
            self.push(b as usize);
        }
    }

    fn program(&mut self, program: &Program, phases: &[Vec<Step>]) -> Result<()> {
        self.list(&program.inputs);
        self.list(&program.outputs);
        self.pairs(&program.assigns);
        self.pairs(&program.variables);
        self.push(program.values.len());
        for ty in &program.values {
            self.push(ty.dtype as usize);
            self.list(bytemuck::cast_slice(ty.shape.dims()));
        }
        self.push(program.records.len());
        for record in &program.records {
            self.push(record.op as usize);
            self.list(&record.attrs);
            self.list(&record.inputs);
            self.list(&record.outputs);
        }
        for steps in phases {
            self.push(steps.len());
            for step in steps {
                self.step(program, step)?;
            }
        }
        Ok(())
    }

    fn step(&mut self, program: &Program, step: &Step) -> Result<()> {
        let record = &program.records[step.record as usize];
        self.push(step.record as usize);
        self.push(step.group);
        let site =
            Site { attrs: &record.attrs, inputs: &step.types[..step.inputs], body: record.body.as_deref() };
        let needs = (step.rule.needs)(&site)?;
        self.push(step.packs.len());
        for (&(input, role), place) in needs.packs().iter().zip(&step.packs) {
            let here = step.pack_here.iter().any(|(_, _, here)| here == place);
            self.push(input);
            self.push(role.number());
            self.push(match place {
                Place::Pack(_) => KEPT,
                _ if here => EACH_TIME,
                _ => BEFORE,
            });
        }
        if let Prepared::Steps(plan) = &step.prepared {
            self.push(plan.steps);
            self.push(plan.states.len());
            plan.states.iter().for_each(|state| self.push(state.late as usize));
            self.program(&plan.body, &plan.phases)?;
        }
        Ok(())
    }
}

impl Role {
    fn number(self) -> usize {
        match self {
            Role::Matrix { transposed } => transposed as usize,
            Role::Gates { .. } => 2,
            Role::GatesTurned { .. } => 3,
            Role::Bias { .. } => 4,
            Role::SummedBias { .. } => 5,
            Role::RecurrentCandidateBias { .. } => 6,
        }
    }
}
