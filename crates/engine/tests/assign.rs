//! Assignments: after a run inputs and variables take their new values, all at once, and only then.

mod support;

use layer_rnn_engine::{Binary, Dtype, Error, Op, Shape};
use support::{BATCH, Lab};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const F: Dtype = Dtype::Float32;

#[test]
fn a_variable_is_read_as_it_was_before_and_packed_again_after() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH, 1]);
    let weight = lab.tensor(F, &[1, 1], &[2.0]);
    let w = lab.op(Op::Variable, &[], &[weight]);
    let doubled = lab.op(Op::Binary, &[w, w], &[Binary::Add as u32]);
    let y = lab.op(Op::MatMul, &[x, w], &[0]);
    let program = lab.finish(&[y, w], &[(w, doubled)]);
    let x = lab.tensor(F, &[1, 1], &[1.0]);
    for expected in [2.0, 4.0, 8.0] {
        assert_eq!(lab.run(program, &[x]).unwrap(), [[expected], [expected]]);
    }
    assert_eq!(lab.read(weight), [16.0]);
}

#[test]
fn values_that_change_places_do_not_overwrite_each_other() {
    let mut lab = Lab::new();
    let a = lab.input(F, &[2]);
    let b = lab.input(F, &[2]);
    let tensor = lab.tensor(F, &[2], &[5.0, 6.0]);
    let c = lab.op(Op::Variable, &[], &[tensor]);
    let shaped = lab.op(Op::Reshape, &[c], &[4, 0, 1, 0, 2]);
    let flat = lab.op(Op::Reshape, &[shaped], &[2, 2, 0]);
    let program = lab.finish(&[], &[(a, b), (b, flat), (c, a)]);
    let (a, b) = (lab.tensor(F, &[2], &[1.0, 2.0]), lab.tensor(F, &[2], &[3.0, f32::from_bits(0xffc0_1234)]));
    lab.run(program, &[a, b]).unwrap();
    assert_eq!(lab.read(b), [5.0, 6.0]);
    assert_eq!(lab.read(tensor), [1.0, 2.0]);
    assert_eq!(lab.read(a)[0], 3.0);
    assert_eq!(lab.read(a)[1].to_bits(), f32::NAN.to_bits(), "a NaN is assigned with its one bit pattern");
}

#[test]
fn what_is_assigned_its_own_value_keeps_it() {
    let mut lab = Lab::new();
    let a = lab.input(F, &[2]);
    let program = lab.finish(&[a], &[(a, a)]);
    let a = lab.tensor(F, &[2], &[1.0, 2.0]);
    assert_eq!(lab.run(program, &[a]).unwrap(), [[1.0, 2.0]]);
    assert_eq!(lab.read(a), [1.0, 2.0]);
}

#[test]
fn a_run_that_fails_assigns_nothing() {
    let mut lab = Lab::new();
    let ids = lab.input(Dtype::Int32, &[1]);
    let table = lab.variable(&[2, 1], &[1.0, 2.0]);
    let tensor = lab.tensor(F, &[1], &[7.0]);
    let kept = lab.op(Op::Variable, &[], &[tensor]);
    let sum = lab.op(Op::Binary, &[kept, kept], &[Binary::Add as u32]);
    let row = lab.op(Op::Gather, &[table, ids], &[0]);
    let program = lab.finish(&[row], &[(kept, sum)]);
    let ids = lab.tensor(Dtype::Int32, &[1], &[9.0]);
    assert!(lab.run(program, &[ids]).is_err());
    assert_eq!(lab.read(tensor), [7.0]);
}

#[test]
fn only_inputs_and_variables_once_and_by_their_like_are_assigned() {
    let finish = |pairs: fn([u32; 3]) -> Vec<(u32, u32)>| {
        let mut lab = Lab::new();
        let x = lab.input(F, &[BATCH, 2]);
        let whole = lab.input(Dtype::Int32, &[BATCH, 2]);
        let sum = lab.op(Op::Binary, &[x, x], &[Binary::Add as u32]);
        lab.try_finish(&[], &pairs([x, whole, sum])).map(drop)
    };
    assert_eq!(finish(|[x, _, sum]| vec![(x, sum)]), Ok(()));
    assert_eq!(finish(|[x, _, sum]| vec![(sum, x)]), Err(Error::Busy.into()));
    assert_eq!(finish(|[x, _, sum]| vec![(x, sum), (x, x)]), Err(Error::Busy.into()));
    let dtype = Error::Dtype { input: 0, expected: F, actual: Dtype::Int32 };
    assert_eq!(finish(|[x, whole, _]| vec![(x, whole)]), Err(dtype.into()));
}

#[test]
fn one_tensor_takes_one_value() {
    let mut lab = Lab::new();
    let a = lab.input(F, &[1]);
    let b = lab.input(F, &[1]);
    let program = lab.finish(&[], &[(a, b), (b, a)]);
    let one = [Shape::new(&[1]).unwrap(); 2];
    let plan = lab.engine.program_bind(program, &one).unwrap();
    let same = lab.tensor(F, &[1], &[1.0]);
    assert_eq!(lab.engine.call_new(plan, &[same, same], &[]), Err(Error::Busy.into()));
}
