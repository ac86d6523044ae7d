//! Sealing and opening a session, side by side with the `PrivateJar` of the cookie crate over serde_json.
//!
//! Sealing is measured twice: a session that goes on, which is renewed or has changed, and one that begins, for which
//! the operating system must also be asked for an id.
//!
//! `cargo bench`, or `cargo bench -- --quick`. The contenders take turns, round by round, and every ratio is taken
//! within a round: whatever slows the machine for a while slows both of a pair. Targets are printed, never asserted.

mod cart5;
mod paired;

use std::{
    env,
    hint::black_box,
    rc::Rc,
    time::{Instant, SystemTime},
};

use cart5::{Cart, cart};
use cookie::{Cookie, CookieJar};
use paired::{median, ratio};
use sealed_session::{Key, KeyRing, Sealer, Suite};

const NAME: &str = "__Host-session";

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    batch: usize,
}

const OPERATIONS: [&str; 3] = ["seal", "seal, new session", "open"];

/// Something that seals and opens one payload.
struct Contender {
    name: &'static str,
    value_length: usize,
    /// As in `OPERATIONS`.
    run: [Box<dyn Fn()>; 3],
    /// Nanoseconds per operation, of each round.
    samples: [Vec<f64>; 3],
}

impl Contender {
    fn new(name: &'static str, value_length: usize, run: [Box<dyn Fn()>; 3]) -> Self {
        Self { name, value_length, run, samples: Default::default() }
    }

    fn sealed_session(name: &'static str, suite: Suite, cart: Cart) -> Self {
        let ring = KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap();
        let sealer = Rc::new(Sealer::<Cart>::builder(ring, NAME).realm("shop").build().unwrap());
        let (begins, opens) = (sealer.clone(), sealer.clone());
        let now = SystemTime::now();
        let sealed = sealer.seal(&cart, now).unwrap();
        let opened = sealer.open(&sealed, now).unwrap();
        assert_eq!(opened.value, cart);
        Self::new(
            name,
            sealed.len(),
            [
                Box::new(move || drop(black_box(sealer.reseal(black_box(&opened), now).unwrap()))),
                Box::new(move || drop(black_box(begins.seal(black_box(&cart), now).unwrap()))),
                Box::new(move || drop(black_box(opens.open(black_box(&sealed), now).unwrap()))),
            ],
        )
    }

    /// Has no ids: that a session begins makes no difference to it.
    fn private_jar(cart: Cart) -> Self {
        let key = cookie::Key::generate();
        let seal = {
            let key = key.clone();
            Rc::new(move |cart: &Cart| {
                let mut jar = CookieJar::new();
                jar.private_mut(&key).add(Cookie::new(NAME, serde_json::to_string(cart).unwrap()));
                jar.get(NAME).unwrap().value().to_owned()
            })
        };
        let open = move |value: &str| -> Cart {
            let mut jar = CookieJar::new();
            jar.add_original(Cookie::new(NAME, value.to_owned()));
            serde_json::from_str(jar.private(&key).get(NAME).unwrap().value()).unwrap()
        };
        let sealed = seal(&cart);
        assert_eq!(open(&sealed), cart);
        let (begun, begin) = (cart.clone(), seal.clone());
        Self::new(
            "cookie PrivateJar + serde_json",
            sealed.len(),
            [
                Box::new(move || drop(black_box(seal(black_box(&cart))))),
                Box::new(move || drop(black_box(begin(black_box(&begun))))),
                Box::new(move || drop(black_box(open(black_box(&sealed))))),
            ],
        )
    }

    fn round(&mut self, batch: usize) {
        for (run, samples) in self.run.iter().zip(&mut self.samples) {
            samples.push(time(run, batch));
        }
    }
}

fn time(run: impl Fn(), batch: usize) -> f64 {
    let start = Instant::now();
    (0..batch).for_each(|_| run());
    start.elapsed().as_nanos() as f64 / batch as f64
}

fn compare(lines: usize, Effort { rounds, batch }: Effort) {
    let cart = cart(lines);
    let json = serde_json::to_string(&cart).unwrap().len();
    let postcard = postcard::to_allocvec(&cart).unwrap().len();
    println!("\ncart({lines}): {json} bytes of JSON, {postcard} of postcard");
    let mut contenders = [
        Contender::sealed_session("sealed-session, XAES-256-GCM", Suite::Xaes256Gcm, cart.clone()),
        Contender::sealed_session(
            "sealed-session, XChaCha20-Poly1305",
            Suite::XChaCha20Poly1305,
            cart.clone(),
        ),
        Contender::private_jar(cart),
    ];
    for round in 0..=rounds {
        match round {
            // The first warms up.
            0 => contenders.iter().flat_map(|contender| &contender.run).for_each(|run| {
                time(run, batch);
            }),
            _ if round % 2 == 0 => contenders.iter_mut().for_each(|contender| contender.round(batch)),
            _ => contenders.iter_mut().rev().for_each(|contender| contender.round(batch)),
        }
    }

    let heads = OPERATIONS.map(|operation| format!("{operation:>20}")).concat();
    println!("{:36}{heads}{:>12}", "", "characters");
    for Contender { name, value_length, samples, .. } in &contenders {
        let times = samples.each_ref().map(|samples| format!("{:>17.0} ns", median(samples))).concat();
        println!("{name:36}{times}{value_length:>12}");
    }
    let [ours @ .., theirs] = &contenders;
    for Contender { name, value_length, samples, .. } in ours {
        let ratios: String = samples
            .iter()
            .zip(&theirs.samples)
            .map(|(ours, theirs)| format!("{:>20}", ratio(theirs, ours)))
            .collect();
        println!("{name:36}{ratios}{:>11.2}x", *value_length as f64 / theirs.value_length as f64);
    }
}

fn main() {
    // Cargo passes `--bench`; without it, as by `cargo test --benches`, the point is that it runs.
    let arguments: Vec<String> = env::args().skip(1).collect();
    let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let effort = match given("--quick") || !given("--bench") {
        true => Effort { rounds: 5, batch: 200 },
        false => Effort { rounds: 101, batch: 2000 },
    };
    println!(
        "Medians of {} rounds of {} operations; below, how many times as fast (least-most of all rounds), and the \
         length against theirs.",
        effort.rounds, effort.batch
    );
    [0, 5, 20].into_iter().for_each(|lines| compare(lines, effort));
    println!(
        "\n{:36}{:>20}{:>20}{:>20}{:>12}",
        "Targets, for XAES and cart(5)", ">= 1.50x", "", ">= 2.40x", "<= 0.60x"
    );
}
