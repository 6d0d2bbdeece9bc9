//! The three kinds of numbers.

layer_rnn_kernels::numbered! {
    /// Element type of a tensor.
    pub enum Dtype {
        /// 32-bit floats: all arithmetic.
        Float32,
        /// 32-bit integers: ids, indices, counters.
        Int32,
        /// Bytes, 0 or 1: masks and comparisons.
        Bool,
    }
}

impl Dtype {
    /// Words of 32 bits that `elements` of this dtype occupy.
    pub(crate) fn words(self, elements: usize) -> usize {
        match self {
            Dtype::Bool => elements.div_ceil(4),
            _ => elements,
        }
    }
}
