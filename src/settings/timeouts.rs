//! How long sessions live: stamps and now → live, due for renewal, or over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::{
    error::{Error, Kind, Refusal, SetupError},
    seal::Header,
};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The longest Max-Age that browsers honour (RFC 6265bis, section 5.5).
const LONGEST_MAX_AGE: u64 = 400 * DAY;

/// How long sessions live. All of it in whole seconds; a fraction is cut off.
///
/// A session ends when it has not been used for its idle window, and, however busy, when it reaches its absolute
/// lifetime. Both are sealed in or computed from what is sealed, and judged whenever a cookie is opened; what the
/// browser is told is a courtesy. A change of these holds for sessions that exist already, except that a window
/// made longer reaches a session with its next change.
///
/// ```
/// use std::time::Duration;
/// use sealed_session::Timeouts;
///
/// let strict = Timeouts::default().idle_timeout(Duration::from_secs(15 * 60)).absolute_timeout(Duration::from_secs(8 * 3600));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts {
    idle: u64,
    longest_idle: Option<u64>,
    absolute: u64,
    remembered: u64,
    longest_remembered: Option<u64>,
    clock_skew: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            idle: 2 * HOUR,
            longest_idle: None,
            absolute: 24 * HOUR,
            remembered: 30 * DAY,
            longest_remembered: None,
            clock_skew: MINUTE,
        }
    }
}

impl Timeouts {
    /// How long a session lives unused. Default: 2 hours.
    pub fn idle_timeout(mut self, window: Duration) -> Self {
        self.idle = window.as_secs();
        self
    }

    /// The longest idle window that is honoured in sessions sealed before [`idle`](Self::idle) was shortened.
    /// Default: the idle window itself, so that shortening it holds at once.
    pub fn longest_idle_timeout(mut self, window: Duration) -> Self {
        self.longest_idle = Some(window.as_secs());
        self
    }

    /// How long a session lives at most, however busy. Default: 24 hours.
    pub fn absolute_timeout(mut self, lifetime: Duration) -> Self {
        self.absolute = lifetime.as_secs();
        self
    }

    /// How long a remembered session lives at most ([`Session::remember`](crate::Session::remember)). Default: 30
    /// days.
    pub fn persistent_absolute_timeout(mut self, lifetime: Duration) -> Self {
        self.remembered = lifetime.as_secs();
        self
    }

    /// The longest idle window of a remembered session, also for those sealed with a longer one. Default: its
    /// lifetime.
    pub fn longest_persistent_idle_timeout(mut self, window: Duration) -> Self {
        self.longest_remembered = Some(window.as_secs());
        self
    }

    /// How far in the future a cookie may have been sealed, for clocks that disagree. Default: 60 seconds.
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

    /// Refuses what can't be meant.
    pub(crate) fn check(&self) -> Result<(), SetupError> {
        let all = [
            ("idle window", Some(self.idle)),
            ("longest idle window", self.longest_idle),
            ("absolute lifetime", Some(self.absolute)),
            ("remembered lifetime", Some(self.remembered)),
            ("longest remembered window", self.longest_remembered),
        ];
        for (what, seconds) in all {
            match seconds {
                Some(0) => {
                    return Err(SetupError::configuration(format!("the {what} is shorter than a second")));
                }
                Some(long) if long > u64::from(u32::MAX) => {
                    return Err(SetupError::configuration(format!(
                        "the {what} is longer than 2^32 - 1 seconds"
                    )));
                }
                _ => {}
            }
        }
        if self.idle > self.absolute {
            return Err(SetupError::configuration(format!(
                "the idle window ({} s) is longer than the absolute lifetime ({} s): no session would live to see it",
                self.idle, self.absolute
            )));
        }
        if self.remembered < self.absolute {
            return Err(SetupError::configuration(format!(
                "the remembered lifetime ({} s) is shorter than the absolute lifetime ({} s): to remember a session \
                 would end it",
                self.remembered, self.absolute
            )));
        }
        Ok(())
    }

    /// The window of a new ordinary session.
    pub(crate) fn idle_window(&self) -> u32 {
        u32::try_from(self.idle).expect("checked when it was built")
    }

    /// The window that `remember` may set, or why not.
    pub(crate) fn remembered_window(&self, window: Duration) -> Result<u32, Error> {
        let longest = self.longest_remembered.unwrap_or(u64::MAX).min(self.remembered);
        match window.as_secs() {
            0 => Err(Kind::Window("a session can't be remembered for less than a second".into()).into()),
            seconds if seconds > longest => Err(Kind::Window(format!(
                "a session can't be remembered for {seconds} s: the longest window is {longest} s"
            ))
            .into()),
            seconds => Ok(u32::try_from(seconds).expect("the lifetime was checked when it was built")),
        }
    }

    /// The window as it counts today.
    fn window(&self, header: &Header) -> u64 {
        let longest = match header.persistent {
            true => self.longest_remembered.unwrap_or(u64::MAX),
            false => self.longest_idle.unwrap_or(self.idle),
        };
        u64::from(header.window).min(longest)
    }

    /// When the session ends, whatever its cookies say.
    pub(crate) fn deadline(&self, header: &Header) -> u64 {
        let lifetime = if header.persistent { self.remembered } else { self.absolute };
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

/// A stamp as the standard library writes it.
pub(crate) fn from_stamp(stamp: u32) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(stamp.into())
}
