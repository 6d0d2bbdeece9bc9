//! What can go wrong, as numbers: the texts live in TypeScript.

use crate::tensor::Dtype;
use alloc::boxed::Box;

/// Result of everything in this crate. The box makes an error one word, which `?` hands on for few bytes of code.
pub type Result<T> = core::result::Result<T, Box<Error>>;

/// The number of an [`Error`]; its operands follow in the order of the variant's fields.
#[cfg_attr(feature = "bindgen", wasm_bindgen::prelude::wasm_bindgen)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum ErrorCode {
    /// Axis `axis` of input `input` should have `expected` elements and has `actual`.
    Shape = 1,
    /// Input `input` should have rank `expected` and has `actual`.
    Rank = 2,
    /// Input `input` should have dtype `expected` and has `actual`.
    Dtype = 3,
    /// The id `id` names nothing that is alive.
    Stale = 4,
    /// `words` 32-bit words could not be had.
    Memory = 5,
    /// An index `value` is not below `limit`.
    Index = 6,
    /// Attribute `index` has the unusable value `value`.
    Attribute = 7,
    /// `expected` inputs are needed, `actual` were given.
    Inputs = 8,
    /// The engine is in the middle of another call.
    Busy = 9,
    /// An op's number is not known to this build.
    Op = 10,
    /// The op `op` has no gradient.
    Gradient = 11,
    /// Sequences are inside one another deeper than `most`.
    Depth = 12,
}

/// A failure with its operands.
#[allow(missing_docs)] // the fields are described at the codes
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// See [`ErrorCode::Shape`]; unknown dims are negative.
    Shape { input: u32, axis: u32, expected: i32, actual: i32 },
    /// See [`ErrorCode::Rank`].
    Rank { input: u32, expected: u32, actual: u32 },
    /// See [`ErrorCode::Dtype`].
    Dtype { input: u32, expected: Dtype, actual: Dtype },
    /// See [`ErrorCode::Stale`].
    Stale { id: u32 },
    /// See [`ErrorCode::Memory`].
    Memory { words: u32 },
    /// See [`ErrorCode::Index`].
    Index { value: i32, limit: i32 },
    /// See [`ErrorCode::Attribute`].
    Attribute { index: u32, value: u32 },
    /// See [`ErrorCode::Inputs`].
    Inputs { expected: u32, actual: u32 },
    /// See [`ErrorCode::Busy`].
    Busy,
    /// See [`ErrorCode::Op`].
    Op { op: u32 },
    /// See [`ErrorCode::Gradient`].
    Gradient { op: u32 },
    /// See [`ErrorCode::Depth`].
    Depth { most: u32 },
}

impl Error {
    /// The number that crosses the boundary.
    pub fn code(self) -> ErrorCode {
        match self {
            Error::Shape { .. } => ErrorCode::Shape,
            Error::Rank { .. } => ErrorCode::Rank,
            Error::Dtype { .. } => ErrorCode::Dtype,
            Error::Stale { .. } => ErrorCode::Stale,
            Error::Memory { .. } => ErrorCode::Memory,
            Error::Index { .. } => ErrorCode::Index,
            Error::Attribute { .. } => ErrorCode::Attribute,
            Error::Inputs { .. } => ErrorCode::Inputs,
            Error::Busy => ErrorCode::Busy,
            Error::Op { .. } => ErrorCode::Op,
            Error::Gradient { .. } => ErrorCode::Gradient,
            Error::Depth { .. } => ErrorCode::Depth,
        }
    }

    /// The operands in the order of the fields, zeros behind them.
    pub fn operands(self) -> [u32; 4] {
        match self {
            Error::Shape { input, axis, expected, actual } => [input, axis, expected as u32, actual as u32],
            Error::Rank { input, expected, actual } => [input, expected, actual, 0],
            Error::Dtype { input, expected, actual } => [input, expected as u32, actual as u32, 0],
            Error::Stale { id: one } | Error::Memory { words: one } | Error::Depth { most: one } => {
                [one, 0, 0, 0]
            }
            Error::Index { value, limit } => [value as u32, limit as u32, 0, 0],
            Error::Attribute { index, value } => [index, value, 0, 0],
            Error::Inputs { expected, actual } => [expected, actual, 0, 0],
            Error::Busy => [0; 4],
            Error::Op { op } | Error::Gradient { op } => [op, 0, 0, 0],
        }
    }
}

/// An error and the record of the program at which it arose, if it arose in one.
#[derive(PartialEq, Eq, Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Box<Error>,
    /// Index of the op's record in its program.
    pub record: Option<u32>,
}

impl From<Box<Error>> for Failure {
    fn from(error: Box<Error>) -> Self {
        Failure { error, record: None }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Box::new(error).into()
    }
}
