//! The order of a loop over time: which row of which time comes when, and which rows a mask leaves out.

/// Sizes, direction and mask of a sequence.
#[derive(Clone, Copy)]
pub(crate) struct Order<'a> {
    pub batch: usize,
    pub time: usize,
    pub backward: bool,
    /// Bytes, 0 where a step of a row is left out.
    pub mask: Option<&'a [u8]>,
    /// How far a row is from the next in the mask, and a time.
    pub strides: [usize; 2],
}

impl Order<'_> {
    /// The time of step `step` of the processing.
    pub fn time_of(&self, step: usize) -> usize {
        if self.backward { self.time - 1 - step } else { step }
    }

    /// Is the row active at this time?
    pub fn active(&self, row: usize, time: usize) -> bool {
        let at = row * self.strides[0] + time * self.strides[1];
        self.mask.is_none_or(|mask| mask.get(at).is_some_and(|&byte| byte != 0))
    }

    /// Lists the active rows of `counts.len()` steps from `begin` on, step by step in the order of processing, and how many each
    /// step has.
    pub fn list(&self, begin: usize, rows: &mut [i32], times: &mut [i32], counts: &mut [i32]) -> usize {
        let mut listed = 0;
        for (step, count) in counts.iter_mut().enumerate() {
            let time = self.time_of(begin + step);
            let before = listed;
            for row in (0..self.batch).filter(|&row| self.active(row, time)) {
                rows[listed] = row as i32;
                times[listed] = time as i32;
                listed += 1;
            }
            *count = (listed - before) as i32;
        }
        listed
    }
}
