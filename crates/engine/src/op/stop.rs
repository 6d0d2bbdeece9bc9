//! The same value, through which no gradient flows: binding makes it a second name of the same memory.

use super::{Outputs, Rule};

pub(crate) const RULE: Rule = Rule::new(
    |site| {
        site.count(1)?;
        let input = site.input(0)?;
        Outputs::one(input.dtype, &input.shape)
    },
    |_| Ok(()),
);
