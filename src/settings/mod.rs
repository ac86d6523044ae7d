//! The choices of an application, as plain values.

pub(crate) mod cookie;
pub(crate) mod counters;
mod host;
pub(crate) mod policy;
pub(crate) mod request_head;

use std::{sync::Arc, time::SystemTime};

use self::{
    cookie::SessionCookie,
    counters::Tally,
    policy::{OnFailure, Renewal},
};
use crate::{
    Payload,
    seal::{
        Context, Header,
        timeouts::{Timeouts, from_unix},
    },
    sealer::Sealer,
};

/// Everything that an application chose, but for its store.
pub(crate) struct Settings<T> {
    pub(crate) sealer: Sealer<T>,
    pub(crate) cookie: SessionCookie,
    pub(crate) previous: Vec<Previous>,
    pub(crate) renewal: Renewal,
    pub(crate) commit_on_server_error: bool,
    #[cfg_attr(
        not(any(feature = "tower", feature = "hyper")),
        expect(dead_code, reason = "only the middleware replaces responses")
    )]
    pub(crate) on_commit_failure: OnFailure,
    pub(crate) clock: Box<dyn Fn() -> SystemTime + Send + Sync>,
    pub(crate) tally: Arc<Tally>,
    /// The serialized default of the type. A session with these bytes is empty.
    pub(crate) empty: Vec<u8>,
}

/// A former realm, name or set of attributes that is still read.
pub(crate) struct Previous {
    pub(crate) context: Context,
    pub(crate) cookie: SessionCookie,
}

impl<T: Payload> Settings<T> {
    pub(crate) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    pub(crate) fn timeouts(&self) -> &Timeouts {
        self.sealer.timeouts()
    }

    pub(crate) fn cookie_name(&self) -> &str {
        self.cookie.name()
    }

    /// The keys for the present realm and cookie name, or for a previous one.
    pub(crate) fn context(&self, previous: Option<usize>) -> &Context {
        match previous {
            None => self.sealer.context(),
            Some(at) => &self.previous[at].context,
        }
    }

    /// The time at which a session expires, wherever it is kept.
    pub(crate) fn expiry(&self, header: &Header) -> SystemTime {
        from_unix(self.timeouts().expires(header))
    }
}
