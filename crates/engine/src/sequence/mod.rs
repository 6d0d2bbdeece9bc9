//! The loop over time, written once: order, masks, states, outputs.

mod driver;
mod layout;

pub(crate) use driver::{Operands, Results, drive};
pub(crate) use layout::Layout;
