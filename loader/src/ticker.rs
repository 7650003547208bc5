//! Who makes time pass for guests? One thread that advances the engine's epoch every 10 ms while calls are in flight.
//!
//! It's started by the first call and sleeps without waking when nothing runs. A call costs it two atomic operations,
//! since a lock and a wake-up would cost more than many calls do.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// The length of a tick: the grain of every time limit.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Ticks without a call after which the thread goes to sleep.
const IDLE_TICKS: u32 = 20;

/// Advances an engine's epoch while somebody holds a [`Running`].
pub(crate) struct Ticker {
    engine: EngineWeak,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Calls in flight.
    running: AtomicUsize,
    /// Whether the thread ticks now. Only changed under `lock`; read without it by those who start a call.
    ticking: AtomicBool,
    lock: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    stop: bool,
}

/// While this lives, time passes.
#[derive(Debug)]
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Ticker {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { engine: engine.weak(), shared: Arc::default(), thread: Mutex::default() }
    }

    /// Make time pass until the guard is dropped.
    pub(crate) fn run(&self) -> io::Result<Running<'_>> {
        // The order matters: the thread sleeps only if it saw no call *after* it said that it isn't ticking.
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(&self.shared);
        if !self.shared.ticking.load(Ordering::SeqCst) {
            self.wake()?;
        }
        Ok(running)
    }

    #[cold]
    fn wake(&self) -> io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let (engine, shared) = (self.engine.clone(), Arc::clone(&self.shared));
            let builder = std::thread::Builder::new().name("mfp-ticker".into()).stack_size(64 << 10);
            *thread = Some(builder.spawn(move || shared.tick(&engine))?);
        }
        let _state = self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.ticking.store(true, Ordering::SeqCst);
        self.shared.changed.notify_all();
        Ok(())
    }
}

impl Shared {
    /// The thread: ticks, sleeps when nothing runs, ends with the engine or the ticker.
    fn tick(&self, engine: &EngineWeak) {
        let mut state = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let mut idle = 0;
        while !state.stop {
            if !self.ticking.load(Ordering::SeqCst) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                idle = 0;
                continue;
            }
            state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
            let Some(engine) = engine.upgrade() else { return };
            engine.increment_epoch();
            idle = if self.running.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
            if idle >= IDLE_TICKS {
                self.ticking.store(false, Ordering::SeqCst);
                // A call that began just now saw `true` and didn't wake us.
                self.ticking.store(self.running.load(Ordering::SeqCst) > 0, Ordering::SeqCst);
                idle = 0;
            }
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            // It only panics if it has a bug, and then there's nothing to do about it here.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn it_sleeps_without_calls_and_wakes_for_the_next() {
        let engine = Engine::default();
        let ticker = Ticker::new(&engine);
        assert!(ticker.thread.lock().unwrap().is_none(), "no thread before the first call");
        drop(ticker.run().unwrap());
        let asleep = |ticker: &Ticker| !ticker.shared.ticking.load(Ordering::SeqCst);
        let until = Instant::now() + Duration::from_secs(10);
        while !asleep(&ticker) {
            assert!(Instant::now() < until, "it never sleeps");
            std::thread::sleep(TICK);
        }
        let running = ticker.run().unwrap();
        std::thread::sleep(TICK * (IDLE_TICKS + 10));
        assert!(!asleep(&ticker), "it slept while a call was in flight");
        drop(running);
        let began = Instant::now();
        drop(ticker);
        assert!(began.elapsed() < Duration::from_secs(1), "ending it waits for nothing");
    }
}
