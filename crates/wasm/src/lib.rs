//! The one door between TypeScript and the engine: numbers, and words in the boundary buffer. No arithmetic, no strings.
//!
//! Exports that make something answer with its id, 0 when they failed; the others with an error code, 0 when all went well.
//! After a failure `error_code` says which and the boundary words hold the operands and the record.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod boundary;
mod builder;
mod call;
mod tensor;

use alloc::vec::Vec;
use layer_rnn_engine::{Engine, Error, Failure, Stat};
use spin::{Mutex, MutexGuard};
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

/// What lives in this instance.
struct World {
    engine: Engine,
    /// The boundary words.
    words: Vec<u32>,
    error: u32,
}

static WORLD: Mutex<World> = Mutex::new(World { engine: Engine::new(0), words: Vec::new(), error: 0 });

/// Words of the boundary at the start.
const WORDS: usize = 1024;

/// Starts the engine with a bound on the bytes of numbers; 0 means none. Once in an instance.
#[wasm_bindgen]
pub fn engine_start(max_bytes: f64) -> u32 {
    status(|world| {
        if !world.words.is_empty() {
            return Err(Error::Busy.into());
        }
        world.words.try_reserve_exact(WORDS).map_err(|_| Error::Memory { words: WORDS as u32 })?;
        world.words.resize(WORDS, 0);
        world.engine.limit((max_bytes / 4.0) as usize);
        Ok(())
    })
}

/// Live tensors, programs, calls, or bytes of numbers, by the number of [`Stat`].
#[wasm_bindgen]
pub fn engine_stat(stat: u32) -> f64 {
    Stat::from_u32(stat).map_or(0.0, |stat| lock().engine.stat(stat) as f64)
}

/// Code of the last failure.
#[wasm_bindgen]
pub fn error_code() -> u32 {
    lock().error
}

fn lock() -> MutexGuard<'static, World> {
    WORLD.lock()
}

/// Runs `f` in the world and keeps its failure for `error_code`.
fn enter<T>(f: impl FnOnce(&mut World) -> core::result::Result<T, Failure>) -> Option<T> {
    let mut world = lock();
    match f(&mut world) {
        Ok(value) => Some(value),
        Err(failure) => {
            world.fail(failure);
            None
        }
    }
}

/// [`enter`] for exports that answer with a status.
fn status(f: impl FnOnce(&mut World) -> core::result::Result<(), Failure>) -> u32 {
    match enter(f) {
        Some(()) => 0,
        None => error_code(),
    }
}

impl World {
    /// Writes a failure's operands: four of them, then the record or −1.
    fn fail(&mut self, failure: Failure) {
        self.error = failure.error.code() as u32;
        let [a, b, c, d] = failure.error.operands();
        self.write(&[a, b, c, d, failure.record.unwrap_or(u32::MAX)]);
    }

    /// The first `count` boundary words.
    fn read(&self, count: u32) -> layer_rnn_engine::Result<&[u32]> {
        Ok(self.words.get(..count as usize).ok_or(Error::Attribute { index: 0, value: count })?)
    }

    /// Writes into the boundary, as far as there is room.
    fn write(&mut self, words: &[u32]) {
        self.words.iter_mut().zip(words).for_each(|(to, word)| *to = *word);
    }
}
