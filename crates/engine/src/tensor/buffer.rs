//! Words of memory, allocated fallibly and counted.

use crate::error::{Error, Result};
use alloc::vec::Vec;

/// Buffers start at whole cache lines: a vector of a packed weight never lies in two.
const LINE: usize = 64;

/// 32-bit words seen as floats, integers or bytes.
pub(crate) struct Buffer {
    words: Vec<f32>,
    /// Words before the first whole cache line.
    start: usize,
}

/// How much may be allocated, and how much is.
pub(crate) struct Budget {
    limit: usize,
    used: usize,
}

impl Budget {
    /// A budget of `limit` words; 0 means no bound.
    pub const fn new(limit: usize) -> Budget {
        let mut budget = Budget { limit, used: 0 };
        budget.limit(limit);
        budget
    }

    /// Another bound.
    pub const fn limit(&mut self, words: usize) {
        self.limit = if words == 0 { usize::MAX } else { words };
    }

    /// Words in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// A zeroed buffer of `words`.
    pub fn allocate(&mut self, words: usize) -> Result<Buffer> {
        let mut buffer = Buffer::EMPTY;
        self.grow(&mut buffer, words)?;
        Ok(buffer)
    }

    /// Makes the buffer at least `words` long, all zero then; one that is long enough stays as it is, and so does one for
    /// which there is no memory.
    pub fn grow(&mut self, buffer: &mut Buffer, words: usize) -> Result<()> {
        let before = buffer.f32().len();
        if words <= before {
            return Ok(());
        }
        let failed = Error::Memory { words: words as u32 };
        let used = self.used.checked_add(words - before).filter(|&n| n <= self.limit).ok_or(failed)?;
        let mut grown = Buffer::EMPTY;
        grown.words.try_reserve_exact(words.saturating_add(LINE / 4)).map_err(|_| failed)?;
        grown.start = grown.words.as_ptr().align_offset(LINE).min(LINE / 4);
        grown.words.resize(grown.start + words, 0.0);
        *buffer = grown;
        self.used = used;
        Ok(())
    }

    /// Gives the buffer's memory back.
    pub fn release(&mut self, buffer: Buffer) {
        self.used = self.used.saturating_sub(buffer.f32().len());
    }
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer::EMPTY
    }
}

impl Buffer {
    /// No words.
    pub const EMPTY: Buffer = Buffer { words: Vec::new(), start: 0 };

    /// All words as floats.
    #[inline(always)]
    pub fn f32(&self) -> &[f32] {
        self.words.get(self.start..).unwrap_or(&[])
    }

    /// All words as floats, to be written.
    #[inline(always)]
    pub fn f32_mut(&mut self) -> &mut [f32] {
        self.words.get_mut(self.start..).unwrap_or_default()
    }
}
