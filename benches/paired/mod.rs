//! Rows that take turns, round by round. Every ratio is taken within a round, so that whatever slows the machine for a
//! while slows both sides of it. Nothing is asserted of times.
//!
//! A benchmark is a list of [`Table`]s, and its options are:
//!
//! | option | effect |
//! |---|---|
//! | a word | measures only the tables whose title contains it |
//! | `--quick` | shows that everything runs |
//! | `--record` | writes what it prints to `benches/results/`, and the figures as JSON beside it |
//! | `--list` | prints the names of the rows |
//! | `--count TIMES NAME…` | runs each of these rows so many times within [`counted`], for `scripts/instructions` |

#![allow(dead_code)] // each benchmark needs a part

#[path = "../allocations/mod.rs"]
pub mod allocations;
mod machine;
mod report;

use std::{env, hint::black_box, time::Instant};

use serde_json::Value;

/// The place of a row in its table.
pub type Id = usize;

/// Something that is timed.
pub struct Row {
    section: String,
    name: String,
    run: Box<dyn FnMut()>,
    /// The row that does everything but what is measured here. It is subtracted.
    base: Option<Id>,
    floor: Option<Id>,
    /// The length of the cookie's value that it makes or reads.
    characters: Option<usize>,
    /// The text of the last column.
    note: String,
    allocations: usize,
    batch: usize,
    /// Nanoseconds of one run, of each round.
    samples: Vec<f64>,
}

impl Row {
    pub fn new<R>(name: impl Into<String>, mut run: impl FnMut() -> R + 'static) -> Self {
        Self {
            section: String::new(),
            name: name.into(),
            run: Box::new(move || drop(black_box(run()))),
            base: None,
            floor: None,
            characters: None,
            note: String::new(),
            allocations: 0,
            batch: 1,
            samples: Vec::new(),
        }
    }

    pub fn over(mut self, base: Id) -> Self {
        self.base = Some(base);
        self
    }

    pub fn floor(mut self, floor: Id) -> Self {
        self.floor = Some(floor);
        self
    }

    pub fn characters(mut self, characters: usize) -> Self {
        self.characters = Some(characters);
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    fn time(&mut self, batch: usize) -> f64 {
        let start = Instant::now();
        (0..batch).for_each(|_| (self.run)());
        start.elapsed().as_nanos() as f64 / batch as f64
    }
}

/// Rows that are measured together, in sections that are compared within themselves.
pub struct Table {
    title: String,
    /// The title of the column that compares a row with its floor.
    floor: &'static str,
    /// The name of the row that the others of its section are compared with.
    ours: &'static str,
    /// The title of the last column.
    notes: &'static str,
    section: String,
    rows: Vec<Row>,
}

impl Table {
    pub fn new(title: impl Into<String>, floor: &'static str, ours: &'static str) -> Self {
        Self { title: title.into(), floor, ours, notes: "", section: String::new(), rows: Vec::new() }
    }

    pub fn notes(mut self, notes: &'static str) -> Self {
        self.notes = notes;
        self
    }

    /// Begins a section, and returns the place of its first row.
    pub fn section(&mut self, name: impl Into<String>) -> Id {
        self.section = name.into();
        self.rows.len()
    }

    pub fn add(&mut self, mut row: Row) -> Id {
        row.section.clone_from(&self.section);
        self.rows.push(row);
        self.rows.len() - 1
    }

    /// Returns our own row of a row's section, if there is one.
    fn ours(&self, row: &Row) -> Option<&Row> {
        self.rows.iter().find(|other| other.section == row.section && other.name == self.ours)
    }

    fn measure(&mut self, Effort { rounds, nanoseconds }: Effort) {
        for row in &mut self.rows {
            // The work of the first run, such as filling a cache, is neither timed nor counted.
            let slow = row.time(3);
            row.allocations = allocations::count(|| (row.run)()).0;
            let once = if slow > nanoseconds { slow } else { row.time(10).max(1.0) };
            row.batch = ((nanoseconds / once) as usize).clamp(1, 10_000);
        }
        // The first round warms up.
        for round in 0..=rounds {
            let rows = self.rows.len();
            for step in 0..rows {
                // Another one begins each time, so that no row keeps step with what else the machine does.
                let turn = (step + round) % rows;
                let row = &mut self.rows[if round % 2 == 0 { turn } else { rows - 1 - turn }];
                let time = row.time(row.batch);
                if round > 0 {
                    row.samples.push(time);
                }
            }
        }
    }

    /// Nanoseconds of one run of a row beside its base, of each round.
    fn net(&self, row: &Row) -> Vec<f64> {
        match row.base {
            None => row.samples.clone(),
            Some(base) => {
                row.samples.iter().zip(&self.rows[base].samples).map(|(row, base)| row - base).collect()
            }
        }
    }

    /// Allocations of one run of a row beside its base.
    fn allocations(&self, row: &Row) -> isize {
        row.allocations as isize - row.base.map_or(0, |base| self.rows[base].allocations as isize)
    }

    /// Returns the ratio of a row's time to that of another row.
    fn times(&self, row: &Row, other: &Row) -> [f64; 3] {
        let pairs = self.net(row).into_iter().zip(self.net(other));
        quartiles(pairs.map(|(row, other)| row / other).collect())
    }
}

/// The lower quartile, the median and the upper quartile.
pub fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[(samples.len() - 1) * quarter / 4])
}

/// The amount of measuring.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// The time for which a row runs in each round.
    pub nanoseconds: f64,
}

pub struct Options {
    pub effort: Effort,
    pub is_quick: bool,
    record: bool,
    arguments: Vec<String>,
}

impl Options {
    pub fn of_process() -> Self {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let given = |flag: &str| arguments.iter().any(|argument| argument == flag);
        // Cargo passes `--bench`; without it, as by `cargo test --benches`, the point is that it runs.
        let is_quick = given("--quick") || !given("--bench");
        let effort = match is_quick {
            true => Effort { rounds: 3, nanoseconds: 1e5 },
            false => Effort { rounds: 401, nanoseconds: 2.5e5 },
        };
        Self { effort, is_quick, record: given("--record"), arguments }
    }
}

/// Runs the benchmark of this name.
pub fn run(name: &str, tables: Vec<Table>) {
    run_and_draw(name, tables, |_| None);
}

/// Runs the benchmark of this name, and draws its figures as SVG.
pub fn run_and_draw(name: &str, tables: Vec<Table>, draw: fn(&Value) -> Option<String>) {
    run_with(Options::of_process(), name, tables, draw);
}

/// Runs the benchmark of this name with an effort of its own, except for `--quick`.
pub fn run_for(effort: Effort, name: &str, tables: Vec<Table>) {
    let mut options = Options::of_process();
    if !options.is_quick {
        options.effort = effort;
    }
    run_with(options, name, tables, |_| None);
}

fn run_with(options: Options, name: &str, mut tables: Vec<Table>, draw: fn(&Value) -> Option<String>) {
    if let Some(at) = options.arguments.iter().position(|argument| argument == "--count") {
        let times = options.arguments[at + 1].parse().expect("a number of times");
        return names(&mut tables).filter(|(name, _)| options.arguments[at + 2..].contains(name)).for_each(
            |(_, row)| {
                // The work of the first run is not counted.
                row.time(3);
                counted(&mut row.run, times);
            },
        );
    }
    if options.arguments.iter().any(|argument| argument == "--list") {
        return names(&mut tables).for_each(|(name, _)| println!("{name}"));
    }
    let words: Vec<&String> =
        options.arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    assert!(!options.record || (words.is_empty() && !options.is_quick), "a record is of a whole run");
    tables.retain(|table| words.is_empty() || words.iter().any(|word| table.title.contains(*word)));
    tables.iter_mut().for_each(|table| table.measure(options.effort));
    let text = report::text(&tables, options.effort);
    print!("{text}");
    let figures = report::figures(&tables, options.effort);
    let drawing = draw(&figures);
    if options.record {
        report::record(name, &text, &figures, drawing);
    }
}

fn names(tables: &mut [Table]) -> impl Iterator<Item = (String, &mut Row)> {
    tables.iter_mut().flat_map(|table| {
        let title = table.title.split(':').next().unwrap_or_default().to_owned();
        table.rows.iter_mut().map(move |row| (format!("{title} / {} / {}", row.section, row.name), row))
    })
}

/// All that callgrind counts: see `scripts/instructions`.
#[inline(never)]
fn counted(run: &mut dyn FnMut(), times: usize) {
    (0..times).for_each(|_| run());
}
