//! The loop over time, written once: order, masks, states, outputs.

mod driver;
mod layout;
mod order;
mod steps;

pub(crate) use driver::{Operands, Results, drive};
pub(crate) use layout::Layout;
#[cfg(feature = "full")]
pub(crate) use order::Order;
