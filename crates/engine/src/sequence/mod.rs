//! The loop over time, written once: order, masks, states, outputs.

#[cfg(feature = "full")]
mod backward;
mod driver;
mod layout;
mod order;
mod steps;
mod tape;

#[cfg(feature = "full")]
pub(crate) use backward::{BothWeights, OperandGrads, ResultGrads, backward_words, differentiate};
pub(crate) use driver::{Operands, Results, drive};
pub(crate) use layout::Layout;
#[cfg(feature = "full")]
pub(crate) use order::Order;
