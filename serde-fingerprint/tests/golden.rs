//! Fingerprints never change. A change here would make all stored payloads unreadable.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU8, NonZeroU64};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_fingerprint::{Fingerprint, Schema};

#[derive(Serialize, Deserialize)]
struct Unit;

#[derive(Serialize, Deserialize)]
struct Visit {
    user: Option<u64>,
    views: u32,
}

#[derive(Serialize, Deserialize)]
struct Item {
    sku: String,
    qty: u32,
    price_cents: u64,
}

#[derive(Serialize, Deserialize)]
struct Cart {
    user_id: u64,
    csrf: [u8; 16],
    name: String,
    email: String,
    locale: String,
    roles: Vec<String>,
    items: Vec<Item>,
    flash: Vec<String>,
}

#[derive(Serialize, Deserialize)]
enum Payment {
    Nothing,
    Transfer(String),
    Coins(u8, u32),
    Card { holder: String, digits: [u8; 4] },
}

#[derive(Serialize, Deserialize)]
struct List {
    value: u8,
    next: Option<Box<List>>,
}

#[derive(Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Tree>, Box<Tree>),
}

#[derive(Serialize, Deserialize)]
struct Menu {
    title: String,
    entries: Vec<Menu>,
}

#[derive(Serialize, Deserialize)]
struct Folder {
    files: HashMap<String, File>,
}

#[derive(Serialize, Deserialize)]
enum File {
    Folder(Folder),
    Text(String),
}

#[derive(Serialize, Deserialize)]
struct Price(#[serde(with = "rust_decimal::serde::str")] rust_decimal::Decimal);

macro_rules! golden {
    ($($name:ident: $type:ty = $fingerprint:literal;)*) => {$(
        #[test]
        fn $name() {
            let schema = Schema::<$type>::trace().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(schema.fingerprint(), Fingerprint::from($fingerprint));
        }
    )*};
}

golden! {
    unit: () = 0x7175_9b75;
    unit_struct: Unit = 0x7175_9b75;
    a_bool: bool = 0x287a_14d4;
    an_i8: i8 = 0x7ee2_c72c;
    an_i16: i16 = 0x1f1c_bc72;
    an_i32: i32 = 0x35bc_6f5f;
    an_i64: i64 = 0x0765_ced9;
    an_i128: i128 = 0x6b78_e9e6;
    a_u8: u8 = 0xa1f6_be6e;
    a_u16: u16 = 0x34e8_a98e;
    a_u32: u32 = 0x8aeb_6496;
    a_u64: u64 = 0xd8ee_511b;
    a_u128: u128 = 0x39de_dd85;
    a_usize: usize = 0xd8ee_511b;
    an_f32: f32 = 0x12c3_e2a0;
    an_f64: f64 = 0xba78_292b;
    a_char: char = 0xc0ba_b6f0;
    a_string: String = 0xc3f5_b6b9;
    bytes: std::ffi::CString = 0xd64d_ac58;
    a_path: PathBuf = 0xc3f5_b6b9;
    an_option: Option<u8> = 0x8498_f9e5;
    an_option_of_an_option: Option<Option<u8>> = 0x9e19_e8ac;
    a_list: Vec<u8> = 0x0691_64e3;
    a_set: HashSet<String> = 0x8a9e_154e;
    a_map: BTreeMap<String, u32> = 0x226c_7f85;
    a_tuple: (u8, String, bool) = 0x6b19_38f1;
    an_array: [u16; 4] = 0x2de1_b85e;
    a_result: Result<u8, String> = 0x2b68_b624;
    a_range: std::ops::Range<u32> = 0x7c3d_59fc;
    a_bound: std::ops::Bound<u32> = 0xe8f0_3e1c;
    a_duration: Duration = 0x097a_acd6;
    a_system_time: SystemTime = 0x90ec_7c6f;
    a_number_that_is_not_zero: NonZeroU8 = 0xa1f6_be6e;
    an_id_that_is_not_zero: Option<NonZeroU64> = 0xb6a5_75ed;
    an_ip_address: IpAddr = 0xf379_ded2;
    an_ipv4_address: Ipv4Addr = 0x1c0a_4ebe;
    an_ipv6_address: Ipv6Addr = 0xe5c3_5d1b;
    a_socket_address: SocketAddr = 0xf381_a24a;
    a_uuid: uuid::Uuid = 0xd64d_ac58;
    a_url: url::Url = 0xc3f5_b6b9;
    a_decimal_as_text: Price = 0xc3f5_b6b9;
    time_offset_date_time: time::OffsetDateTime = 0x0421_244e;
    time_primitive_date_time: time::PrimitiveDateTime = 0x665c_8e61;
    time_date: time::Date = 0xa26a_374e;
    time_time: time::Time = 0xfef1_056b;
    time_duration: time::Duration = 0x26f1_ddf4;
    time_utc_offset: time::UtcOffset = 0x0bcc_8dbf;
    chrono_date_time: chrono::DateTime<chrono::Utc> = 0xc3f5_b6b9;
    chrono_date: chrono::NaiveDate = 0xc3f5_b6b9;
    a_visit: Visit = 0xd012_5ad8;
    a_cart: Cart = 0xc42a_bb59;
    a_payment: Payment = 0xbb1d_f46a;
    a_linked_list: List = 0xf5e6_fe5d;
    a_tree: Tree = 0xec9f_697a;
    a_menu: Menu = 0x1d2d_9f70;
    folders_and_files: Folder = 0xd15a_7b2a;
}

/// Computes a fingerprint from the documented encoding, without the crate's own code.
#[test]
fn a_visit_is_hashed_as_documented() {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(b"sealed-session schema v1\n");
    hash.update(b"\x24\0\0\0\x02"); // a struct of two fields
    hash.update(b"\0\0\0\x04user\x20\x0a"); // an option of a u64
    hash.update(b"\0\0\0\x05views\x09"); // a u32
    let digest = hash.finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    assert_eq!(u32::from(Fingerprint::of::<Visit>().unwrap()), number);
}
