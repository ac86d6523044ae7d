//! Sealing with a given nonce, to reproduce the exact text of a test vector. Never use it elsewhere: a nonce that is
//! used twice lets anyone forge every session.

use super::{
    blob::Blob,
    context::Context,
    envelope::{Draft, Padding},
    frame::{Header, Reference},
    random::Nonce,
};

impl Context {
    #[doc(hidden)]
    pub fn seal_with_nonce(
        &self,
        nonce: [u8; 24],
        draft: Draft,
        header: &Header,
        padding: Padding,
    ) -> String {
        let mut out = String::new();
        self.seal_with(Nonce::given(nonce), draft, header, padding, &mut out);
        out
    }

    #[doc(hidden)]
    pub fn seal_reference_with_nonce(&self, nonce: [u8; 24], header: &Header, to: &Reference) -> String {
        let mut out = String::new();
        self.seal_reference_with(Nonce::given(nonce), header, to, &mut out);
        out
    }

    #[doc(hidden)]
    pub fn seal_blob_with_nonce(
        &self,
        nonce: [u8; 24],
        reference: &Reference,
        session_id: &[u8; 16],
        blob: &Blob<'_>,
    ) -> Vec<u8> {
        self.seal_blob_with(Nonce::given(nonce), reference, session_id, blob)
    }
}
