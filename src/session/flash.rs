//! Messages for the next page: set before a redirect, shown once.
//!
//! [`Flash`] is a field of your payload, or a value of a [`SessionMap`](crate::SessionMap).
//!
//! ```
//! use sealed_session::{Session, flash::Flash};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Default, Serialize, Deserialize)]
//! struct Visit { user: Option<u64>, flash: Flash }
//!
//! async fn save(session: Session<Visit>) {
//!     session.update(|visit| visit.flash.success("Your changes have been saved."));
//! }
//!
//! async fn show(session: Session<Visit>) -> String {
//!     let messages = session.update(|visit| visit.flash.take());
//!     messages.into_iter().map(|message| format!("{:?}: {}\n", message.level, message.text)).collect()
//! }
//! ```
//!
//! # Parallel requests
//!
//! The messages are in the cookie, and of two parallel responses that set it the last to arrive wins as a whole. So a
//! message is shown once as long as one request at a time writes to the session. If a request that began before the
//! message was taken writes to the session (or renews it) and its response arrives later, the message is back and
//! shown again; if one that began before it was set does, the message is lost. A request that only reads disturbs
//! nothing. [`Session::passive`](crate::Session::passive) keeps a page's polling from renewing; a message that must
//! not be lost belongs into a database.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// To know.
    Info,
    /// It worked.
    Success,
    /// It worked, but.
    Warning,
    /// It did not work.
    Error,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its kind.
    pub level: Level,
    /// Its text, to be escaped like any other where it is shown.
    pub text: String,
}

/// The messages that wait for the next page. Empty by default.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    messages: Vec<Message>,
}

impl fmt::Debug for Message {
    /// Without the text, which is part of a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("level", &self.level).finish_non_exhaustive()
    }
}

impl fmt::Debug for Flash {
    /// Without the messages, which are part of a session.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.messages.len() {
            1 => f.write_str("Flash(1 message)"),
            count => write!(f, "Flash({count} messages)"),
        }
    }
}

impl Flash {
    /// Adds a message.
    pub fn push(&mut self, level: Level, text: impl Into<String>) {
        self.messages.push(Message { level, text: text.into() });
    }

    /// Adds an [`Info`](Level::Info).
    pub fn info(&mut self, text: impl Into<String>) {
        self.push(Level::Info, text);
    }

    /// Adds a [`Success`](Level::Success).
    pub fn success(&mut self, text: impl Into<String>) {
        self.push(Level::Success, text);
    }

    /// Adds a [`Warning`](Level::Warning).
    pub fn warning(&mut self, text: impl Into<String>) {
        self.push(Level::Warning, text);
    }

    /// Adds an [`Error`](Level::Error).
    pub fn error(&mut self, text: impl Into<String>) {
        self.push(Level::Error, text);
    }

    /// Takes the messages out, in the order in which they came. To take none is no change.
    #[must_use = "what is taken is gone"]
    pub fn take(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// The messages, left where they are.
    pub fn iter(&self) -> std::slice::Iter<'_, Message> {
        self.messages.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

impl<'a> IntoIterator for &'a Flash {
    type Item = &'a Message;
    type IntoIter = std::slice::Iter<'a, Message>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
