//! Step programs by chance.

use super::{BATCH, Lab};
use layer_rnn_engine::{Activation, Binary, Compare, Dtype, Emit, Op, Part, Reduce};

/// Numbers by chance.
pub struct Dice(pub u32);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x9e37_79b1).wrapping_add(0x7f4a_7c15);
        let mut x = self.0 ^ (self.0 >> 15);
        x = x.wrapping_mul(0x2c1b_3c6d);
        x ^= x >> 13;
        x as usize % below
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len())]
    }
}

/// An op of a step, on values by number: x, the states, the captures with rows, then what ops made. All are `[rows, width]`.
#[derive(Clone, Copy, Debug)]
pub enum Do {
    /// With a weight, perhaps scaled in the step, which needs no step.
    MatMul {
        a: usize,
        weight: usize,
        scaled: bool,
    },
    Bias(usize, usize),
    Activate(Activation, usize),
    Binary(Binary, usize, usize),
    /// `a > b ? a : c`, where b may have one column.
    Choose(usize, usize, usize),
    Slice(usize, usize, usize),
    Concat(usize, usize),
    Mean(usize),
    /// As a matrix of two rows, turned.
    Turn(usize),
    /// Without the mean over all rows.
    Across(usize),
    /// What the columns add up to, one after the other: a sequence in the step.
    Along(usize),
}

/// A step program, and what it works on.
#[derive(Debug)]
pub struct Code {
    pub x: usize,
    pub states: Vec<usize>,
    /// Do states start from what is given, or from zeros?
    pub given: Vec<bool>,
    pub rows: Vec<usize>,
    pub weights: Vec<[usize; 2]>,
    pub ops: Vec<Do>,
    pub next: Vec<usize>,
    pub out: usize,
    pub out_width: usize,
    /// Is there one more state, a count of steps that all rows share? It multiplies the output.
    pub counts: bool,
}

impl Code {
    /// `smooth` leaves out what has kinks.
    pub fn new(seed: u32, smooth: bool) -> Code {
        let dice = &mut Dice(seed);
        let states: Vec<usize> = (0..1 + dice.roll(3)).map(|_| 1 + dice.roll(4)).collect();
        let rows: Vec<usize> = (0..dice.roll(2)).map(|_| 1 + dice.roll(3)).collect();
        let given = states.iter().map(|_| dice.roll(2) == 0).collect();
        let x = 1 + dice.roll(4);
        let mut code = Code {
            x,
            states,
            given,
            rows,
            weights: vec![],
            ops: vec![],
            next: vec![],
            out: 0,
            out_width: 0,
            counts: false,
        };
        let mut widths: Vec<usize> =
            [x].into_iter().chain(code.states.clone()).chain(code.rows.clone()).collect();
        for _ in 0..3 + dice.roll(8) {
            let (op, width) = code.any(dice, &widths, smooth);
            code.ops.push(op);
            widths.push(width);
        }
        for state in 0..code.states.len() {
            let width = code.states[state];
            let same: Vec<usize> = (0..widths.len()).filter(|&value| widths[value] == width).collect();
            let next = if dice.roll(5) == 0 {
                dice.pick(&same) // perhaps another state, or x as it is
            } else {
                let a = dice.roll(widths.len());
                code.matmul(a, widths[a], width, dice.roll(4) == 0);
                widths.push(width);
                if dice.roll(4) > 0 {
                    code.ops.push(Do::Activate(Activation::Tanh, widths.len() - 1));
                    widths.push(width);
                }
                widths.len() - 1
            };
            code.next.push(next);
        }
        code.out = widths.len() - 1 - dice.roll(widths.len().min(6));
        code.out_width = widths[code.out];
        code.counts = dice.roll(3) == 0;
        code
    }

    /// Does a row depend on others?
    pub fn mixes(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Do::Across(_)))
    }

    fn matmul(&mut self, a: usize, from: usize, to: usize, scaled: bool) {
        self.ops.push(Do::MatMul { a, weight: self.weights.len(), scaled });
        self.weights.push([from, to]);
    }

    /// An op by chance, and the width of what it makes.
    fn any(&mut self, dice: &mut Dice, widths: &[usize], smooth: bool) -> (Do, usize) {
        let a = dice.roll(widths.len());
        let width = widths[a];
        let fitting: Vec<usize> =
            (0..widths.len()).filter(|&b| widths[b] == width || widths[b] == 1).collect();
        let b = dice.pick(&fitting);
        match dice.roll(if smooth { 11 } else { 12 }) {
            0 | 1 => {
                let to = 1 + dice.roll(5);
                self.weights.push([width, to]);
                (Do::MatMul { a, weight: self.weights.len() - 1, scaled: dice.roll(3) == 0 }, to)
            }
            2 => {
                self.weights.push([1, width]);
                (Do::Bias(a, self.weights.len() - 1), width)
            }
            3 => (
                Do::Activate(dice.pick(&[Activation::Tanh, Activation::Sigmoid, Activation::Softmax]), a),
                width,
            ),
            4 | 5 => (Do::Binary(dice.pick(&[Binary::Add, Binary::Sub, Binary::Mul]), a, b), width),
            6 => {
                let from = dice.roll(width);
                let to = from + 1 + dice.roll(width - from);
                (Do::Slice(a, from, to), to - from)
            }
            7 if width < 6 => (Do::Concat(a, b), width + widths[b]),
            8 if width.is_multiple_of(2) => (Do::Turn(a), width),
            9 => (Do::Across(a), width),
            10 => (Do::Along(a), width),
            11 => (Do::Choose(a, b, dice.pick(&fitting)), width),
            _ => (Do::Mean(a), 1),
        }
    }

    /// Records a step: `values` are x, the states and the captures with rows. Gives the next states, the count and the output.
    pub fn record(
        &self,
        lab: &mut Lab,
        mut values: Vec<u32>,
        count: Option<u32>,
        weights: &[u32],
    ) -> Vec<u32> {
        for &op in &self.ops {
            let made = match op {
                Do::MatMul { a, weight, scaled } => {
                    let mut weight = weights[weight];
                    if scaled {
                        let half = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 0.5f32.to_bits(), 0]);
                        weight = lab.op(Op::Binary, &[weight, half], &[Binary::Mul as u32]);
                    }
                    lab.op(Op::MatMul, &[values[a], weight], &[0])
                }
                Do::Bias(a, weight) => {
                    lab.op(Op::Binary, &[values[a], weights[weight]], &[Binary::Add as u32])
                }
                Do::Activate(kind, a) => lab.op(Op::Activate, &[values[a]], &[kind as u32]),
                Do::Binary(kind, a, b) => lab.op(Op::Binary, &[values[a], values[b]], &[kind as u32]),
                Do::Choose(a, b, c) => {
                    let more = lab.op(Op::Compare, &[values[a], values[b]], &[Compare::Greater as u32]);
                    lab.op(Op::Select, &[more, values[a], values[c]], &[])
                }
                Do::Slice(a, from, to) => lab.op(Op::Slice, &[values[a]], &[4, 1, from as u32, to as u32, 1]),
                Do::Concat(a, b) => lab.op(Op::Concat, &[values[a], values[b]], &[1]),
                Do::Mean(a) => lab.op(Op::Reduce, &[values[a]], &[Reduce::Mean as u32, 1, 1, 1]),
                Do::Turn(a) => {
                    let width = lab.ty(values[a]).shape.size(1) as u32;
                    let matrix = lab.op(Op::Reshape, &[values[a]], &[6, 1, 0, 0, 2, 0, width / 2]);
                    let turned = lab.op(Op::Transpose, &[matrix], &[3, 0, 2, 1]);
                    lab.op(Op::Reshape, &[turned], &[4, 1, 0, 0, width])
                }
                Do::Across(a) => {
                    let mean = lab.op(Op::Reduce, &[values[a]], &[Reduce::Mean as u32, 0, 1, 0]);
                    lab.op(Op::Binary, &[values[a], mean], &[Binary::Sub as u32])
                }
                Do::Along(a) => {
                    let width = lab.ty(values[a]).shape.size(1) as u32;
                    let columns = lab.op(Op::Reshape, &[values[a]], &[6, 1, 0, 0, width, 0, 1]);
                    let add = lab.body(|lab| {
                        let [x, sum] = [0; 2].map(|_| lab.input(Dtype::Float32, &[BATCH, 1]));
                        let sum = lab.op(Op::Binary, &[sum, x], &[Binary::Add as u32]);
                        vec![sum, sum]
                    });
                    let parts = [Part::X as u32, Part::ZeroState as u32];
                    let attrs = [add, 0, 0, 2, parts[0], parts[1], 2, Emit::All as u32, 1];
                    let sums = lab.op(Op::Steps, &[columns], &attrs);
                    lab.op(Op::Reshape, &[sums], &[4, 1, 0, 0, width])
                }
            };
            values.push(made);
        }
        let mut made: Vec<u32> = self.next.iter().map(|&value| values[value]).collect();
        let mut out = values[self.out];
        if let Some(count) = count {
            let one = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 1f32.to_bits(), 0]);
            made.push(lab.op(Op::Binary, &[count, one], &[Binary::Add as u32]));
            out = lab.op(Op::Binary, &[out, count], &[Binary::Mul as u32]);
        }
        made.push(out);
        made
    }
}
