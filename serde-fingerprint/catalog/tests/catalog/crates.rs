//! Types of popular crates, as they come and with the modules that their crates have for `#[serde(with = ...)]`.

use std::collections::HashMap;
use std::fmt::Debug;
use std::str::FromStr;

use oauth2::basic;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;
use serde_with::{As, DisplayFromStr, base64::Base64, hex::Hex, json::JsonString};

use crate::outcome::Outcome::*;
use crate::outcome::{DYNAMIC, Row, YES, row, row_by_bytes};

fn parsed<T: FromStr<Err: Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn from_json<T: DeserializeOwned>(value: serde_json::Value) -> [T; 1] {
    [serde_json::from_value(value).unwrap()]
}

/// Structs of one field, each with an attribute on it.
macro_rules! fields {
    ($($name:ident: $type:ty, [$($attribute:tt)*];)*) => {$(
        #[derive(PartialEq, Serialize, Deserialize)]
        struct $name { #[serde($($attribute)*)] value: $type }
    )*};
}

fields! {
    ChronoMillis: chrono::DateTime<chrono::Utc>, [with = "chrono::serde::ts_milliseconds"];
    ChronoOptionalSeconds: Option<chrono::DateTime<chrono::Utc>>, [with = "chrono::serde::ts_seconds_option"];
    DecimalAsText: rust_decimal::Decimal, [with = "rust_decimal::serde::str"];
    DecimalAsOptionalText: Option<rust_decimal::Decimal>, [with = "rust_decimal::serde::str_option"];
    DecimalAsNumber: rust_decimal::Decimal, [with = "rust_decimal::serde::float"];
    HexBytes: Vec<u8>, [with = "hex::serde"];
    HttpHeaders: http::HeaderMap, [with = "http_serde::header_map"];
    HttpMethod: http::Method, [with = "http_serde::method"];
    HttpStatus: http::StatusCode, [with = "http_serde::status_code"];
    HttpUri: http::Uri, [with = "http_serde::uri"];
    HttpVersion: http::Version, [with = "http_serde::version"];
    JiffSeconds: jiff::Timestamp, [with = "jiff::fmt::serde::timestamp::second::required"];
    JiffTimeZone: jiff::tz::TimeZone, [with = "jiff::fmt::serde::tz::required"];
    ObjectIdAsHex: bson::oid::ObjectId, [with = "bson::serde_helpers::object_id::AsHexString"];
    TimeSeconds: time::OffsetDateTime, [with = "time::serde::timestamp"];
    UlidAsNumber: ulid::Ulid, [with = "ulid::serde::ulid_as_u128"];
    UuidCompact: uuid::Uuid, [with = "uuid::serde::compact"];
    UuidSimple: uuid::Uuid, [with = "uuid::serde::simple"];
    WithBase64: Vec<u8>, [with = "As::<Base64>"];
    WithDisplay: u64, [with = "As::<DisplayFromStr>"];
    WithHex: [u8; 4], [with = "As::<Hex>"];
    WithJson: HashMap<u8, Vec<bool>>, [with = "As::<JsonString>"];
    WithNumberKeys: Vec<(u8, String)>, [with = "As::<serde_with::Map<DisplayFromStr, serde_with::Same>>"];
    WithOneOrMany: Vec<u8>, [with = "As::<serde_with::OneOrMany<serde_with::Same>>"];
    WithPickFirst: u8, [with = "As::<serde_with::PickFirst<(serde_with::Same, DisplayFromStr)>>"];
    WithSeconds: std::time::Duration, [with = "As::<serde_with::DurationSeconds>"];
    WithDoubleOption: Option<Option<u8>>, [with = "serde_with::rust::double_option", default, skip_serializing_if = "Option::is_none"];
}

bitflags::bitflags! {
    #[derive(PartialEq, Serialize, Deserialize)]
    struct Flags: u8 {
        const READ = 1;
        const WRITE = 2;
    }
}

#[derive(Debug, enumset::EnumSetType)]
enum Plain {
    Read,
    Write,
}

#[derive(Debug, enumset::EnumSetType, Serialize, Deserialize)]
#[enumset(serialize_repr = "list")]
enum Listed {
    Read,
    Write,
}

#[derive(enum_map::Enum, Serialize, Deserialize)]
enum Size {
    Small,
    Large,
}

#[derive(PartialEq, serde_repr::Serialize_repr, serde_repr::Deserialize_repr)]
#[repr(u16)]
enum Repr {
    Low = 100,
    High = 404,
}

/// The extra fields that an OpenID provider adds to its token response.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct IdToken {
    id_token: String,
}
impl oauth2::ExtraTokenFields for IdToken {}

#[derive(Clone, Serialize, Deserialize)]
struct Pin(String);
impl secrecy::SerializableSecret for Pin {}
impl zeroize::Zeroize for Pin {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

fn token_response() -> serde_json::Value {
    json!({"access_token": "a", "token_type": "bearer", "expires_in": 3600, "scope": "read write", "id_token": "i"})
}

pub fn rows() -> Vec<Row> {
    let uuid = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let chrono = chrono::DateTime::from_timestamp(1_700_000_000, 5_000_000).unwrap();
    let time = time::macros::datetime!(2026-11-21 17:30:00.5 +01:30);
    let decimal = rust_decimal::Decimal::new(1999, 2);
    let object_id = bson::oid::ObjectId::parse_str("507f1f77bcf86cd799439011").unwrap();
    let all = json!({"list": [null, true, -1, 1.5, "text", u64::MAX], "map": {}});
    let headers = [("accept", "text/html"), ("accept", "*/*"), ("host", "example.org")];
    let headers =
        headers.map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()));
    vec![
        row("`arrayvec::ArrayString<8>`", YES, parsed::<arrayvec::ArrayString<8>>(&["", "array"])),
        row("`arrayvec::ArrayVec<u16, 4>`", YES, [arrayvec::ArrayVec::<u16, 4>::from_iter([1, 2])]),
        row("`bigdecimal::BigDecimal`", DYNAMIC, parsed::<bigdecimal::BigDecimal>(&["0", "-19.990"])),
        row("`bitflags::bitflags!`", YES, [Flags::empty(), Flags::all()]),
        row(
            "`bson::Bson`",
            DYNAMIC,
            [bson::Bson::from(5), bson::Bson::Null, object_id.into(), bson::bson!(["a", 0.5])],
        ),
        row(
            "`bson::Bson::Int64`, `Binary`, `Timestamp`",
            [Rejected, Changed, Changed],
            [
                bson::Bson::Int64(5),
                bson::Bson::Binary(bson::Binary::from(bson::Uuid::from_bytes([7; 16]))),
                bson::Bson::Timestamp(bson::Timestamp { time: 7, increment: 8 }),
            ],
        ),
        row("`bson::DateTime`", DYNAMIC, [bson::DateTime::from_millis(1_700_000_000_123)]),
        row("`bson::Decimal128`", DYNAMIC, parsed::<bson::Decimal128>(&["19.99"])),
        row(
            "`bson::Document`",
            DYNAMIC,
            [bson::doc! {"id": object_id, "at": bson::DateTime::from_millis(5), "n": 5}],
        ),
        row("`bson::oid::ObjectId`", DYNAMIC, [object_id]),
        row("`bson::oid::ObjectId`, `AsHexString`", YES, [ObjectIdAsHex { value: object_id }]),
        row("`bson::Uuid`", DYNAMIC, [bson::Uuid::from_bytes([7; 16])]),
        row("`bytes::Bytes`", YES, [bytes::Bytes::from_static(b"\xff\0")]),
        row("`camino::Utf8PathBuf`", YES, parsed::<camino::Utf8PathBuf>(&["/srv/shop"])),
        row(
            "`chrono::DateTime<FixedOffset>`",
            YES,
            [chrono.with_timezone(&chrono::FixedOffset::east_opt(5400).unwrap())],
        ),
        row("`chrono::DateTime<Utc>`", YES, [chrono]),
        row("`chrono::DateTime<Utc>`, `ts_milliseconds`", YES, [ChronoMillis { value: chrono }]),
        row(
            "`chrono::DateTime<Utc>`, `ts_seconds_option`",
            YES,
            [
                ChronoOptionalSeconds { value: None },
                ChronoOptionalSeconds { value: chrono::DateTime::from_timestamp(5, 0) },
            ],
        ),
        row("`chrono::Month`", YES, [chrono::Month::May]),
        row("`chrono::NaiveDate`", YES, [chrono.date_naive()]),
        row("`chrono::NaiveDateTime`", YES, [chrono.naive_utc()]),
        row("`chrono::NaiveTime`", YES, [chrono.time()]),
        row("`chrono::TimeDelta`", YES, [chrono::TimeDelta::milliseconds(-1500)]),
        row("`chrono::Weekday`", YES, [chrono::Weekday::Mon]),
        row(
            "`compact_str::CompactString`",
            YES,
            parsed::<compact_str::CompactString>(&["short", "long enough to be in an allocation"]),
        ),
        row(
            "`either::Either<u8, String>`",
            YES,
            [either::Either::<u8, String>::Left(5), either::Either::Right("r".into())],
        ),
        row(
            "`email_address::EmailAddress`",
            YES,
            parsed::<email_address::EmailAddress>(&["ada@example.org"]),
        ),
        row("`enum_map::EnumMap<_, u8>`", YES, [enum_map::EnumMap::<Size, u8>::from_array([1, 2])]),
        row("`enumset::EnumSet`", YES, [enumset::EnumSet::empty(), Plain::Read | Plain::Write]),
        row(
            "`enumset::EnumSet`, `serialize_repr = \"list\"`",
            YES,
            [enumset::EnumSet::empty(), Listed::Read | Listed::Write],
        ),
        row(
            "`hashbrown::HashMap<u8, String>`",
            YES,
            [hashbrown::HashMap::<u8, String>::from_iter([(1, "one".to_owned())])],
        ),
        row(
            "`hashbrown::HashSet<String>`",
            YES,
            [hashbrown::HashSet::<String>::from_iter(["one".to_owned()])],
        ),
        row("`Vec<u8>`, `hex::serde`", YES, [HexBytes { value: vec![0, 255] }]),
        row("`http::HeaderMap`, `http_serde`", YES, [HttpHeaders { value: headers.into_iter().collect() }]),
        row(
            "`http::Method`, `http_serde`",
            YES,
            [HttpMethod { value: http::Method::GET }, HttpMethod { value: "BREW".parse().unwrap() }],
        ),
        row("`http::StatusCode`, `http_serde`", YES, [HttpStatus { value: http::StatusCode::OK }]),
        row(
            "`http::Uri`, `http_serde`",
            YES,
            [HttpUri { value: "https://example.org/a?b".parse().unwrap() }],
        ),
        row(
            "`http::Version`, `http_serde`",
            [NeedsSample, Carried, Carried],
            [HttpVersion { value: http::Version::HTTP_2 }],
        ),
        row(
            "`indexmap::IndexMap<String, u8>`",
            YES,
            [indexmap::IndexMap::<String, u8>::from_iter([("b".into(), 1), ("a".into(), 2)])],
        ),
        row("`indexmap::IndexSet<u32>`", YES, [indexmap::IndexSet::<u32>::from_iter([5, 3])]),
        row("`ipnet::IpNet`", YES, parsed::<ipnet::IpNet>(&["192.0.2.0/24", "2001:db8::/32"])),
        row("`ipnet::Ipv4Net`", YES, parsed::<ipnet::Ipv4Net>(&["192.0.2.0/24"])),
        row("`iso_currency::Currency`", YES, [iso_currency::Currency::EUR]),
        row("`jiff::civil::Date`", YES, parsed::<jiff::civil::Date>(&["2026-11-21"])),
        row("`jiff::civil::DateTime`", YES, parsed::<jiff::civil::DateTime>(&["2026-11-21T17:30:00.5"])),
        row("`jiff::civil::ISOWeekDate`", YES, parsed::<jiff::civil::ISOWeekDate>(&["2026-W47-6"])),
        row("`jiff::civil::Time`", YES, parsed::<jiff::civil::Time>(&["17:30:00.5"])),
        row("`jiff::SignedDuration`", YES, [jiff::SignedDuration::from_millis(-1500)]),
        row_by_bytes("`jiff::Span`", YES, parsed::<jiff::Span>(&["P1Y2M3DT4H5.5S", "-PT1H"])),
        row("`jiff::Timestamp`", YES, parsed::<jiff::Timestamp>(&["2026-11-21T17:30:00.000000001Z"])),
        row(
            "`jiff::Timestamp`, `timestamp::second`",
            YES,
            [JiffSeconds { value: jiff::Timestamp::from_second(-5).unwrap() }],
        ),
        row(
            "`jiff::tz::TimeZone`, `tz::required`",
            YES,
            [JiffTimeZone { value: jiff::tz::TimeZone::get("Europe/Berlin").unwrap() }],
        ),
        row("`jiff::Zoned`", YES, parsed::<jiff::Zoned>(&["2026-11-21T17:30:00+01:00[Europe/Berlin]"])),
        row("`macaddr::MacAddr6`", YES, parsed::<macaddr::MacAddr6>(&["00:00:5e:00:53:01"])),
        row("`nonempty::NonEmpty<u16>`", YES, [nonempty::nonempty![1_u16, 2]]),
        row(
            "`num_bigint::BigInt`",
            DYNAMIC,
            parsed::<num_bigint::BigInt>(&["-123456789012345678901234567890", "0"]),
        ),
        row("`num_bigint::BigUint`", YES, parsed::<num_bigint::BigUint>(&["123456789012345678901234567890"])),
        row_by_bytes(
            "`oauth2::basic::BasicErrorResponse`",
            DYNAMIC,
            from_json::<basic::BasicErrorResponse>(json!({"error": "invalid_grant"})),
        ),
        row_by_bytes(
            "`oauth2::basic::BasicTokenIntrospectionResponse`",
            DYNAMIC,
            from_json::<basic::BasicTokenIntrospectionResponse>(
                json!({"active": true, "exp": 1_700_000_000}),
            ),
        ),
        row_by_bytes(
            "`oauth2::basic::BasicTokenResponse`",
            DYNAMIC,
            from_json::<basic::BasicTokenResponse>(token_response()),
        ),
        row_by_bytes("`oauth2::CsrfToken`", YES, [oauth2::CsrfToken::new("c".into())]),
        row_by_bytes("`oauth2::PkceCodeVerifier`", YES, [oauth2::PkceCodeVerifier::new("v".into())]),
        row_by_bytes("`oauth2::RefreshToken`", YES, [oauth2::RefreshToken::new("r".into())]),
        row(
            "`oauth2::RedirectUrl`",
            YES,
            [oauth2::RedirectUrl::new("https://example.org/back".into()).unwrap()],
        ),
        row_by_bytes(
            "`oauth2::StandardDeviceAuthorizationResponse`",
            DYNAMIC,
            from_json::<oauth2::StandardDeviceAuthorizationResponse>(
                json!({"device_code": "d", "user_code": "u", "verification_uri": "https://example.org", "expires_in": 60}),
            ),
        ),
        row_by_bytes(
            "`oauth2::StandardTokenResponse` with extra fields",
            DYNAMIC,
            from_json::<oauth2::StandardTokenResponse<IdToken, basic::BasicTokenType>>(token_response()),
        ),
        row("`ordered_float::NotNan<f64>`", YES, [ordered_float::NotNan::new(0.5).unwrap()]),
        row("`ordered_float::OrderedFloat<f64>`", YES, [ordered_float::OrderedFloat(-0.5)]),
        row("`phonenumber::PhoneNumber`", YES, parsed::<phonenumber::PhoneNumber>(&["+1 510 274 5656"])),
        row("`rust_decimal::Decimal`", DYNAMIC, [decimal]),
        row("`rust_decimal::Decimal`, `serde::float`", DYNAMIC, [DecimalAsNumber { value: decimal }]),
        row("`rust_decimal::Decimal`, `serde::str`", YES, [DecimalAsText { value: decimal }]),
        row(
            "`rust_decimal::Decimal`, `serde::str_option`",
            YES,
            [DecimalAsOptionalText { value: None }, DecimalAsOptionalText { value: Some(decimal) }],
        ),
        row_by_bytes("`secrecy::SecretBox`", YES, [secrecy::SecretBox::new(Box::new(Pin("1234".into())))]),
        row("`semver::Version`", YES, parsed::<semver::Version>(&["1.2.3-beta.4+build.5"])),
        row("`semver::VersionReq`", YES, parsed::<semver::VersionReq>(&["^1.2, <1.9", "*"])),
        row("`serde_bytes::ByteBuf`", YES, [serde_bytes::ByteBuf::from([0, 255])]),
        row("`serde_bytes::ByteArray<32>`", YES, [serde_bytes::ByteArray::new([255; 32])]),
        row("`serde_json::Map`", DYNAMIC, [serde_json::Map::from_iter([("all".to_owned(), all.clone())])]),
        row("`serde_json::Number`", DYNAMIC, parsed::<serde_json::Number>(&["5", "-5", "0.5"])),
        row_by_bytes(
            "`serde_json::value::RawValue`",
            [Rejected, NotRead, Carried],
            [serde_json::value::to_raw_value(&[1, 2]).unwrap()],
        ),
        row("`serde_json::Value`", DYNAMIC, [all]),
        row("`serde_repr`", YES, [Repr::Low, Repr::High]),
        row("`serde_with::Base64`", YES, [WithBase64 { value: vec![0, 255] }]),
        row("`serde_with::DisplayFromStr`", YES, [WithDisplay { value: 5 }]),
        row(
            "`serde_with::DurationSeconds`",
            YES,
            [WithSeconds { value: std::time::Duration::from_secs(60) }],
        ),
        row("`serde_with::Hex`", YES, [WithHex { value: [0, 1, 2, 255] }]),
        row("`serde_with::json::JsonString`", YES, [WithJson { value: HashMap::from([(1, vec![true])]) }]),
        row(
            "`serde_with::Map`",
            YES,
            [WithNumberKeys { value: vec![(1, "one".into()), (1, "again".into())] }],
        ),
        row(
            "`serde_with::OneOrMany`",
            DYNAMIC,
            [WithOneOrMany { value: vec![1] }, WithOneOrMany { value: vec![1, 2] }],
        ),
        row("`serde_with::PickFirst`", DYNAMIC, [WithPickFirst { value: 1 }]),
        row(
            "`serde_with::rust::double_option`",
            [NotWritten, Carried, Carried],
            [None, Some(None), Some(Some(5))].map(|value| WithDoubleOption { value }),
        ),
        row(
            "`smallvec::SmallVec<[String; 2]>`",
            YES,
            [smallvec::SmallVec::<[String; 2]>::from_iter(["a".to_owned()])],
        ),
        row(
            "`smol_str::SmolStr`",
            YES,
            parsed::<smol_str::SmolStr>(&["short", "long enough to be in an allocation"]),
        ),
        row("`time::Date`", YES, [time.date()]),
        row("`time::Duration`", YES, [time::Duration::milliseconds(-1500)]),
        row("`time::OffsetDateTime`", YES, [time]),
        row(
            "`time::OffsetDateTime`, `serde::timestamp`",
            YES,
            [TimeSeconds { value: time::OffsetDateTime::UNIX_EPOCH }],
        ),
        row("`time::PrimitiveDateTime`", YES, [time::PrimitiveDateTime::new(time.date(), time.time())]),
        row("`time::Time`", YES, [time.time()]),
        row("`time::UtcOffset`", YES, [time.offset()]),
        row("`time::Weekday`", YES, [time.weekday()]),
        row("`tinyvec::TinyVec<[u8; 4]>`", YES, [tinyvec::TinyVec::<[u8; 4]>::from([1, 2, 3, 4])]),
        row("`ulid::Ulid`", YES, parsed::<ulid::Ulid>(&["01ARZ3NDEKTSV4RRFFQ69G5FAV"])),
        row(
            "`ulid::Ulid`, `ulid_as_u128`",
            YES,
            [UlidAsNumber { value: "7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse().unwrap() }],
        ),
        row(
            "`unic_langid::LanguageIdentifier`",
            YES,
            parsed::<unic_langid::LanguageIdentifier>(&["de-AT", "zh-Hant-TW"]),
        ),
        row(
            "`url::Host`",
            YES,
            [url::Host::parse("example.org").unwrap(), url::Host::parse("[2001:db8::1]").unwrap()],
        ),
        row("`url::Url`", YES, parsed::<url::Url>(&["https://ada@example.org:8443/shop?q=1#top"])),
        row("`uuid::NonNilUuid`", YES, [uuid::NonNilUuid::new(uuid).unwrap()]),
        row("`uuid::Uuid`", YES, [uuid]),
        row("`uuid::Uuid`, `serde::compact`", YES, [UuidCompact { value: uuid }]),
        row("`uuid::Uuid`, `serde::simple`", YES, [UuidSimple { value: uuid }]),
        row("`vec1::Vec1<u16>`", YES, [vec1::vec1![1_u16, 2]]),
    ]
}
