//! Gradients of step programs: against those of the same ops unrolled (whose rules are checked by differences), and laws.

mod support;

use layer_rnn_engine::{Binary, Dtype, Emit, Op, Part};
use support::gated::{self, BACKWARD, F, H, MASK, ZERO_OUTPUT, weights};
use support::{BATCH, Lab, TIME, bits, numbers};

const Y: usize = 2;

/// The gated step, its readout multiplied row by row by a scale of the captures: [h', y].
fn step(lab: &mut Lab, x: u32, h: u32, weights: [u32; 4], scale: u32) -> Vec<u32> {
    let [h, y] = gated::step(lab, x, h, weights);
    vec![h, lab.op(Op::Binary, &[y, scale], &[Binary::Mul as u32])]
}

struct Case {
    batch: usize,
    time: usize,
    flags: u32,
    x: Vec<f32>,
    h: Vec<f32>,
    mask: Vec<f32>,
    scale: Vec<f32>,
    /// Gradients of all outputs, the last one and the state.
    dys: [Vec<f32>; 3],
    /// Steps of segments, one gradient after the other.
    segments: Vec<u32>,
}

impl Case {
    fn new(batch: usize, time: usize, flags: u32) -> Case {
        Case {
            batch,
            time,
            flags,
            x: numbers(batch * time * F, 5),
            h: numbers(batch * H, 6),
            mask: vec![1.0; batch * time],
            scale: numbers(batch * Y, 7),
            dys: [numbers(batch * time * Y, 8), numbers(batch * Y, 9), numbers(batch * H, 10)],
            segments: vec![0],
        }
    }

    /// Gradients of x, h, scale and the weights, by the sequence.
    fn gradients(&self) -> Vec<Vec<f32>> {
        let mut lab = Lab::new();
        let dims = [self.batch as i32, self.time as i32];
        let x = lab.input(Dtype::Float32, &[BATCH, TIME, 5]);
        let h = lab.input(Dtype::Float32, &[BATCH, 3]);
        let scale = lab.input(Dtype::Float32, &[BATCH, 2]);
        let dys = [
            lab.input(Dtype::Float32, &[BATCH, TIME, 2]),
            lab.input(Dtype::Float32, &[BATCH, 2]),
            lab.input(Dtype::Float32, &[BATCH, 3]),
        ];
        let mut tensors = vec![
            lab.tensor(Dtype::Float32, &[dims[0], dims[1], 5], &self.x),
            lab.tensor(Dtype::Float32, &[dims[0], 3], &self.h),
            lab.tensor(Dtype::Float32, &[dims[0], 2], &self.scale),
            lab.tensor(Dtype::Float32, &[dims[0], dims[1], 2], &self.dys[0]),
            lab.tensor(Dtype::Float32, &[dims[0], 2], &self.dys[1]),
            lab.tensor(Dtype::Float32, &[dims[0], 3], &self.dys[2]),
        ];
        let weights = weights(&mut lab);
        let mut operands = vec![x, h, scale];
        operands.extend(&weights);
        if self.flags & MASK != 0 {
            operands.push(lab.input(Dtype::Bool, &[BATCH, TIME]));
            tensors.push(lab.tensor(Dtype::Bool, &dims, &self.mask));
        }
        let body = lab.body(|lab| {
            let x = lab.input(Dtype::Float32, &[BATCH, 5]);
            let h = lab.input(Dtype::Float32, &[BATCH, 3]);
            let scale = lab.input(Dtype::Float32, &[BATCH, 2]);
            let weights = [&[5, 6][..], &[3, 6], &[6], &[3, 2]].map(|dims| lab.input(Dtype::Float32, dims));
            step(lab, x, h, weights, scale)
        });
        let c = Part::Capture as u32;
        let attrs = [body, self.flags, 0, 7, Part::X as u32, Part::State as u32, c, c, c, c, c];
        let results = [6, Emit::All as u32, 1, Emit::Last as u32, 1, Emit::FinalState as u32, 0];
        let made = lab.record(Op::Steps, &operands, &[&attrs[..], &results].concat()).unwrap();
        let xs: Vec<u32> = [x, h, scale].into_iter().chain(weights).collect();
        let mut outputs = vec![];
        for &segment in &self.segments {
            lab.segment = segment;
            let (gradients, _) = lab.gradient(&made, &dys.map(Some), &xs).unwrap();
            outputs.extend(gradients.into_iter().map(Option::unwrap));
        }
        let program = lab.finish(&outputs, &[]);
        lab.run(program, &tensors).unwrap()
    }

    /// The same, row by row from the active steps unrolled.
    fn unrolled(&self) -> Vec<Vec<f32>> {
        let backward = self.flags & BACKWARD != 0;
        let zero = self.flags & ZERO_OUTPUT != 0;
        let mut sums: Vec<Vec<f32>> = vec![vec![0.0; self.x.len()], vec![], vec![]];
        sums.extend([30, 18, 6, 6].map(|n| vec![0.0; n]));
        for row in 0..self.batch {
            let mut lab = Lab::new();
            let mut tensors = vec![];
            let mut given = |lab: &mut Lab, data: &[f32]| {
                let dims = [1, data.len() as i32];
                tensors.push(lab.tensor(Dtype::Float32, &dims, data));
                lab.input(Dtype::Float32, &dims)
            };
            let mut times: Vec<usize> = (0..self.time).collect();
            if backward {
                times.reverse();
            }
            let start = given(&mut lab, &self.h[row * H..][..H]);
            let scale = given(&mut lab, &self.scale[row * Y..][..Y]);
            let weights = weights(&mut lab);
            let (mut h, mut xs, mut at) = (start, vec![], vec![]);
            let (mut ys, mut dys) = (vec![], vec![]);
            let mut last: Option<u32> = None;
            for (position, &t) in times.iter().enumerate() {
                let active = self.mask[row * self.time + t] != 0.0;
                if active {
                    let x = given(&mut lab, &self.x[(row * self.time + t) * F..][..F]);
                    let made = step(&mut lab, x, h, weights, scale);
                    (h, last) = (made[0], Some(made[1]));
                    xs.push(x);
                    at.push(t);
                }
                if let Some(y) = last.filter(|_| active || !zero) {
                    ys.push(y);
                    dys.push(given(&mut lab, &self.dys[0][(row * self.time + position) * Y..][..Y]));
                    if position + 1 == self.time {
                        ys.push(y);
                        dys.push(given(&mut lab, &self.dys[1][row * Y..][..Y]));
                    }
                }
            }
            ys.push(h);
            dys.push(given(&mut lab, &self.dys[2][row * H..][..H]));
            let dys: Vec<Option<u32>> = dys.into_iter().map(Some).collect();
            let wanted: Vec<u32> = [start, scale].into_iter().chain(weights).chain(xs).collect();
            let (gradients, _) = lab.gradient(&ys, &dys, &wanted).unwrap();
            let outputs: Vec<u32> = gradients.iter().flatten().copied().collect();
            let program = lab.finish(&outputs, &[]);
            let mut made = lab.run(program, &tensors).unwrap().into_iter();
            let mut next = gradients.iter().map(|g| g.and_then(|_| made.next()));
            sums[1].extend(next.next().unwrap().unwrap());
            sums[2].extend(next.next().unwrap().unwrap_or(vec![0.0; Y]));
            for sum in &mut sums[3..] {
                for (sum, part) in sum.iter_mut().zip(next.next().unwrap().unwrap_or_default()) {
                    *sum += part;
                }
            }
            for t in at {
                let dx = next.next().unwrap().unwrap_or(vec![0.0; F]);
                sums[0][(row * self.time + t) * F..][..F].copy_from_slice(&dx);
            }
        }
        sums
    }

    fn check(&self) {
        let names = ["x", "h", "scale", "kernel", "recurrent", "bias", "readout"];
        for ((name, made), expected) in names.iter().zip(self.gradients()).zip(self.unrolled()) {
            assert_eq!(made.len(), expected.len(), "{name}");
            for (made, expected) in made.iter().zip(&expected) {
                let error = (made - expected).abs();
                assert!(error <= 2e-6 + 1e-5 * expected.abs(), "{name}: {made} is not {expected}");
            }
        }
    }
}

fn masks() -> [[f32; 6]; 5] {
    [
        [1., 1., 1., 1., 0., 0.],
        [0., 0., 1., 1., 1., 1.],
        [1., 0., 1., 0., 0., 1.],
        [0., 0., 0., 0., 0., 0.],
        [1., 1., 1., 1., 0., 1.],
    ]
}

#[test]
fn gradients_are_those_of_the_unrolled_steps() {
    for (batch, time) in [(1, 1), (1, 5), (4, 6)] {
        Case::new(batch, time, 0).check();
        Case::new(batch, time, BACKWARD).check();
    }
}

#[test]
fn gradients_pass_masked_steps() {
    for flags in [0, ZERO_OUTPUT, BACKWARD, BACKWARD | ZERO_OUTPUT] {
        let mut case = Case::new(5, 6, MASK | flags);
        case.mask = masks().as_flattened().to_vec();
        case.check();
    }
}

#[test]
fn nothing_of_a_masked_step_reaches_anything() {
    let mut case = Case::new(5, 6, MASK);
    case.mask = masks().as_flattened().to_vec();
    let clean = case.gradients();
    for (at, _) in case.mask.iter().enumerate().filter(|(_, m)| **m == 0.0) {
        case.x[at * F..][..F].fill(f32::NAN);
    }
    for (clean, made) in clean.iter().zip(case.gradients()) {
        assert_eq!(bits(clean), bits(&made));
    }
}

/// Gradients of one sequence, each with segments of its own: the first says how long they are for all that have any.
#[test]
fn each_gradient_may_have_segments() {
    for flags in [0, MASK | BACKWARD] {
        let mut case = Case::new(5, 6, flags);
        case.mask = masks().as_flattened().to_vec();
        let whole = case.gradients();
        for segments in [[0, 4, 4], [4, 1, 0], [1, 0, 4]] {
            case.segments = segments.to_vec();
            let made = case.gradients();
            for (made, whole) in made.iter().zip(whole.iter().cycle()) {
                assert_eq!(bits(made), bits(whole), "{segments:?}");
            }
        }
    }
}

/// Rows that are padded and masked give the bits of rows without padding, weights' gradients too.
#[test]
fn padded_is_trimmed() {
    let trimmed = Case::new(3, 4, 0);
    let mut padded = Case::new(3, 6, MASK);
    padded.mask = [1., 1., 1., 1., 0., 0.].repeat(3);
    let pad = |from: &[f32], width: usize| -> Vec<f32> {
        let rows = from.chunks(4 * width).map(|row| [row, &vec![0.0; 2 * width]].concat());
        rows.collect::<Vec<_>>().concat()
    };
    padded.x = pad(&trimmed.x, F);
    padded.dys = [pad(&trimmed.dys[0], Y), trimmed.dys[1].clone(), trimmed.dys[2].clone()];
    let (padded, trimmed) = (padded.gradients(), trimmed.gradients());
    assert_eq!(bits(&padded[0]), bits(&pad(&trimmed[0], F)));
    for (padded, trimmed) in padded.iter().zip(&trimmed).skip(1) {
        assert_eq!(bits(padded), bits(trimmed));
    }
}

/// h' = 0.5 h + x for vectors that have no rows: every kind of result lets its gradient through.
#[test]
fn steps_without_rows() {
    for (kind, backward, segment) in [Emit::All, Emit::TimeMajorAll, Emit::Timed, Emit::TimeMajorTimed]
        .into_iter()
        .flat_map(|kind| [(kind, 0, 0), (kind, BACKWARD, 0), (kind, 0, 2), (kind, BACKWARD, 2)])
    {
        let mut lab = Lab::new();
        let x = lab.input(Dtype::Float32, &[TIME, 2]);
        let h = lab.input(Dtype::Float32, &[2]);
        let dys = [&[TIME, 2][..], &[2], &[2]].map(|dims| lab.input(Dtype::Float32, dims));
        let body = lab.body(|lab| {
            let x = lab.input(Dtype::Float32, &[2]);
            let h = lab.input(Dtype::Float32, &[2]);
            let half = lab.op(Op::Fill, &[], &[Dtype::Float32 as u32, 0.5f32.to_bits(), 0]);
            let kept = lab.op(Op::Binary, &[h, half], &[Binary::Mul as u32]);
            vec![lab.op(Op::Binary, &[kept, x], &[Binary::Add as u32])]
        });
        let attrs = [body, backward, 0, 2, Part::X as u32, Part::State as u32];
        let results = [6, kind as u32, 0, Emit::Last as u32, 0, Emit::FinalState as u32, 0];
        let made = lab.record(Op::Steps, &[x, h], &[&attrs[..], &results].concat()).unwrap();
        lab.segment = segment;
        let (gradients, _) = lab.gradient(&made, &dys.map(Some), &[x, h]).unwrap();
        let outputs: Vec<u32> = gradients.into_iter().map(Option::unwrap).collect();
        let program = lab.finish(&outputs, &[]);
        // of the outputs in the order of processing 1, 2, 4; of the last one 8, of the state 16
        let timed = matches!(kind, Emit::Timed | Emit::TimeMajorTimed) && backward != 0;
        let all = if timed { [4., 4., 2., 2., 1., 1.] } else { [1., 1., 2., 2., 4., 4.] };
        let tensors = [
            lab.tensor(Dtype::Float32, &[3, 2], &[0.; 6]),
            lab.tensor(Dtype::Float32, &[2], &[0.; 2]),
            lab.tensor(Dtype::Float32, &[3, 2], &all),
            lab.tensor(Dtype::Float32, &[2], &[8., 8.]),
            lab.tensor(Dtype::Float32, &[2], &[16., 16.]),
        ];
        let made = lab.run(program, &tensors).unwrap();
        let last = 4. + 8. + 16.;
        let second = 2. + 0.5 * last;
        let first = 1. + 0.5 * second;
        let mut expected = [first, first, second, second, last, last];
        if backward != 0 {
            expected.reverse();
        }
        assert_eq!(made, [expected.to_vec(), vec![0.5 * first; 2]], "{kind:?} {backward}");
    }
}
