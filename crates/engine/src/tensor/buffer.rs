//! Words of memory, allocated fallibly and counted.

use crate::error::{Error, Result};
use alloc::vec::Vec;

/// 32-bit words seen as floats, integers or bytes.
#[derive(Default)]
pub(crate) struct Buffer(Vec<f32>);

/// How much may be allocated, and how much is.
pub(crate) struct Budget {
    limit: usize,
    used: usize,
}

impl Budget {
    /// A budget of `limit` words; 0 means no bound.
    pub fn new(limit: usize) -> Budget {
        Budget { limit: if limit == 0 { usize::MAX } else { limit }, used: 0 }
    }

    /// Words in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// A zeroed buffer of `words`.
    pub fn allocate(&mut self, words: usize) -> Result<Buffer> {
        let mut buffer = Buffer::default();
        self.grow(&mut buffer, words)?;
        Ok(buffer)
    }

    /// Makes the buffer at least `words` long; new words are zero. On failure it is as before.
    pub fn grow(&mut self, buffer: &mut Buffer, words: usize) -> Result<()> {
        let more = words.saturating_sub(buffer.0.len());
        if more == 0 {
            return Ok(());
        }
        let failed = Error::Memory { words: words as u32 };
        let used = self.used.checked_add(more).filter(|&n| n <= self.limit).ok_or(failed)?;
        buffer.0.try_reserve_exact(more).map_err(|_| failed)?;
        buffer.0.resize(words, 0.0);
        self.used = used;
        Ok(())
    }

    /// Gives the buffer's memory back.
    pub fn release(&mut self, buffer: Buffer) {
        self.used = self.used.saturating_sub(buffer.0.len());
    }
}

impl Buffer {
    /// All words as floats.
    pub fn f32(&self) -> &[f32] {
        &self.0
    }

    /// All words as floats, to be written.
    pub fn f32_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }
}
