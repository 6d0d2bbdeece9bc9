//! Whatever comes over the boundary, the engine answers with a result or an error: it never panics.

mod support;

use layer_rnn_engine::{Dtype, Emit, Error, Op, Part};
use support::{BATCH, Lab, TIME, numbers};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Small random integers.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 4) % sides
    }

    /// Mostly small, sometimes absurd.
    fn word(&mut self) -> u32 {
        match self.roll(12) {
            0 => u32::MAX,
            1 => u32::MAX - self.roll(3),
            2 => i32::MAX as u32,
            3 => 1f32.to_bits(),
            _ => self.roll(5),
        }
    }
}

const INPUTS: [(Dtype, [i32; 3], usize); 8] = [
    (Dtype::Float32, [2, 3, 0], 2),
    (Dtype::Float32, [2, 3, 4], 3),
    (Dtype::Float32, [4, 4, 0], 2),
    (Dtype::Float32, [0, 3, 4], 3),
    (Dtype::Float32, [4, 0, 0], 1),
    (Dtype::Bool, [2, 3, 0], 2),
    (Dtype::Int32, [2, 0, 0], 1),
    (Dtype::Float32, [0, 0, 0], 0),
];

/// Attributes that have a chance to fit: length-prefixed lists, kinds, and noise.
fn attributes(dice: &mut Dice, op: Op) -> Vec<u32> {
    let mut words = Vec::new();
    let prefix = match op {
        Op::Reduce | Op::Fill => 2,
        Op::Random => 6,
        Op::Sequence => 0,
        Op::Conv | Op::ConvInputGrad | Op::ConvKernelGrad => 1,
        Op::Reshape | Op::Transpose | Op::Slice | Op::Flip | Op::Broadcast | Op::Place | Op::Size => 0,
        _ => dice.roll(3),
    };
    words.extend((0..prefix).map(|_| dice.word()));
    if op == Op::Sequence {
        words.extend([
            dice.roll(5),
            dice.roll(31),
            dice.roll(31),
            1 + dice.roll(4),
            dice.roll(4),
            dice.roll(16),
        ]);
        words.push(dice.roll(16));
    } else if matches!(op, Op::Conv | Op::ConvInputGrad | Op::ConvKernelGrad) && dice.roll(4) > 0 {
        words[0] = dice.roll(3);
        words.push(3);
        words.extend((0..3).map(|_| if dice.roll(30) == 0 { dice.word() } else { 1 + dice.roll(2) }));
    } else {
        let length = dice.roll(10);
        words.push(length);
        words.extend((0..length).map(|_| dice.word()));
    }
    words
}

/// As many inputs as the op usually has.
fn arity(dice: &mut Dice, op: Op) -> u32 {
    match op {
        Op::Binary | Op::Compare | Op::Logical | Op::Gather | Op::ActivateGrad | Op::Place => 2,
        Op::Select | Op::ConvInputGrad => 3,
        Op::MatMul | Op::SumTo | Op::WeightGrad | Op::Conv | Op::ConvKernelGrad => 2 + dice.roll(2),
        Op::Reshape => 1 + dice.roll(2),
        Op::ScatterAdd => 3 + dice.roll(2),
        Op::Part => 2 + dice.roll(3),
        Op::Concat | Op::Broadcast => 1 + dice.roll(3),
        Op::Fill | Op::Random => dice.roll(3),
        Op::Sequence => 3 + dice.roll(5),
        _ => 1,
    }
}

/// Some records over values, step programs among them; gives what they made.
fn records(
    dice: &mut Dice,
    lab: &mut Lab,
    values: &mut Vec<u32>,
    bodies: &[Option<Body>],
    count: u32,
) -> Vec<u32> {
    let mut made = Vec::new();
    for _ in 0..count {
        let mut op = Op::ALL[2 + dice.roll(Op::ALL.len() as u32 - 2) as usize];
        if dice.roll(8) == 0 {
            op = Op::Steps;
        }
        let body = bodies[dice.roll(bodies.len() as u32) as usize];
        let count = match body {
            _ if dice.roll(8) == 0 => dice.roll(8),
            Some((_, inputs, _)) if op == Op::Steps => inputs + dice.roll(2),
            _ => arity(dice, op),
        };
        let inputs: Vec<u32> = (0..count)
            .map(|_| match dice.roll(40) {
                0 => dice.word(),
                _ => values[dice.roll(values.len() as u32) as usize],
            })
            .collect();
        let attrs = match body.filter(|_| op == Op::Steps) {
            Some(body) => steps(dice, body),
            None => attributes(dice, op),
        };
        if let Ok(outputs) = lab.record(op, &inputs, &attrs) {
            assert!(!outputs.is_empty(), "{op:?} {attrs:?}"); // 0 values say that it failed
            values.extend(&outputs);
            made.extend(outputs);
        }
        if dice.roll(6) == 0 {
            let mut some = |count| -> Vec<u32> {
                (0..count).map(|_| values[dice.roll(values.len() as u32) as usize]).collect()
            };
            let (ys, dys, xs) = (some(2), some(2), some(3));
            if let Ok((dxs, _)) = lab.gradient(&ys, &[Some(dys[0]), Some(dys[1])], &xs) {
                let dxs: Vec<u32> = dxs.into_iter().flatten().collect();
                values.extend(&dxs);
                made.extend(dxs);
            }
        }
    }
    made
}

/// A step program: its id, and how many inputs and outputs it has.
type Body = (u32, u32, u32);

fn body(dice: &mut Dice, lab: &mut Lab, inner: Option<Body>) -> Option<Body> {
    let mut counts = (0, 0);
    let body = lab.body(|lab| {
        let mut values = Vec::new();
        for _ in 0..1 + dice.roll(4) {
            let dtype = [Dtype::Float32, Dtype::Float32, Dtype::Bool, Dtype::Int32][dice.roll(4) as usize];
            let dims = [-1, [3, 4, -3][dice.roll(3) as usize]];
            let first = dice.roll(2) as usize;
            values.push(lab.input(dtype, &dims[first..first + dice.roll(3 - first as u32) as usize]));
        }
        counts.0 = values.len() as u32;
        records(dice, lab, &mut values, &[inner], 6);
        counts.1 = 1 + dice.roll(4);
        (0..counts.1).map(|_| values[dice.roll(values.len() as u32) as usize]).collect()
    });
    Some((body, counts.0, counts.1))
}

/// Attributes of a sequence around a body.
fn steps(dice: &mut Dice, (body, inputs, outputs): Body) -> Vec<u32> {
    let mut words = vec![body, dice.roll(4), 0, inputs];
    words.extend((0..inputs).map(|_| dice.roll(Part::ALL.len() as u32)));
    let results = 1 + dice.roll(3);
    words.push(2 * results);
    for _ in 0..results {
        words.extend([dice.roll(Emit::ALL.len() as u32), dice.roll(outputs)]);
    }
    if dice.roll(6) == 0 {
        let at = dice.roll(words.len() as u32) as usize;
        words[at] = dice.word();
    }
    words
}

fn program(seed: u32) -> usize {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9) | 1);
    let mut lab = Lab::new();
    let mut values = Vec::new();
    let mut tensors = Vec::new();
    for (symbol, (dtype, dims, rank)) in INPUTS.into_iter().enumerate() {
        let dims = &dims[..rank];
        let known = dice.roll(2) == 0;
        let traced: Vec<i32> =
            dims.iter().map(|&d| if known { d } else { -1 - symbol as i32 * 4 - d }).collect();
        values.push(lab.input(dtype, &traced));
        let count = dims.iter().product::<i32>() as usize;
        let data: Vec<f32> =
            (0..count).map(|_| dice.roll(3) as f32 - f32::from(dtype != Dtype::Bool)).collect();
        let data: Vec<f32> =
            data.iter().map(|x| if dtype == Dtype::Bool { x.min(1.0) } else { *x }).collect();
        tensors.push(lab.tensor(dtype, dims, &data));
    }
    let bodies = [body(&mut dice, &mut lab, None), None];
    let bodies = [bodies[0], body(&mut dice, &mut lab, bodies[0])];
    let made = records(&mut dice, &mut lab, &mut values, &bodies, 12);
    let named = [dice.word(), dice.roll(8), dice.roll(8)];
    let _ = lab.follows(made.last().copied().unwrap_or(0), &named[dice.roll(2) as usize..]);
    let program = lab.finish(&made, &[]);
    let _ = lab.run(program, &tensors);
    made.len()
}

#[test]
fn random_records_never_panic() {
    let made: usize = (0..20_000).map(program).sum();
    assert!(made > 20_000, "most records were refused: only {made} were taken");
}

#[test]
fn inputs_and_variables_have_no_operands() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[2]);
    let tensor = lab.tensor(Dtype::Float32, &[2], &[0.0; 2]);
    for (op, attrs) in [(Op::Input, vec![0, 1, 2]), (Op::Variable, vec![tensor])] {
        for given in [x, 99] {
            assert_eq!(
                lab.record(op, &[given], &attrs),
                Err(Error::Inputs { expected: 0, actual: 1 }.into())
            );
        }
    }
    lab.finish(&[x], &[]);
}

#[test]
fn a_sequence_without_results_is_refused() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 2]);
    let body = lab.body(|lab| vec![lab.input(Dtype::Float32, &[BATCH, 2])]);
    let attrs = [body, 0, 0, 1, Part::X as u32, 0];
    assert_eq!(lab.record(Op::Steps, &[x], &attrs), Err(Error::Attribute { index: 5, value: 0 }.into()));

    let known = [[2, 3, 2].as_slice(), &[2, 8], &[2, 8]].map(|dims| lab.input(Dtype::Float32, dims));
    let lstm = [1, 10, 11, 2, 0, 0, 18]; // all outputs and the tape
    let none = [1, 10, 11, 2, 0, 0, 0];
    assert_eq!(lab.record(Op::Sequence, &known, &none), Err(Error::Attribute { index: 6, value: 0 }.into()));
    let made = lab.record(Op::Sequence, &known, &lstm).unwrap();
    let operands = [&known[..], &[made[1], made[0]]].concat();
    let grad = |wanted| [&lstm[..], &[0, 1, wanted]].concat();
    assert!(lab.record(Op::SequenceGrad, &operands, &grad(1)).is_ok());
    assert_eq!(
        lab.record(Op::SequenceGrad, &operands, &grad(0)),
        Err(Error::Attribute { index: 9, value: 0 }.into())
    );
}

#[test]
fn a_state_of_a_fixed_size_is_no_state_of_rows() {
    for rows in [8, TIME - 1] {
        let mut lab = Lab::new();
        let x = lab.input(Dtype::Float32, &[BATCH, TIME, 2]);
        let start = lab.input(Dtype::Float32, &[8, 2]);
        let body = lab.body(|lab| {
            let x = lab.input(Dtype::Float32, &[BATCH, 2]);
            lab.input(Dtype::Float32, &[rows, 2]);
            vec![x]
        });
        let attrs = [body, 0, 0, 2, Part::X as u32, Part::State as u32, 2, Emit::FinalState as u32, 0];
        assert!(matches!(
            *lab.record(Op::Steps, &[x, start], &attrs).unwrap_err(),
            Error::Shape { input: 1, .. }
        ));
    }
}

#[test]
fn a_state_that_changes_its_size_is_refused_when_sizes_are_known() {
    let mut lab = Lab::new();
    let [x, start] = [[BATCH, TIME, -3], [BATCH, -4, 0]].map(|dims| {
        let dims = dims.map(|dim| if dim == 0 { 1 } else { dim });
        lab.input(Dtype::Float32, &dims)
    });
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, -3]);
        let state = lab.input(Dtype::Float32, &[BATCH, -4, 1]);
        vec![lab.op(Op::Reshape, &[x, state], &[6, 1, 0, 1, 1, 0, 1]), x]
    });
    let attrs = [body, 0, 0, 2, Part::X as u32, Part::State as u32, 2, Emit::FinalState as u32, 0];
    let made = lab.record(Op::Steps, &[x, start], &attrs).unwrap();
    let program = lab.finish(&made, &[]);
    let mut run = |width: i32| {
        let count = (2 * 3 * width) as usize;
        let x = lab.tensor(Dtype::Float32, &[2, 3, width], &numbers(count, 1));
        let start = lab.tensor(Dtype::Float32, &[2, 4, 1], &[0.0; 8]);
        lab.run(program, &[x, start])
    };
    assert!(run(4).is_ok());
    assert!(matches!(*run(5).unwrap_err().error, Error::Shape { .. }));
}

#[test]
fn what_has_no_columns_goes_through_masked_steps() {
    let mut lab = Lab::new();
    let x = lab.input(Dtype::Float32, &[BATCH, TIME, 0]);
    let start = lab.input(Dtype::Float32, &[BATCH, 0]);
    let mask = lab.input(Dtype::Bool, &[BATCH, TIME]);
    // slots that are free when the steps want some of no words
    let mut other = lab.input(Dtype::Float32, &[8]);
    for _ in 0..3 {
        other = lab.op(Op::Reduce, &[other], &[0, 1, 1, 0]);
        other = lab.op(Op::Broadcast, &[other], &[3, 0, 8, 0]);
    }
    let body = lab.body(|lab| {
        let x = lab.input(Dtype::Float32, &[BATCH, 0]);
        let state = lab.input(Dtype::Float32, &[BATCH, 0]);
        let both = lab.op(Op::Concat, &[x, state], &[1]);
        vec![both, lab.op(Op::Reduce, &[both], &[0, 0, 1, 1])]
    });
    let attrs = [body, 4, 0, 2, Part::X as u32, Part::State as u32, 4, Emit::All as u32, 1, 3, 0];
    let made = lab.record(Op::Steps, &[x, start, mask], &attrs).unwrap();
    let program = lab.finish(&[&made[..], &[other]].concat(), &[]);
    let tensors = [
        lab.tensor(Dtype::Float32, &[2, 3, 0], &[]),
        lab.tensor(Dtype::Float32, &[2, 0], &[]),
        lab.tensor(Dtype::Bool, &[2, 3], &[1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
        lab.tensor(Dtype::Float32, &[8], &[0.0; 8]),
    ];
    assert_eq!(lab.run(program, &tensors).unwrap(), [vec![0.0; 6], vec![], vec![0.0; 8]]);
}
