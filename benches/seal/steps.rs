//! Each step of sealing and opening alone.

use std::hint::black_box;

use base64::Engine;
use sealed_session::{
    KeyRing,
    seal::{Buffer, Context, Draft, Header, Padding},
};
use serde_fingerprint::{Schema, named};

use crate::{
    NAME,
    contenders::Payload,
    floor::{AES_GCM, CHACHA, engine, frame, random},
    paired::{Row, Table},
};

pub fn of<T: Payload>(title: &str, data: &T) -> Table {
    let payload = postcard::to_allocvec(data).unwrap();
    let length = frame(payload.len());
    let mut table =
        Table::new(format!("steps of {title}: a frame of {length} bytes"), "times postcard alone", "");

    table.section("random bytes");
    table.add(Row::new("24, for a nonce", random::<24>));
    table.add(Row::new("40, for a nonce and an id", random::<40>));

    serialize(&mut table, data, &payload);

    table.section("encrypt");
    for aead in [AES_GCM, CHACHA] {
        let (key, nonce) = (random(), random());
        let mut text = vec![7; length];
        let encrypt = move |text: &mut [u8]| (aead.encrypt)(&key, &nonce, text);
        table.add(Row::new(format!("{}, a new key", aead.name), move || encrypt(black_box(&mut text))));
        let mut text = vec![7; length];
        let tag = encrypt(&mut text);
        let sealed = text.clone();
        table.add(Row::new(format!("{}, a new key, decrypt", aead.name), move || {
            text.copy_from_slice(&sealed);
            (aead.decrypt)(&key, &nonce, black_box(&mut text), &tag);
        }));
    }

    table.section("base64");
    let (engine, bytes) = (engine(), vec![0xa5; 5 + 24 + length + 16]);
    let text = engine.encode(&bytes);
    table.add(Row::new("encode", move || engine.encode(black_box(&bytes))));
    let (engine, mut out) = (crate::floor::engine(), [0; 3072]);
    table.add(Row::new("decode", move || engine.decode_slice(black_box(&text), &mut out).unwrap()));

    envelope(&mut table, payload);
    table
}

fn serialize<T: Payload>(table: &mut Table, data: &T, payload: &[u8]) {
    let schema = || Schema::<T>::trace().unwrap();
    let mut described = Vec::new();
    named::encode_into(data, &mut described).unwrap();

    table.section("serialize");
    let (value, mut out) = (data.clone(), [0; 3072]);
    let alone =
        Row::new("postcard alone", move || postcard::to_slice(black_box(&value), &mut out).unwrap().len());
    let floor = table.add(alone);
    let (value, schema_of_it) = (data.clone(), schema());
    let compact = buffered(move |out| schema_of_it.encode_into(black_box(&value), out).unwrap());
    table.add(Row::new("compact", compact).floor(floor));
    let value = data.clone();
    let self_describing = buffered(move |out| named::encode_into(black_box(&value), out).unwrap());
    table.add(Row::new("self-describing", self_describing).floor(floor));

    table.section("deserialize");
    let bytes = payload.to_vec();
    let alone = Row::new("postcard alone", move || postcard::from_bytes::<T>(black_box(&bytes)).unwrap());
    let floor = table.add(alone);
    let (bytes, schema) = (payload.to_vec(), schema());
    table.add(Row::new("compact", move || schema.decode(black_box(&bytes)).unwrap()).floor(floor));
    let self_describing = move || named::decode::<T>(black_box(&described)).unwrap();
    table.add(Row::new("self-describing", self_describing).floor(floor));
}

/// Passes a buffer that is there already.
fn buffered(mut encode: impl FnMut(&mut Vec<u8>)) -> impl FnMut() {
    let mut out = Vec::with_capacity(3072);
    move || {
        out.clear();
        encode(&mut out);
    }
}

/// All but random bytes, serialization and the clock.
fn envelope(table: &mut Table, payload: Vec<u8>) {
    let context = || Context::new(&KeyRing::parse(RING).unwrap(), "shop", NAME).unwrap();
    let header =
        Header { schema: 16, created: 5, issued: 5, window: 5, session_id: [7; 16], persistent: false };
    let seal = move |context: &Context| {
        let mut draft = Draft::new();
        draft.write(black_box(&payload));
        context.seal_with_nonce([7; 24], draft, &header, Padding::default())
    };
    let sealed = seal(&context());
    table.section("envelope");
    let seals = context();
    table.add(Row::new("seal a payload", move || seal(&seals)));
    let opens = context();
    table.add(Row::new("open to a payload", move || {
        opens.open(black_box(sealed.as_bytes()), &mut Buffer::new()).unwrap().header
    }));
}

/// The same key for both, which seals nothing else.
const RING: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
