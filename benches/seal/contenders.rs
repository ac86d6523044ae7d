//! The crates that seal and open the same value, and the table that compares them.

use std::{fmt::Debug, hint::black_box, rc::Rc, time::SystemTime};

use cookie::{Cookie, CookieJar};
use sealed_session::{Encoding, Key, KeyRing, Sealer, Suite};
use serde::{Serialize, de::DeserializeOwned};
use serde_fingerprint::named;

use crate::{
    NAME,
    floor::{AES_GCM, Aead, CHACHA, Floor, XAES},
    paired::{Row, Table},
};

/// The row that every other row is compared with: all defaults.
const OURS: &str = "XAES, compact";

/// A type that is sealed.
pub trait Payload: Clone + Debug + PartialEq + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Debug + PartialEq + Serialize + DeserializeOwned + 'static> Payload for T {}

type Run = Box<dyn FnMut()>;

/// Something that seals and opens one value.
struct Contender {
    name: &'static str,
    /// Which of the first rows of a section is its floor.
    floor: Option<usize>,
    characters: usize,
    seal: Run,
    seal_new: Run,
    open: Run,
}

pub fn sealer<T: Payload>(suite: Suite, encoding: Encoding) -> Sealer<T> {
    let ring = KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap();
    Sealer::builder(ring, NAME).realm("shop").encoding(encoding).build().unwrap()
}

/// Returns nothing if the payload does not fit.
fn ours<T: Payload>(name: &'static str, suite: Suite, encoding: Encoding, data: &T) -> Option<Contender> {
    let now = SystemTime::now();
    let sealer = Rc::new(sealer::<T>(suite, encoding));
    let sealed = sealer.seal(data, now).ok()?;
    let (value, metadata) = sealer.open(&sealed, now).unwrap();
    assert_eq!(value, *data);
    let (begins, opens, data) = (sealer.clone(), sealer.clone(), data.clone());
    Some(Contender {
        name,
        floor: Some(usize::from(suite == Suite::XChaCha20Poly1305)),
        characters: sealed.len(),
        seal: Box::new(move || drop(black_box(sealer.reseal(black_box(&value), &metadata, now).unwrap()))),
        seal_new: Box::new(move || drop(black_box(begins.seal(black_box(&data), now).unwrap()))),
        open: Box::new(move || drop(black_box(opens.open(black_box(&sealed), now).unwrap()))),
    })
}

fn floor<T: Payload>(name: &'static str, aead: Aead, data: &T) -> Contender {
    let library = Rc::new(Floor::new(aead));
    let sealed = library.seal(data, true);
    assert_eq!(library.open::<T>(&sealed), *data);
    let (begins, opens, value, data) = (library.clone(), library.clone(), data.clone(), data.clone());
    Contender {
        name,
        floor: None,
        characters: sealed.len(),
        seal: Box::new(move || drop(black_box(library.seal(black_box(&value), false)))),
        seal_new: Box::new(move || drop(black_box(begins.seal(black_box(&data), true)))),
        open: Box::new(move || drop(black_box(opens.open::<T>(black_box(&sealed))))),
    }
}

/// Has no ids: that a session begins makes no difference to it.
fn private_jar<T: Payload>(data: &T) -> Contender {
    let key = cookie::Key::generate();
    let data = data.clone();
    let seal = {
        let key = key.clone();
        Rc::new(move |data: &T| {
            let mut jar = CookieJar::new();
            jar.private_mut(&key).add(Cookie::new(NAME, serde_json::to_string(data).unwrap()));
            jar.get(NAME).unwrap().value().to_owned()
        })
    };
    let open = move |value: &str| -> T {
        let mut jar = CookieJar::new();
        jar.add_original(Cookie::new(NAME, value.to_owned()));
        serde_json::from_str(jar.private(&key).get(NAME).unwrap().value()).unwrap()
    };
    let sealed = seal(&data);
    assert_eq!(open(&sealed), data);
    let (begin, begun) = (seal.clone(), data.clone());
    Contender {
        name: "cookie PrivateJar + serde_json",
        floor: Some(0),
        characters: sealed.len(),
        seal: Box::new(move || drop(black_box(seal(black_box(&data))))),
        seal_new: Box::new(move || drop(black_box(begin(black_box(&begun))))),
        open: Box::new(move || drop(black_box(open(black_box(&sealed))))),
    }
}

/// Compares all contenders, with the floors first.
pub fn compare<T: Payload>(title: &str, data: &T) -> Table {
    use Encoding::{Compact, SelfDescribing};
    use Suite::{XChaCha20Poly1305 as XChaCha, Xaes256Gcm as Xaes};

    let mut contenders = vec![
        floor("floor, AES-256-GCM", AES_GCM, data),
        floor("floor, ChaCha20-Poly1305", CHACHA, data),
        Contender { floor: Some(0), ..floor("floor, XAES-256-GCM", XAES, data) },
        private_jar(data),
    ];
    contenders.extend(ours(OURS, Xaes, Compact, data));
    contenders.extend(ours("XAES, self-describing", Xaes, SelfDescribing, data));
    contenders.extend(ours("XChaCha, compact", XChaCha, Compact, data));
    contenders.extend(ours("XChaCha, self-describing", XChaCha, SelfDescribing, data));

    let mut messagepack = Vec::new();
    named::encode_into(data, &mut messagepack).unwrap();
    let (json, postcard) = (serde_json::to_vec(data).unwrap(), postcard::to_allocvec(data).unwrap());
    let title = format!(
        "{title}: {} bytes of postcard, {} of MessagePack with names, {} of JSON",
        postcard.len(),
        messagepack.len(),
        json.len()
    );
    let mut table = Table::new(title, "times the floor", OURS);
    let (mut seal, mut seal_new, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for Contender { name, floor, characters, seal: first, seal_new: second, open: third } in contenders {
        for (rows, run) in [(&mut seal, first), (&mut seal_new, second), (&mut open, third)] {
            rows.push((floor, Row::new(name, run).characters(characters)));
        }
    }
    for (section, rows) in [("seal", seal), ("seal, new session", seal_new), ("open", open)] {
        let first = table.section(section);
        for (floor, row) in rows {
            table.add(match floor {
                Some(floor) => row.floor(first + floor),
                None => row,
            });
        }
    }
    table
}
