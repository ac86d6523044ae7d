//! Sealing and opening a session, side by side with the `PrivateJar` of the cookie crate over serde_json.
//!
//! `cargo bench`, or `cargo bench -- --quick`. The contenders take turns, round by round, and every ratio is taken
//! within a round: whatever slows the machine for a while slows both of a pair. Targets are printed, never asserted.

mod cart5;

use std::{
    env,
    hint::black_box,
    time::{Instant, SystemTime},
};

use cart5::{Cart, cart};
use cookie::{Cookie, CookieJar};
use sealed_session::{Key, KeyRing, Sealer, Suite};

const NAME: &str = "__Host-session";

/// How much is measured.
#[derive(Clone, Copy)]
struct Effort {
    rounds: usize,
    batch: usize,
}

/// Something that seals and opens one payload.
struct Contender {
    name: &'static str,
    value_length: usize,
    seal: Box<dyn Fn()>,
    open: Box<dyn Fn()>,
    /// Nanoseconds per operation, of each round.
    seal_ns: Vec<f64>,
    open_ns: Vec<f64>,
}

impl Contender {
    fn new(
        name: &'static str,
        value_length: usize,
        seal: impl Fn() + 'static,
        open: impl Fn() + 'static,
    ) -> Self {
        let (seal, open) = (Box::new(seal), Box::new(open));
        Self { name, value_length, seal, open, seal_ns: Vec::new(), open_ns: Vec::new() }
    }

    fn sealed_session(name: &'static str, suite: Suite, cart: Cart) -> Self {
        let ring = KeyRing::new([Key::generate_for(suite).unwrap()]).unwrap();
        let build = || Sealer::<Cart>::builder(ring.clone(), NAME).realm("shop").build().unwrap();
        let (seals, opens) = (build(), build());
        let now = SystemTime::now();
        let sealed = seals.seal(&cart, now).unwrap();
        assert_eq!(opens.open(&sealed, now).unwrap().value, cart);
        Self::new(
            name,
            sealed.len(),
            move || drop(black_box(seals.seal(black_box(&cart), now).unwrap())),
            move || drop(black_box(opens.open(black_box(&sealed), now).unwrap())),
        )
    }

    fn private_jar(cart: Cart) -> Self {
        let key = cookie::Key::generate();
        let seal = {
            let key = key.clone();
            move |cart: &Cart| {
                let mut jar = CookieJar::new();
                jar.private_mut(&key).add(Cookie::new(NAME, serde_json::to_string(cart).unwrap()));
                jar.get(NAME).unwrap().value().to_owned()
            }
        };
        let open = move |value: &str| -> Cart {
            let mut jar = CookieJar::new();
            jar.add_original(Cookie::new(NAME, value.to_owned()));
            serde_json::from_str(jar.private(&key).get(NAME).unwrap().value()).unwrap()
        };
        let sealed = seal(&cart);
        assert_eq!(open(&sealed), cart);
        Self::new(
            "cookie PrivateJar + serde_json",
            sealed.len(),
            move || drop(black_box(seal(black_box(&cart)))),
            move || drop(black_box(open(black_box(&sealed)))),
        )
    }

    fn round(&mut self, batch: usize) {
        self.seal_ns.push(time(&self.seal, batch));
        self.open_ns.push(time(&self.open, batch));
    }
}

fn time(run: &dyn Fn(), batch: usize) -> f64 {
    let start = Instant::now();
    (0..batch).for_each(|_| run());
    start.elapsed().as_nanos() as f64 / batch as f64
}

fn median(samples: &[f64]) -> f64 {
    let mut samples = samples.to_vec();
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

/// How often the second's time goes into the first's: the median of the rounds, the least and the most.
fn ratio(theirs: &[f64], ours: &[f64]) -> String {
    let ratios: Vec<f64> = theirs.iter().zip(ours).map(|(theirs, ours)| theirs / ours).collect();
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    format!("{:.2}x ({least:.2}-{most:.2})", median(&ratios))
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
            0 => contenders.iter().for_each(|contender| {
                time(&contender.seal, batch);
                time(&contender.open, batch);
            }),
            _ if round % 2 == 0 => contenders.iter_mut().for_each(|contender| contender.round(batch)),
            _ => contenders.iter_mut().rev().for_each(|contender| contender.round(batch)),
        }
    }

    println!("{:36} {:>24} {:>24} {:>18}", "", "seal", "open", "characters");
    for Contender { name, value_length, seal_ns, open_ns, .. } in &contenders {
        let [seal, open] = [seal_ns, open_ns].map(|samples| format!("{:.0} ns", median(samples)));
        println!("{name:36} {seal:>24} {open:>24} {value_length:>18}");
    }
    let [ours @ .., theirs] = &contenders;
    for Contender { name, value_length, seal_ns, open_ns, .. } in ours {
        let seal = ratio(&theirs.seal_ns, seal_ns);
        let open = ratio(&theirs.open_ns, open_ns);
        let length = *value_length as f64 / theirs.value_length as f64;
        println!("{name:36} {seal:>24} {open:>24} {length:>17.2}x");
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
        "\n{:36} {:>24} {:>24} {:>18}",
        "Targets, for XAES and cart(5)", ">= 1.50x", ">= 2.40x", "<= 0.60x"
    );
}
