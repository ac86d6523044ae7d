//! Records the log of a test, by thread.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Mutex, Once},
};

use tracing_subscriber::{Layer, filter::dynamic_filter_fn, fmt, layer::SubscriberExt};

thread_local!(static RECORDING: RefCell<Option<Log>> = const { RefCell::new(None) });

#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Ends the recording when it is dropped.
#[must_use]
pub struct Guard(());

/// Installs one subscriber for all threads, before the first event. Subscribers that come and go with their threads race
/// with the caches of `tracing`, which then lose an event now and then.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let recorded = dynamic_filter_fn(|_, _| RECORDING.with_borrow(Option::is_some));
        let layer = fmt::layer().with_ansi(false).with_writer(|| ThisThread).with_filter(recorded);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
    });
}

impl Log {
    /// Records every level, on this thread, until the guard is dropped.
    pub fn record() -> (Self, Guard) {
        install();
        let log = Self::default();
        RECORDING.set(Some(log.clone()));
        (log, Guard(()))
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        RECORDING.set(None);
    }
}

/// Writes to the log that this thread records, if any.
struct ThisThread;

impl io::Write for ThisThread {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        RECORDING.with_borrow(|log| {
            if let Some(log) = log {
                log.0.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
