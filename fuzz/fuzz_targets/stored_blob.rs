#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(sealed_session_fuzz::stored_blob::run(data)));
