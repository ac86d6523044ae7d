//! How the cost of sealing and opening grows with the payload and with the key ring.

use std::{hint::black_box, ops::Range, rc::Rc, time::SystemTime};

use sealed_session::{Key, KeyRing, Sealer, Suite};

use crate::{
    NAME,
    login::login,
    paired::{Row, Table},
};

/// One string of so many bytes, which costs least to serialize.
pub fn with_payload() -> Table {
    let now = SystemTime::now();
    let ring = KeyRing::generate().unwrap();
    let sealer = Rc::new(Sealer::<String>::builder(ring, NAME).build().unwrap());
    let (mut seal, mut open) = (Vec::new(), Vec::new());
    for bytes in [0, 64, 256, 1024, 2048, 2900] {
        let (sealer, opens, text) = (sealer.clone(), sealer.clone(), "x".repeat(bytes));
        let sealed = sealer.seal(&text, now).unwrap();
        let (_, metadata) = sealer.open(&sealed, now).unwrap();
        let (name, characters) = (format!("{bytes} bytes"), sealed.len());
        let run = move || sealer.reseal(black_box(&text), &metadata, now).unwrap();
        seal.push(Row::new(&*name, run).characters(characters));
        let run = move || opens.open(black_box(&sealed), now).unwrap();
        open.push(Row::new(name, run).characters(characters));
    }
    table("growth with the payload", "0 bytes", [("seal", seal), ("open", open)])
}

/// A login that the last key of the ring has sealed.
pub fn with_keys() -> Table {
    let now = SystemTime::now();
    let (mut seal, mut open) = (Vec::new(), Vec::new());
    for keys in [1, 16, 256] {
        let ring = |keys: Range<usize>| KeyRing::new(keys.map(key)).unwrap();
        let name = format!("ring of {keys}");
        let sealer = |ring: KeyRing| Sealer::builder(ring, NAME).build().unwrap();
        let sealed = sealer(ring(keys - 1..keys)).seal(&login(), now).unwrap();
        let sealer = Rc::new(sealer(ring(0..keys)));
        let (value, metadata) = sealer.open(&sealed, now).unwrap();
        let opens = sealer.clone();
        let run = move || sealer.reseal(black_box(&value), &metadata, now).unwrap();
        seal.push(Row::new(&*name, run).characters(sealed.len()));
        let characters = sealed.len();
        let run = move || opens.open(black_box(&sealed), now).unwrap();
        open.push(Row::new(name, run).characters(characters));
    }
    table("growth with the keys in the ring", "ring of 1", [("seal", seal), ("open", open)])
}

fn key(number: usize) -> Key {
    let mut master = [7; 32];
    master[..8].copy_from_slice(&number.to_be_bytes());
    Key::from_bytes(master, Suite::default()).unwrap()
}

fn table(title: &str, first: &'static str, sections: [(&str, Vec<Row>); 2]) -> Table {
    let mut table = Table::new(title, "", first);
    for (name, rows) in sections {
        table.section(name);
        for row in rows {
            table.add(row);
        }
    }
    table
}
