//! Flash messages: set before a redirect, and shown once on the next page.
//!
//! [`Flash`] is a field of your session data, or a value of a [`SessionMap`](crate::SessionMap).
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
//! A message is shown exactly once as long as one request at a time writes to the session. The messages are in the
//! cookie, and if two parallel responses set the cookie, the browser keeps the one that arrives last. So a request that
//! writes or renews the session, and whose response arrives late, can bring back a message that was already shown, or
//! lose one that was set after the request began. A request that only reads does neither.
//!
//! Call [`Session::skip_renewal`](crate::Session::skip_renewal) in endpoints that a page polls, so that they do not renew
//! the session. A message that must not be lost belongs in a database.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Information.
    Info,
    /// Success: something worked.
    Success,
    /// A warning: something worked, but needs attention.
    Warning,
    /// An error: something did not work.
    Error,
}

/// A flash message.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The kind of the message.
    pub level: Level,
    /// The text. Escape it in HTML like any other text.
    pub text: String,
}

/// The flash messages for the next page. Empty by default.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    messages: Vec<Message>,
}

impl fmt::Debug for Message {
    /// Shows only the level, because the text is session data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("level", &self.level).finish_non_exhaustive()
    }
}

impl fmt::Debug for Flash {
    /// Shows only the number of messages, because the messages are session data.
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

    /// Adds a message of level [`Info`](Level::Info).
    pub fn info(&mut self, text: impl Into<String>) {
        self.push(Level::Info, text);
    }

    /// Adds a message of level [`Success`](Level::Success).
    pub fn success(&mut self, text: impl Into<String>) {
        self.push(Level::Success, text);
    }

    /// Adds a message of level [`Warning`](Level::Warning).
    pub fn warning(&mut self, text: impl Into<String>) {
        self.push(Level::Warning, text);
    }

    /// Adds a message of level [`Error`](Level::Error).
    pub fn error(&mut self, text: impl Into<String>) {
        self.push(Level::Error, text);
    }

    /// Removes and returns all messages, in the order in which they were added. If there are none, the session is not
    /// changed.
    #[must_use = "the messages are removed and would be lost"]
    pub fn take(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }

    /// Returns an iterator over the messages, without removing them.
    pub fn iter(&self) -> std::slice::Iter<'_, Message> {
        self.messages.iter()
    }

    /// Returns true if there are no messages.
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
