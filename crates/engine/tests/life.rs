//! Ids, memory and plans: what is freed is stale, what fails leaves everything as it was.

mod support;

use layer_rnn_engine::{Binary, Dtype, Engine, Error, Op, Shape, Stat, Type};
use support::{BATCH, Lab, TIME};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const F: Dtype = Dtype::Float32;

fn square(lab: &mut Lab) -> u32 {
    let x = lab.input(F, &[BATCH, TIME]);
    let y = lab.op(Op::Binary, &[x, x], &[Binary::Mul as u32]);
    let z = lab.op(Op::Binary, &[y, x], &[Binary::Add as u32]);
    lab.finish(&[z], &[])
}

#[test]
fn everything_returns_to_zero() {
    let mut lab = Lab::new();
    let program = square(&mut lab);
    let x = lab.tensor(F, &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    assert_eq!(lab.run(program, &[x]).unwrap()[0], [2.0, 6.0, 12.0, 20.0]);
    lab.engine.tensor_free(x).unwrap();
    lab.engine.program_free(program).unwrap();
    for stat in [Stat::Tensors, Stat::Programs, Stat::Calls] {
        assert_eq!(lab.engine.stat(stat), 0);
    }
    assert_eq!(lab.engine.tensor_free(x), Err(Error::Stale { id: x }.into()));
    assert_eq!(lab.engine.program_free(program), Err(Error::Stale { id: program }.into()));
}

#[test]
fn a_copy_is_finished_on_its_own() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH]);
    let y = lab.op(Op::Binary, &[x, x], &[Binary::Mul as u32]);
    let so_far = lab.finish_copy(&[y]);
    let z = lab.op(Op::Binary, &[y, x], &[Binary::Add as u32]);
    let whole = lab.finish(&[z], &[]);
    let data = lab.tensor(F, &[2], &[2.0, 3.0]);
    assert_eq!(lab.run(so_far, &[data]).unwrap()[0], [4.0, 9.0]);
    assert_eq!(lab.run(whole, &[data]).unwrap()[0], [6.0, 12.0]);
}

#[test]
fn a_new_shape_binds_and_an_old_one_is_remembered() {
    let mut lab = Lab::new();
    let program = square(&mut lab);
    let shape = |n: i32| [Shape::new(&[2, n]).unwrap()];
    let first = lab.engine.program_bind(program, &shape(1)).unwrap();
    for n in 0..40 {
        lab.engine.program_bind(program, &shape(n)).unwrap();
    }
    assert_eq!(
        lab.engine.program_bind(program, &shape(39)).unwrap(),
        lab.engine.program_bind(program, &shape(39)).unwrap()
    );
    assert!(lab.engine.plan_outputs(first).is_err(), "the least recently used plan goes");
    let wrong = [Shape::new(&[2]).unwrap()];
    assert_eq!(
        *lab.engine.program_bind(program, &wrong).unwrap_err().error,
        Error::Rank { input: 0, expected: 2, actual: 1 }
    );
}

#[test]
fn inputs_that_share_an_unknown_dim_must_agree() {
    let mut lab = Lab::new();
    let a = lab.input(F, &[BATCH, 1]);
    let b = lab.input(F, &[BATCH, 3]);
    let program = lab.finish(&[a, b], &[]);
    let shapes = [Shape::new(&[2, 1]).unwrap(), Shape::new(&[4, 3]).unwrap()];
    let failure = lab.engine.program_bind(program, &shapes).unwrap_err();
    assert_eq!(*failure.error, Error::Shape { input: 1, axis: 0, expected: 2, actual: 4 });
}

#[test]
fn exhausted_memory_is_an_error_and_the_engine_works_on() {
    let ty = |n| Type { dtype: F, shape: Shape::new(&[n]).unwrap() };
    let mut engine = Engine::new(1000);
    let kept = engine.tensor_new(ty(600)).unwrap();
    assert_eq!(engine.tensor_new(ty(600)), Err(Error::Memory { words: 600 }.into()));
    assert_eq!(engine.stat(Stat::Bytes), 2400);
    engine.tensor_free(kept).unwrap();
    engine.tensor_new(ty(1000)).unwrap();
    let huge = Type { dtype: F, shape: Shape::new(&[1 << 30, 1 << 30]).unwrap() };
    assert!(matches!(engine.tensor_new(huge), Err(error) if matches!(*error, Error::Memory { .. })));
}

#[test]
fn a_call_whose_tensor_is_gone_fails_and_says_which() {
    let mut lab = Lab::new();
    let program = square(&mut lab);
    let x = lab.tensor(F, &[1, 1], &[3.0]);
    let plan = lab.engine.program_bind(program, &[Shape::new(&[1, 1]).unwrap()]).unwrap();
    let call = lab.engine.call_new(plan, &[x], &[0]).unwrap();
    lab.engine.program_free(program).unwrap();
    lab.engine.call_run(call).unwrap();
    lab.engine.tensor_free(x).unwrap();
    assert_eq!(*lab.engine.call_run(call).unwrap_err().error, Error::Stale { id: x });
}

#[test]
fn weights_are_packed_again_after_a_change() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH, 2]);
    let weight = lab.tensor(F, &[2, 1], &[1.0, 10.0]);
    let w = lab.op(Op::Variable, &[], &[weight]);
    let y = lab.op(Op::MatMul, &[x, w], &[0]);
    let program = lab.finish(&[y], &[]);
    let x = lab.tensor(F, &[1, 2], &[1.0, 1.0]);
    assert_eq!(lab.run(program, &[x]).unwrap()[0], [11.0]);
    lab.engine.tensor_words_mut(weight).unwrap()[0] = 5.0;
    assert_eq!(lab.run(program, &[x]).unwrap()[0], [15.0]);
}

#[test]
fn every_change_of_a_tensor_raises_its_version() {
    let mut lab = Lab::new();
    let weight = lab.tensor(F, &[1], &[1.0]);
    let mut last = 0;
    let mut raised = |lab: &Lab| {
        let version = lab.engine.tensor_version(weight).unwrap();
        core::mem::replace(&mut last, version) < version
    };
    assert!(raised(&lab));
    let w = lab.op(Op::Variable, &[], &[weight]);
    let more = lab.op(Op::Binary, &[w, w], &[Binary::Add as u32]);
    let reads = lab.finish_copy(&[more]);
    let assigns = lab.finish(&[], &[(w, more)]);
    lab.engine.tensor_words_mut(weight).unwrap()[0] = 5.0;
    assert!(raised(&lab));
    lab.run(reads, &[]).unwrap();
    assert!(!raised(&lab));
    lab.run(assigns, &[]).unwrap();
    assert!(raised(&lab));
    lab.engine.tensor_free(weight).unwrap();
    assert_eq!(lab.engine.tensor_version(weight), Err(Error::Stale { id: weight }.into()));
}

#[test]
fn an_output_may_be_an_input_a_reshape_or_named_twice() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH, 2]);
    let y = lab.op(Op::Binary, &[x, x], &[Binary::Add as u32]);
    let flat = lab.op(Op::Reshape, &[y], &[2, 2, 0]);
    let program = lab.finish(&[x, y, flat, y], &[]);
    let x = lab.tensor(F, &[1, 2], &[1.0, 2.0]);
    assert_eq!(lab.run(program, &[x]).unwrap(), [[1.0, 2.0], [2.0, 4.0], [2.0, 4.0], [2.0, 4.0]]);
}

#[test]
fn nan_leaves_with_one_bit_pattern() {
    let mut lab = Lab::new();
    let x = lab.input(F, &[BATCH]);
    let program = lab.finish(&[x], &[]);
    let x = lab.tensor(F, &[1], &[f32::from_bits(0xffc0_1234)]);
    assert_eq!(lab.run(program, &[x]).unwrap()[0][0].to_bits(), f32::NAN.to_bits());
}

#[test]
fn an_output_tensor_may_not_be_read_by_the_same_call() {
    let mut lab = Lab::new();
    let program = square(&mut lab);
    let x = lab.tensor(F, &[1, 1], &[3.0]);
    let plan = lab.engine.program_bind(program, &[Shape::new(&[1, 1]).unwrap()]).unwrap();
    assert_eq!(lab.engine.call_new(plan, &[x], &[x]), Err(Error::Busy.into()));
}
