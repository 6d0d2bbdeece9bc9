//! Thin QR of a tall matrix by modified Gram–Schmidt, each column orthogonalized twice: Q is orthonormal to rounding and the
//! diagonal of R positive, which makes the decomposition unique.

#[cfg(feature = "full")]
use super::Backward;
use super::{Needs, Outputs, Rule, Run, Site, out_f32};
use crate::error::{Error, Result};
use crate::tensor::{Dtype, Shape};
use layer_rnn_kernels::vector::{axpy, dot, scale, sqrt};

pub(crate) const RULE: Rule = Rule {
    shape: |site| {
        site.count(1)?;
        let input = site.shaped(0, Dtype::Float32)?;
        if input.rank() != 2 {
            return Err(Error::Rank { input: 0, expected: 2, actual: input.rank() as u32 }.into());
        }
        let (m, n) = (input.dim(0), input.dim(1));
        if m < n {
            return Err(Error::Shape { input: 0, axis: 0, expected: n, actual: m }.into());
        }
        let mut outputs = Outputs::one(Dtype::Float32, input)?;
        outputs.push(Dtype::Float32, Shape::new(&[n, n])?);
        Ok(outputs)
    },
    needs,
    run,
    #[cfg(feature = "full")]
    gradient: Some(gradient),
};

fn needs(site: &Site) -> Result<Needs> {
    Ok(Needs { scratch: site.input(0)?.words()?, ..Needs::default() })
}

fn run(run: &mut Run) -> Result<()> {
    let (m, n) = (run.shape(0).size(0), run.shape(0).size(1));
    let x = run.f32(0);
    let columns = &mut run.scratch[..m * n];
    for (i, &value) in x.iter().enumerate() {
        columns[i % n * m + i / n] = value;
    }
    let r = out_f32(run.out, run.made, 1);
    r.fill(0.0);
    for j in 0..n {
        let (done, rest) = columns.split_at_mut(j * m);
        let column = &mut rest[..m];
        for _ in 0..2 {
            for (i, q) in done.chunks_exact(m).enumerate() {
                let along = dot(q, column);
                axpy(-along, q, column);
                r[i * n + j] += along;
            }
        }
        let norm = sqrt(dot(column, column));
        r[j * n + j] = norm;
        if norm > 0.0 {
            scale(1.0 / norm, column);
        }
    }
    let q = out_f32(run.out, run.made, 0);
    for (i, value) in q.iter_mut().enumerate() {
        *value = run.scratch[i % n * m + i / n];
    }
    Ok(())
}

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    Err(back.unsupported())
}
