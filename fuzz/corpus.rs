//! The corpus of each target: small inputs, each for one rule of the format.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sealed_session::seal::Header;
use serde_fingerprint::named;
use sha2::{Digest, Sha256};

use crate::targets::{
    authentic_payload::{Event, Payload, SCHEMA},
    cookie_header::{self, NOW, seal, seal_reference},
    map_values::compact_map,
    stored_blob,
};

/// A file: its name, an outcome that it leads to, and its bytes.
pub type Seed = (&'static str, &'static str, Vec<u8>);

fn seed(name: &'static str, outcome: &'static str, data: impl AsRef<[u8]>) -> Seed {
    (name, outcome, data.as_ref().to_vec())
}

pub fn cookie_header() -> Vec<Seed> {
    let sealed = &**cookie_header::SEALED;
    let header = cookie_header::header();
    let with = |at: usize, byte: u8| {
        let mut envelope = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap();
        envelope[at] = byte;
        BASE64_URL_SAFE_NO_PAD.encode(envelope)
    };
    let last = BASE64_URL_SAFE_NO_PAD.decode(sealed).unwrap().len() - 1;
    vec![
        seed("empty", "absent", ""),
        seed("control_character", "not a header value", "\x01"),
        seed("bytes_above_ascii", "malformed", b"\xff\xfe"),
        seed("the_session", "opened", sealed),
        seed("among_other_cookies", "opened", format!("a=b; __Host-session={sealed}; c")),
        seed("semicolons_and_spaces", "opened", format!(";;\t {sealed} ;; ; __Host-session={sealed}\t;")),
        seed("second_of_two", "opened", format!("x; __Host-session={sealed}")),
        seed("third_of_three", "malformed", format!("x; __Host-session=x; __Host-session={sealed}")),
        seed("space_before_equals", "absent", format!("__Host-session ={sealed}")),
        seed("name_in_lower_case", "absent", format!("__host-session={sealed}")),
        seed("quoted", "malformed", format!("\"{sealed}\"")),
        seed("base64_with_padding", "malformed", format!("{sealed}=")),
        seed("base64_of_standard_alphabet", "malformed", "E++/".repeat(30)),
        seed("cut_to_a_header", "malformed", &sealed[..40]),
        seed("version_0", "malformed", with(0, 0x01)),
        seed("version_2", "unsupported_version", with(0, 0x21)),
        seed("role_of_a_blob", "malformed", with(0, 0x13)),
        seed("role_of_a_reference", "forged", with(0, 0x12)),
        seed("unknown_key", "unknown_key", with(1, 0)),
        seed("other_nonce", "forged", with(5, 0)),
        seed("other_tag", "forged", with(last, 0)),
        seed("no_window", "bad_frame", seal(&Header { window: 0, ..header }, b"\x03Ada")),
        seed("issued_before_created", "bad_frame", seal(&Header { created: NOW, ..header }, b"\x03Ada")),
        seed(
            "issued_in_the_future",
            "not_yet_valid",
            seal(&Header { issued: u32::MAX, ..header }, b"\x03Ada"),
        ),
        seed("window_has_passed", "expired", seal(&Header { window: 1, ..header }, b"\x03Ada")),
        seed("other_schema", "unknown_schema", seal(&Header { schema: 99, ..header }, b"\x03Ada")),
        seed("payload_cut_short", "undecodable", seal(&header, b"\x03Ad")),
        seed("payload_goes_on", "undecodable", seal(&header, b"\x03Ada!")),
        seed("payload_not_self_describing", "undecodable", seal(&Header { schema: 1, ..header }, b"\x03Ada")),
        seed("reference_without_a_store", "missing_blob", seal_reference(&header)),
    ]
}

pub fn key_text() -> Vec<Seed> {
    const XAES: &str = "ssk1.xaes.6V5Twubr3rhWk-zwjUe0HSMSOzedANKLKGD0DvxZ6iM.Y_mGxQ";
    const XCHACHA: &str = "ssk1.xchacha.zJuMfn8UTJc8VklraYdTp1LrQWR8kJYe5uCpPnwNNRs.BVP4OQ";
    const BARE: &str = "q8oJbUxtYVNV0HYuLIxdpGwvYMWZ4aL2mLMQBzBrzk0=";
    let checked = |text: &str| {
        let checksum = BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..4]);
        format!("{text}.{checksum}")
    };
    let master = |master: &str| checked(&format!("ssk1.xaes.{master}"));
    vec![
        seed("empty", "key ring is empty", ""),
        seed("not_utf_8", "not UTF-8", b"ssk1.\xff"),
        seed("xaes", "a key", XAES),
        seed("xchacha", "a key", XCHACHA),
        seed("what_follows_the_suite", "a key", &XAES[10..]),
        seed("byte_order_mark", "does not begin with", format!("{XAES}\n\u{feff}")),
        seed("two_keys_and_a_comma", "a ring", format!("{XAES},{XCHACHA}")),
        seed("comments", "a ring", format!("# first\r\n{XAES} # second\r\n\t{XCHACHA}\r\n#")),
        seed("unicode_white_space", "a ring", format!("\u{a0}{XAES}\u{2028}\u{3000},,{XCHACHA}\u{85}")),
        seed("only_a_comment", "key ring is empty", format!("# {XAES}")),
        seed("one_key_twice", "have the same key id", format!("{XAES} {XCHACHA} {XAES}")),
        seed(
            "misspelt_second_key",
            "checksum does not match",
            format!("{XAES} {}", XCHACHA.replace("zJ", "zj")),
        ),
        seed("other_prefix", "does not begin with", XAES.replace("ssk1", "ssk2")),
        seed("other_suite", "suite is neither", checked(&XAES[..53].replace("xaes", "XAES"))),
        seed("no_checksum", "is not of the form", &XAES[..53]),
        seed("a_part_too_many", "is not of the form", format!("{XAES}.")),
        seed("empty_parts", "of the wrong length", "ssk1.xaes.."),
        seed("master_too_short", "of the wrong length", master(&XAES[10..52])),
        seed("master_too_long", "of the wrong length", master(&format!("{}A", &XAES[10..53]))),
        seed("master_of_standard_alphabet", "is not base64url", master(&XAES[10..53].replace('-', "+"))),
        seed("master_with_unused_bits", "is not base64url", master(&XAES[10..53].replace("6iM", "6iN"))),
        seed("checksum_of_other_text", "checksum does not match", format!("{}.AAAAAA", &XAES[..53])),
        seed("checksum_with_padding", "checksum does not match", format!("{XAES}==")),
        seed("all_zero", "all bytes of its key material are equal", master(&"A".repeat(43))),
        seed("no_prefix", "a key without a prefix", BARE),
        seed("no_prefix_in_a_ring", "a ring", format!("{XAES}\n{BARE} # new\n")),
        seed("no_prefix_nor_padding", "copy the `=` too", &BARE[..43]),
        seed("no_prefix_and_unused_bits", "not the base64 of 32 bytes", BARE.replace("0=", "1=")),
        seed("no_prefix_and_url_alphabet", "not the base64 of 32 bytes", BARE.replace('J', "-")),
        seed("no_prefix_and_hexadecimal", "64 hexadecimal digits", "0123456789abcdef".repeat(4)),
        seed(
            "no_prefix_and_all_zero",
            "all bytes of its key material are equal",
            format!("{}=", "A".repeat(43)),
        ),
        seed("all_ones", "all bytes of its key material are equal", master(&format!("{}8", "_".repeat(42)))),
    ]
}

pub fn authentic_payload() -> Vec<Seed> {
    const READ: &str = "compact: read";
    const FAULTY: &str = "compact: does not decode";
    const READ_NAMED: &str = "self-describing: read";
    const FAULTY_NAMED: &str = "self-describing: does not decode";
    let payload =
        |events| Payload { id: 0, flag: false, letter: 'a', events, map: BTreeMap::new(), fixed: [0; 3] };
    let full = Payload {
        id: u128::MAX,
        flag: true,
        letter: '\u{10ffff}',
        events: vec![
            Event::Nothing,
            Event::Said("\u{e9}".into()),
            Event::Moved { x: i64::MIN, y: None },
            Event::Moved { x: -1, y: Some(f64::NAN) },
            Event::Nested(vec![Event::Nested(Vec::new()), Event::Nothing]),
        ],
        map: [(String::new(), (0, 0)), ("key".into(), (255, i16::MIN))].into(),
        fixed: [0, 300, u32::MAX],
    };
    let compact = |value: &Payload| {
        let mut bytes = Vec::new();
        SCHEMA.encode_into(value, &mut bytes).unwrap();
        bytes
    };
    let named = |value: &Payload| {
        let mut bytes = Vec::new();
        named::encode_into(value, &mut bytes).unwrap();
        bytes
    };
    // A compact payload of these events.
    let events = |events: &[u8]| [b"\0\0\x01a", events, b"\0\0\0\0"].concat();
    // A self-describing one.
    let named_events = |events: &[u8]| {
        [b"\x86\xa2id\0\xa4flag\xc2\xa6letter\xa1a\xa6events", events, b"\xa3map\x80\xa5fixed\x93\0\0\0"]
            .concat()
    };
    let goes_on = |bytes: Vec<u8>| [bytes, vec![0]].concat();
    // Each event is two levels, below two of the struct and the list.
    let nested = |count: usize| events(&[b"\x01\x03".repeat(count), vec![0]].concat());
    let named_nested =
        |count: usize| named_events(&[b"\x91\x81\xa6Nested".repeat(count), vec![0x90]].concat());
    vec![
        seed("empty", FAULTY, ""),
        seed("compact_least", READ, compact(&payload(Vec::new()))),
        seed("compact_full", READ, compact(&full)),
        seed("compact_goes_on", "compact: goes on after its value", goes_on(compact(&full))),
        seed("compact_128_levels", READ, nested(63)),
        seed("compact_130_levels", FAULTY, nested(64)),
        seed("compact_3000_levels", FAULTY, nested(1500)),
        seed("compact_repeated_key", READ, b"\0\0\x01a\0\x02\x01k\0\0\x01k\0\x01\0\0\0"),
        seed("compact_long_integer", READ, b"\x80\0\0\x01a\0\0\0\0\0"),
        seed("compact_integer_of_too_many_bytes", FAULTY, [0xff; 20]),
        seed("compact_flag_of_2", FAULTY, b"\0\x02\x01a\0\0\0\0\0"),
        seed("compact_two_letters", READ, b"\0\0\x02ab\0\0\0\0\0"),
        seed("compact_text_not_utf_8", FAULTY, events(b"\x01\x01\x01\xff")),
        seed("compact_option_of_2", FAULTY, events(b"\x01\x02\0\x02")),
        seed("compact_unknown_variant", FAULTY, events(b"\x01\x04")),
        seed("compact_list_of_2_to_the_63", FAULTY, events(b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01")),
        seed("compact_list_without_bytes", "compact: a list without bytes", b"\x02\x01\0"),
        seed("compact_list_without_bytes_too_long", FAULTY, b"\x02\x7f\0"),
        seed("named_full", READ_NAMED, named(&full)),
        seed("named_goes_on", "self-describing: goes on after its value", goes_on(named(&full))),
        seed("named_128_levels", READ_NAMED, named_nested(63)),
        seed("named_130_levels", FAULTY_NAMED, named_nested(64)),
        seed("named_fields_cut_short", FAULTY_NAMED, &named(&full)[..40]),
        seed(
            "named_unknown_field",
            READ_NAMED,
            [b"\x87\xa3new\x91\xc0", &named_events(b"\x90")[1..]].concat(),
        ),
        seed("named_repeated_field", FAULTY_NAMED, [b"\x87\xa2id\0", &named_events(b"\x90")[1..]].concat()),
        seed("named_list_as_struct", FAULTY_NAMED, b"\x96\0\xc2\xa1a\x90\x80\x93\0\0\0"),
        seed("named_number_as_variant", FAULTY_NAMED, named_events(b"\x91\0")),
        seed("named_list_as_variant", FAULTY_NAMED, named_events(b"\x91\x91\xa7Nothing")),
        seed("named_list_of_2_to_the_32", FAULTY_NAMED, named_events(b"\xdd\xff\xff\xff\xff")),
        seed("named_reserved_marker", FAULTY_NAMED, named_events(b"\xc1")),
    ]
}

pub fn stored_blob() -> Vec<Seed> {
    let sealed = &**stored_blob::SEALED;
    let padded = [sealed, &[0; stored_blob::LIMIT]].concat();
    let with = |at: usize, byte: u8| {
        let mut bytes = sealed.to_vec();
        bytes[at] = byte;
        bytes
    };
    vec![
        seed("empty", "as stored: malformed", ""),
        seed("sealed", "as stored: opened", sealed),
        seed("cut_to_the_clear_bytes", "as stored: malformed", &sealed[..58]),
        seed("cut_to_the_shortest", "as stored: forged", &sealed[..59]),
        seed("too_long", "as stored: malformed", &padded[..=stored_blob::LIMIT]),
        seed("longest", "as stored: forged", &padded[..stored_blob::LIMIT]),
        seed("role_of_a_cookie", "as stored: malformed", with(0, 0x11)),
        seed("unknown_key", "as stored: unknown_key", with(1, 0)),
        seed("later_generation", "as stored: forged", with(12, 5)),
        seed("goes_on", "as stored: forged", [sealed, b"\0"].concat()),
        seed("authentic", "authentic: opened", b"\x04\0\0\0\x07\0\x02Ada\0\0"),
        seed("authentic_of_the_very_generation", "authentic: opened", b"\x03\0\0\0\x07\0\0Ada"),
        seed("authentic_of_an_earlier_generation", "authentic: stale_blob", b"\x02\0\0\0\x07\0\0Ada"),
        seed("authentic_and_faulty_and_earlier", "authentic: stale_blob", b"\x02\0\0\0\x07\0\x04Ada"),
        seed("authentic_without_a_payload", "authentic: opened", b"\x04\0\0\0\x07\0\0"),
        seed("authentic_all_padding", "authentic: opened", b"\x04\0\0\0\x07\0\x04\0\0\0\0"),
        seed("authentic_without_a_pad_length", "authentic: malformed", b"\x04\0\0\0\x07\0"),
        seed("authentic_padding_not_zero", "authentic: bad_frame", b"\x04\0\0\0\x07\0\x03Ada\0\0"),
        seed("authentic_padding_beyond_the_blob", "authentic: bad_frame", b"\x04\0\0\0\x07\0\x04Ada"),
        seed("authentic_padding_of_65535", "authentic: bad_frame", b"\x04\0\0\0\x07\xff\xffAda"),
        seed("authentic_too_long", "authentic: malformed", [4; stored_blob::LIMIT - 50]),
    ]
}

pub fn map_values() -> Vec<Seed> {
    let nested = |count: usize| [vec![0x91; count], vec![0x90]].concat();
    let nested_enum = |count: usize| [b"\x81\xa6Nested\x91".repeat(count), b"\xa7Nothing".to_vec()].concat();
    vec![
        seed("empty", "nothing", ""),
        seed("nil", "option", b"\xc0"),
        seed("true", "option", b"\xc3"),
        seed("reserved_marker", "nothing", b"\xc1"),
        seed("goes_on", "nothing", b"\xc0\xc0"),
        seed("unsigned_64", "unsigned", b"\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        seed("negative", "untagged", b"\xd3\x80\0\0\0\0\0\0\0"),
        seed("float_signaling_nan", "float", b"\xca\x7f\x80\0\x01"),
        seed("float_64", "json", b"\xcb\x7f\xf0\0\0\0\0\0\0"),
        seed("string", "string", b"\xd9\x03Ada"),
        seed("string_not_utf_8", "bytes", b"\xa1\xff"),
        seed("bytes", "bytes", b"\xc4\x02\xff\0"),
        seed("extension", "nothing", b"\xd4\x01\0"),
        seed("list", "list", b"\xdc\0\x03\0\xff\xd1\x80\0"),
        seed("list_of_2_to_the_32", "nothing", b"\xdd\xff\xff\xff\xff\0"),
        seed("struct", "struct", b"\x82\xa4user\x07\xa5views\xff"),
        seed("struct_with_alias_and_default", "struct", b"\x82\xa4user\xc0\xa1n\x01"),
        seed("list_as_struct", "list", b"\x92\x07\x01"),
        seed("enum_name", "enum", b"\xa7Nothing"),
        seed("enum_with_a_list", "enum", b"\x81\xa4Pair\x92\x01\xa1a"),
        seed("enum_with_fields", "enum", b"\x81\xa5Moved\x82\xa1x\x01\xa1y\xca\0\0\0\0"),
        seed("enum_of_127_levels", "enum", nested_enum(63)),
        seed("enum_of_129_levels", "nothing", nested_enum(65)),
        seed("tagged", "tagged", b"\x83\xa4kind\xa5Moved\xa1y\x90\xa1x\x01"),
        seed("tagged_as_a_list", "tagged", b"\x91\xa7Nothing"),
        seed("untagged", "untagged", b"\x81\xa5inner\x92\x01\x91\xa1a"),
        seed("flattened", "flattened", b"\x83\xa2id\x07\xa1a\x81\xa1b\xc0\xa1a\x01"),
        seed("json_of_128_levels", "json", nested(127)),
        seed("json_of_129_levels", "nothing", nested(128)),
        seed("compact_map", "compact map", compact_map(&[("a", b"\x07"), ("b", b"\xc1"), ("c", b"\xa1x")])),
        seed("self_describing_map", "self-describing map", b"\x82\xa1a\xc4\x01\x07\xa1b\xc4\x01\xc1"),
    ]
}
