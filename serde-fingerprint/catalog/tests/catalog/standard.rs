//! Types of the standard library, with the values that formats are known to lose.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::OsString;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU8, NonZeroU128, Saturating, Wrapping};
use std::ops::Bound;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::outcome::Outcome::*;
use crate::outcome::{DYNAMIC, Row, YES, row, row_by_bytes};

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Key {
    Home,
    Other,
}

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Wide {
    Home,
    Shelf(u8),
}

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Place {
    shelf: u8,
    level: i8,
}

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Id(u64);

pub fn rows() -> Vec<Row> {
    let ip = [IpAddr::from([192, 0, 2, 1]), "2001:db8::1".parse().unwrap()];
    let text = || "text".to_owned();
    vec![
        row("`()`", YES, [()]),
        row("`(u8, bool, char)`", YES, [(1_u8, true, 'é')]),
        row("`[u8; 0]`", YES, [[0_u8; 0]]),
        row("`[u8; 32]`", YES, [[255_u8; 32]]),
        row("`Arc<str>`", YES, [Arc::<str>::from("shared")]),
        row_by_bytes("`AtomicU64`", YES, [AtomicU64::new(u64::MAX)]),
        row_by_bytes("`BinaryHeap<u8>`", YES, [BinaryHeap::from([3_u8])]),
        row("`bool`", YES, [true, false]),
        row("`Bound<u8>`", YES, [Bound::Included(7_u8), Bound::Unbounded]),
        row("`Box<[u16]>`", YES, [Box::<[u16]>::from([1, 2])]),
        row("`Box<str>`", YES, [Box::<str>::from("boxed")]),
        row("`BTreeMap<u32, String>`", YES, [BTreeMap::from([(1_u32, text())])]),
        row("`BTreeSet<u32>`", YES, [BTreeSet::from([1_u32, 2])]),
        row("`Cell<u8>`", YES, [Cell::new(7_u8)]),
        row("`char`", YES, ['a', '🦀', '\0']),
        row("`Cow<'static, str>`", YES, [Cow::Borrowed("lent"), Cow::Owned(text())]),
        row("`CString`", YES, [c"C".to_owned()]),
        row("`Duration`", YES, [Duration::ZERO, Duration::MAX]),
        row("`f32`", YES, [0.1_f32, -1e9, f32::MIN_POSITIVE, f32::MAX]),
        row("`f32`, infinite", [Carried, Carried, NotRead], [f32::INFINITY]),
        row("`f64`", YES, [0.1_f64, -1e99, f64::MIN_POSITIVE, f64::MAX]),
        row("`f64`, with 17 significant digits", [Carried, Carried, Changed], [31.245_270_191_439_438_f64]),
        row("`f64`, infinite", [Carried, Carried, NotRead], [f64::INFINITY, f64::NEG_INFINITY]),
        row_by_bytes("`f64`, NaN", [Carried, Carried, NotRead], [f64::NAN]),
        row_by_bytes("`Option<f64>`, NaN", [Carried, Carried, Changed], [Some(f64::NAN)]),
        row("`HashMap<bool, u8>`", YES, [HashMap::from([(true, 1_u8)])]),
        row("`HashMap<char, u8>`", YES, [HashMap::from([('a', 1_u8)])]),
        row(
            "`HashMap<(u8, u8), u8>`",
            [Carried, Carried, NotWritten],
            [HashMap::from([((1_u8, 2_u8), 3_u8)])],
        ),
        row("`HashMap<i128, u8>`", YES, [HashMap::from([(i128::MIN, 3_u8)])]),
        row("`HashMap<IpAddr, u8>`", YES, [HashMap::from([(ip[0], 1_u8), (ip[1], 2)])]),
        row(
            "`HashMap<Option<u8>, u8>`",
            [Carried, Carried, NotWritten],
            [HashMap::from([(Some(1_u8), 1_u8), (None, 2)])],
        ),
        row("`HashMap<String, u8>`", YES, [HashMap::from([(text(), 1_u8)])]),
        row("`HashMap<u64, u8>`", YES, [HashMap::from([(u64::MAX, 1_u8)])]),
        row("`HashMap` with a newtype of a number as key", YES, [HashMap::from([(Id(1), 1_u8)])]),
        row(
            "`HashMap` with a struct as key",
            [Carried, Carried, NotWritten],
            [HashMap::from([(Place { shelf: 1, level: -2 }, 1_u8)])],
        ),
        row(
            "`HashMap` with an enum of unit variants as key",
            YES,
            [HashMap::from([(Key::Home, 1_u8), (Key::Other, 2)])],
        ),
        row(
            "`HashMap` with an enum of other variants as key",
            [Carried, Carried, NotWritten],
            [HashMap::from([(Wide::Home, 1_u8), (Wide::Shelf(3), 2)])],
        ),
        row("`HashSet<String>`", YES, [HashSet::from([text()])]),
        row("`i8`, `i16`, `i32`, `i64`", YES, [(i8::MIN, i16::MIN, i32::MIN, i64::MIN)]),
        row("`i128`", YES, [i128::MIN, -1, i128::MAX]),
        row("`IpAddr`", YES, ip),
        row("`Ipv6Addr`", YES, [Ipv6Addr::LOCALHOST]),
        row("`LinkedList<u8>`", YES, [LinkedList::from([1_u8, 2])]),
        row_by_bytes("`Mutex<u8>`", YES, [Mutex::new(7_u8)]),
        row("`NonZeroU128`", YES, [NonZeroU128::MAX]),
        row("`NonZeroU8`", YES, [NonZeroU8::MIN]),
        row("`Option<()>`", [Carried, Changed, Changed], [None, Some(())]),
        row("`Option<Option<u8>>`", [Carried, Changed, Changed], [None, Some(None), Some(Some(7_u8))]),
        row("`Option<u8>`", YES, [None, Some(7_u8)]),
        row("`OsString`", DYNAMIC, [OsString::from("os")]),
        row("`PathBuf`", YES, [PathBuf::from("/srv/shop")]),
        row("`PhantomData<u8>`", YES, [PhantomData::<u8>]),
        row("`Range<u8>`", YES, Some(0..7_u8)),
        row("`RangeInclusive<u8>`", YES, [0..=7_u8]),
        row("`Rc<String>`", YES, [Rc::new(text())]),
        row("`RefCell<u8>`", YES, [RefCell::new(7_u8)]),
        row("`Result<(), String>`", YES, [Ok(()), Err(text())]),
        row("`Result<u8, String>`", YES, [Ok(7_u8), Err(text())]),
        row("`Reverse<u8>`", YES, [Reverse(7_u8)]),
        row_by_bytes("`RwLock<u8>`", YES, [RwLock::new(7_u8)]),
        row("`Saturating<u8>`", YES, [Saturating(7_u8)]),
        row("`SocketAddr`", YES, [SocketAddr::from((ip[0], 443)), SocketAddr::from((ip[1], 443))]),
        row("`String`", YES, [String::new(), "Ada \"Lovelace\"\0🦀".to_owned()]),
        row("`SystemTime`", YES, [SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_000_000_001)]),
        row("`u8`, `u16`, `u32`, `u64`, `usize`", YES, [(u8::MAX, u16::MAX, u32::MAX, u64::MAX, usize::MAX)]),
        row("`u128`", YES, [0, u128::MAX]),
        row("`Vec<()>`", [NotRead, Carried, Carried], [vec![(); 3]]),
        row("`Vec<u8>`", YES, [vec![0_u8, 255]]),
        row("`VecDeque<u8>`", YES, [VecDeque::from([1_u8, 2])]),
        row("`Wrapping<u8>`", YES, [Wrapping(7_u8)]),
    ]
}
