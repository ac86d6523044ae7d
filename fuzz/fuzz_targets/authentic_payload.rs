#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| drop(sealed_session_fuzz::authentic_payload::run(data)));
