//! The timeouts of sessions: from a sealed header and the current time to valid, due for renewal, or expired.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{
    error::{Error, Kind, Refusal, SetupError},
    seal::Header,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest Max-Age that browsers honor (RFC 6265bis, section 5.5).
const LONGEST_MAX_AGE: u64 = 400 * DAY;

/// The timeouts of sessions, in whole seconds. Fractions of a second are dropped.
///
/// A session ends when it has not been used for its idle timeout. However busy it is, it ends when its absolute timeout
/// has passed since it began. The server enforces both whenever a cookie is opened. The cookie's `Max-Age` is only a
/// hint to the browser. New timeouts also apply to existing sessions, except that a longer idle timeout applies to a
/// session from its next change on.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::{KeyRing, Sessions};
///
/// let sessions = Sessions::key_value(KeyRing::generate()?)
///     .timeouts(|timeouts| {
///         timeouts
///             .idle_timeout(Duration::from_secs(15 * 60))
///             .absolute_timeout(Duration::from_secs(8 * 3600))
///     })
///     .build()?;
/// # Ok::<(), sealed_session::SetupError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    idle: u64,
    longest_idle: Option<u64>,
    absolute: u64,
    persistent_absolute: u64,
    longest_persistent_idle: Option<u64>,
    all_persistent: bool,
    clock_skew: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            idle: 2 * HOUR,
            longest_idle: None,
            absolute: 24 * HOUR,
            persistent_absolute: 30 * DAY,
            longest_persistent_idle: None,
            all_persistent: false,
            clock_skew: MINUTE,
        }
    }
}

impl Timeouts {
    /// Sets the idle timeout: a session that is not used for this long ends. Default: 2 hours.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = timeout.as_secs();
        self
    }

    /// Sets the longest idle timeout that is honored in existing sessions. Default: the idle timeout, so that a shorter
    /// one applies at once.
    ///
    /// When you shorten the [`idle_timeout`](Self::idle_timeout), set this to its former value to let existing sessions
    /// keep theirs.
    pub fn longest_idle_timeout(mut self, timeout: Duration) -> Self {
        self.longest_idle = Some(timeout.as_secs());
        self
    }

    /// Sets the absolute timeout: a session ends this long after it began, however busy it is. Default: 24 hours.
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute = timeout.as_secs();
        self
    }

    /// Sets the absolute timeout of persistent sessions, which [`Session::remember`](crate::Session::remember) makes.
    /// Default: 30 days.
    pub fn persistent_absolute_timeout(mut self, timeout: Duration) -> Self {
        self.persistent_absolute = timeout.as_secs();
        self
    }

    /// Sets the longest idle timeout of persistent sessions, including those that were sealed with a longer one.
    /// Default: their absolute timeout, or the idle timeout of [`all_persistent`](Self::all_persistent).
    pub fn longest_persistent_idle_timeout(mut self, timeout: Duration) -> Self {
        self.longest_persistent_idle = Some(timeout.as_secs());
        self
    }

    /// Makes every session persistent, with these two timeouts: its cookie has a `Max-Age` and survives the closing of
    /// the browser. Default: only sessions with [`Session::remember`](crate::Session::remember) are persistent.
    ///
    /// Sessions that began before this was set still end with the browser. A shorter idle timeout applies to persistent
    /// sessions at once, and a longer one from their next change on.
    pub fn all_persistent(mut self, idle: Duration, absolute: Duration) -> Self {
        (self.idle, self.absolute) = (idle.as_secs(), absolute.as_secs());
        (self.persistent_absolute, self.all_persistent) = (absolute.as_secs(), true);
        self
    }

    /// Sets the allowed clock skew: how far in the future a cookie may have been sealed. Default: 60 seconds. It allows
    /// for differences between the clocks of several servers.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew.as_secs();
        self
    }

    /// Checks the timestamps of an authentic cookie.
    ///
    /// # Errors
    ///
    /// Returns [`Refusal::NotYetValid`] or [`Refusal::Expired`]. In the very second in which it expires, a session is
    /// expired.
    pub fn judge(&self, header: &Header, now: SystemTime) -> Result<(), Refusal> {
        let now = unix_seconds(now);
        if u64::from(header.issued) > now.saturating_add(self.clock_skew) {
            Err(Refusal::NotYetValid)
        } else if self.expires(header) <= now {
            Err(Refusal::Expired)
        } else {
            Ok(())
        }
    }

    /// Rejects timeouts that make no sense.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let all = [
            ("idle_timeout", Some(self.idle)),
            ("longest_idle_timeout", self.longest_idle),
            ("absolute_timeout", Some(self.absolute)),
            ("persistent_absolute_timeout", Some(self.persistent_absolute)),
            ("longest_persistent_idle_timeout", self.longest_persistent_idle),
        ];
        for (what, seconds) in all {
            match seconds {
                Some(0) => {
                    let what = format!("`{what}` is shorter than a second: set it to a second or more");
                    return Err(SetupError::configuration(what));
                }
                Some(long) if long > u64::from(u32::MAX) => {
                    let what = format!("`{what}` is longer than 2^32 - 1 seconds: shorten it");
                    return Err(SetupError::configuration(what));
                }
                _ => {}
            }
        }
        if self.idle > self.absolute {
            return Err(SetupError::configuration(format!(
                "`idle_timeout` ({} s) is longer than `absolute_timeout` ({} s), so no session could reach it: shorten \
                 the first or extend the second",
                self.idle, self.absolute
            )));
        }
        if self.persistent_absolute < self.absolute {
            return Err(SetupError::configuration(format!(
                "`persistent_absolute_timeout` ({} s) is shorter than `absolute_timeout` ({} s), so `remember` would \
                 shorten a session: extend the first or shorten the second",
                self.persistent_absolute, self.absolute
            )));
        }
        Ok(())
    }

    /// Returns the idle timeout of a new session that is not persistent, in seconds.
    pub(crate) fn idle_window(&self) -> u32 {
        u32::try_from(self.idle).expect("checked when it was built")
    }

    /// Returns the longest time for which a session can live.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_secs(self.absolute.max(self.persistent_absolute))
    }

    pub(crate) fn allowed_skew(&self) -> Duration {
        Duration::from_secs(self.clock_skew)
    }

    pub(crate) fn are_all_persistent(&self) -> bool {
        self.all_persistent
    }

    /// Returns the idle timeout that `remember` sets, in seconds.
    pub(crate) fn persistent_window(&self, timeout: Duration) -> Result<u32, Error> {
        let longest = self.longest_persistent().min(self.persistent_absolute);
        match timeout.as_secs() {
            0 => Err(Kind::Window("`remember` cannot set an idle timeout of less than a second".into()).into()),
            seconds if seconds > longest => Err(Kind::Window(format!(
                "`remember` cannot set an idle timeout of {seconds} s: the longest of a persistent session is \
                 {longest} s; pass less, or raise it in `Timeouts`"
            ))
            .into()),
            seconds => Ok(u32::try_from(seconds).expect("the lifetime was checked when it was built")),
        }
    }

    /// Returns the longest idle timeout that is honored of a session that is not persistent, in seconds.
    pub(crate) fn longest_idle(&self) -> u64 {
        self.longest_idle.unwrap_or(self.idle)
    }

    fn longest_persistent(&self) -> u64 {
        self.longest_persistent_idle.unwrap_or(if self.all_persistent { self.idle } else { u64::MAX })
    }

    /// Returns the idle timeout of a session, shortened to the longest that is honored now.
    pub(crate) fn window(&self, header: &Header) -> u64 {
        let longest = match header.persistent {
            true => self.longest_persistent(),
            false => self.longest_idle(),
        };
        u64::from(header.window).min(longest)
    }

    /// Returns the second in which the session ends, however often it is renewed.
    pub(crate) fn deadline(&self, header: &Header) -> u64 {
        let lifetime = if header.persistent { self.persistent_absolute } else { self.absolute };
        u64::from(header.created).saturating_add(lifetime)
    }

    /// Returns the first second in which the cookie no longer opens.
    pub(crate) fn expires(&self, header: &Header) -> u64 {
        (u64::from(header.issued) + self.window(header)).min(self.deadline(header))
    }

    /// Returns the cookie's Max-Age in seconds, or `None` for a cookie that ends with the browser.
    pub(crate) fn max_age(&self, header: &Header) -> Option<u64> {
        let left = self.expires(header).saturating_sub(u64::from(header.issued));
        header.persistent.then_some(left.min(LONGEST_MAX_AGE))
    }

    /// Returns true if one part in `parts` of the idle timeout is spent.
    pub(crate) fn is_spent(&self, header: &Header, now: u64, parts: u64) -> bool {
        let age = now.saturating_sub(u64::from(header.issued));
        age.saturating_mul(parts) >= self.window(header)
    }
}

/// Returns the seconds since 1970, or 0 for a time before that.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Returns a time as the format writes it.
pub(crate) fn stamp(time: SystemTime) -> Result<u32, Error> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Kind::Clock)?;
    u32::try_from(since.as_secs()).map_err(|_| Kind::Clock.into())
}

/// Returns the time of a stamp.
pub(crate) fn from_unix(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
