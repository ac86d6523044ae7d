//! Timeouts: the stamps of a cookie and the present time decide whether it is live, due for renewal, or over.

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

/// The timeouts of sessions, in whole seconds; fractions are cut off.
///
/// A session expires when it has not been used for its idle timeout, and, however busy, at its absolute timeout. Both are
/// enforced whenever a cookie is opened; `Max-Age` is only a hint to the browser. A change of the timeouts applies to
/// existing sessions too, except that a longer idle timeout reaches a session with its next change.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::{KeyRing, Sessions};
///
/// let minutes = |count| Duration::from_secs(count * 60);
/// let sessions = Sessions::key_value(KeyRing::generate()?)
///     .timeouts(|timeouts| timeouts.idle_timeout(minutes(15)).absolute_timeout(minutes(8 * 60)))
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
    /// Sets the idle timeout: the time after which an unused session expires. Default: 2 hours.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle = timeout.as_secs();
        self
    }

    /// Sets the absolute timeout: the time after which a session expires, however busy. Default: 24 hours.
    pub fn absolute_timeout(mut self, timeout: Duration) -> Self {
        self.absolute = timeout.as_secs();
        self
    }

    /// Makes every session persistent, with these two timeouts: its cookie has a `Max-Age` and survives the closing of the
    /// browser. Default: only sessions with [`Session::remember`](crate::Session::remember) are persistent.
    ///
    /// Sessions that began before this was set stay as they are.
    pub fn all_persistent(mut self, idle: Duration, absolute: Duration) -> Self {
        (self.idle, self.absolute) = (idle.as_secs(), absolute.as_secs());
        (self.persistent_absolute, self.all_persistent) = (absolute.as_secs(), true);
        self
    }

    /// Sets the absolute timeout of persistent sessions ([`Session::remember`](crate::Session::remember)). Default: 30
    /// days.
    pub fn persistent_absolute_timeout(mut self, timeout: Duration) -> Self {
        self.persistent_absolute = timeout.as_secs();
        self
    }

    /// Sets the longest idle timeout that is honored in sessions sealed before [`idle_timeout`](Self::idle_timeout) was
    /// shortened. Default: the idle timeout itself, so that shortening it takes effect at once.
    pub fn longest_idle_timeout(mut self, timeout: Duration) -> Self {
        self.longest_idle = Some(timeout.as_secs());
        self
    }

    /// Sets the longest idle timeout of a persistent session, also of those sealed with a longer one. Default: the
    /// persistent absolute timeout.
    pub fn longest_persistent_idle_timeout(mut self, timeout: Duration) -> Self {
        self.longest_persistent_idle = Some(timeout.as_secs());
        self
    }

    /// Sets how far in the future a cookie may have been sealed, for clocks that disagree. Default: 60 seconds.
    pub fn clock_skew(mut self, skew: Duration) -> Self {
        self.clock_skew = skew.as_secs();
        self
    }

    /// Judges the stamps of an authentic cookie at a time.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotYetValid`] or [`Refusal::Expired`]; at the very second of its end a session is over.
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
            ("idle timeout", Some(self.idle)),
            ("longest idle timeout", self.longest_idle),
            ("absolute timeout", Some(self.absolute)),
            ("persistent absolute timeout", Some(self.persistent_absolute)),
            ("longest persistent idle timeout", self.longest_persistent_idle),
        ];
        let reject = |what: String| Err(SetupError::configuration(what));
        for (what, seconds) in all {
            match seconds {
                Some(0) => return reject(format!("the {what} is shorter than a second")),
                Some(long) if long > u64::from(u32::MAX) => {
                    return reject(format!("the {what} is longer than 2^32 - 1 seconds"));
                }
                _ => {}
            }
        }
        if self.idle > self.absolute {
            return reject(format!(
                "the idle timeout ({} s) is longer than the absolute timeout ({} s): no session would live to see it",
                self.idle, self.absolute
            ));
        }
        if self.persistent_absolute < self.absolute {
            return reject(format!(
                "the persistent absolute timeout ({} s) is shorter than the absolute timeout ({} s): remembering a \
                 session would end it",
                self.persistent_absolute, self.absolute
            ));
        }
        Ok(())
    }

    /// The idle timeout of a new session.
    pub(crate) fn idle_window(&self) -> u32 {
        u32::try_from(self.idle).expect("checked when it was built")
    }

    pub(crate) fn are_all_persistent(&self) -> bool {
        self.all_persistent
    }

    /// The idle timeout that `remember` sets, if it is allowed.
    pub(crate) fn persistent_window(&self, timeout: Duration) -> Result<u32, Error> {
        let longest = self.longest_persistent_idle.unwrap_or(u64::MAX).min(self.persistent_absolute);
        match timeout.as_secs() {
            0 => Err(Kind::Window("a session cannot be remembered for less than a second".into()).into()),
            seconds if seconds > longest => Err(Kind::Window(format!(
                "a session cannot be remembered for {seconds} s: the longest idle timeout is {longest} s"
            ))
            .into()),
            seconds => Ok(u32::try_from(seconds).expect("the timeouts were checked when they were built")),
        }
    }

    /// The idle timeout that applies today.
    fn window(&self, header: &Header) -> u64 {
        let longest = match header.persistent {
            true => self.longest_persistent_idle.unwrap_or(u64::MAX),
            false => self.longest_idle.unwrap_or(self.idle),
        };
        u64::from(header.window).min(longest)
    }

    /// When the session ends, whatever its cookies say.
    pub(crate) fn deadline(&self, header: &Header) -> u64 {
        let lifetime = if header.persistent { self.persistent_absolute } else { self.absolute };
        u64::from(header.created).saturating_add(lifetime)
    }

    /// The first second in which the cookie no longer opens.
    pub(crate) fn expires(&self, header: &Header) -> u64 {
        (u64::from(header.issued) + self.window(header)).min(self.deadline(header))
    }

    /// For how long the browser is to keep the cookie; `None` for as long as the browser runs.
    pub(crate) fn max_age(&self, header: &Header) -> Option<u64> {
        let left = self.expires(header).saturating_sub(u64::from(header.issued));
        header.persistent.then_some(left.min(LONGEST_MAX_AGE))
    }

    /// Whether one part in `parts` of the window is spent.
    pub(crate) fn is_spent(&self, header: &Header, now: u64, parts: u64) -> bool {
        let age = now.saturating_sub(u64::from(header.issued));
        age.saturating_mul(parts) >= self.window(header)
    }
}

/// Seconds since 1970; a clock before that counts as 0.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A time as the format writes it.
pub(crate) fn stamp(time: SystemTime) -> Result<u32, Error> {
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| Kind::Clock)?;
    u32::try_from(since.as_secs()).map_err(|_| Kind::Clock.into())
}

/// A time of the format as the standard library has it.
pub(crate) fn from_unix(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}
