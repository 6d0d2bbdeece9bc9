//! Reversed axes.

#[cfg(feature = "full")]
use super::{Backward, Op};
use super::{Outputs, Rule, transpose};
#[cfg(feature = "full")]
use crate::error::Result;

pub(crate) const RULE: Rule = Rule {
    #[cfg(feature = "full")]
    gradient: Some(gradient),
    ..Rule::new(
        |site| {
            site.count(1)?;
            let input = site.input(0)?;
            for &axis in site.list(0)? {
                site.axis(axis, input.shape.rank())?;
            }
            Outputs::one(input.dtype, &input.shape)
        },
        |run| {
            let input = run.shape(0);
            let mut from = input.places();
            for &word in run.site.list(0)? {
                let axis = run.site.axis(word, input.rank())?;
                let stride = &mut from.strides[axis];
                if *stride > 0 {
                    from.first += (input.size(axis) as isize - 1) * *stride;
                    *stride = -*stride;
                }
            }
            transpose::copy(run, &from);
            Ok(())
        },
    )
};

#[cfg(feature = "full")]
fn gradient(back: &mut Backward) -> Result<()> {
    let dy = back.only_dy()?;
    back.give_op(0, Op::Flip, &[dy], back.site().attrs)
}
