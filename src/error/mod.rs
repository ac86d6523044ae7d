//! The errors of this crate: [`SetupError`] while the application starts, [`Error`] in a request, and [`Refusal`] for a
//! rejected cookie.

mod refusal;
mod request;
mod setup;
mod store;

use std::fmt;

use rand::{TryRng, rngs::SysRng};

pub use self::{refusal::Refusal, request::Error, setup::SetupError, store::StoreError};
pub(crate) use self::{
    request::{Kind, Place},
    setup::SetupKind,
};

/// Shows an error and its causes on one line, `a: b: c`. Each error's `Display` is one level of the chain, so a log
/// line that showed only the error would lose the cause.
pub(crate) fn chain<'e>(error: &'e (dyn std::error::Error + 'static)) -> Chain<'e> {
    Chain(error)
}

pub(crate) struct Chain<'e>(&'e (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut text, mut next) = (self.0.to_string(), self.0.source());
        f.write_str(&text)?;
        while let Some(error) = next {
            let cause = error.to_string();
            // The errors of database drivers often end with the text of their cause.
            if !text.ends_with(&cause) {
                write!(f, ": {cause}")?;
            }
            (text, next) = (cause, error.source());
        }
        Ok(())
    }
}

/// The error of the operating system's random number generator.
#[derive(Debug)]
pub(crate) struct NoRandomBytes(pub(crate) <SysRng as TryRng>::Error);

impl NoRandomBytes {
    pub(crate) const MESSAGE: &str = "the operating system does not provide random bytes";
}
