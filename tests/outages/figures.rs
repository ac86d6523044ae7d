//! What a load has seen.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::stalls::Watch;

#[derive(Default)]
pub struct Figures {
    answers: BTreeMap<u16, u32>,
    hung_up: u32,
    longest: Duration,
    lost_sessions: Vec<String>,
    lost_values: Vec<String>,
    /// Answers that must not be.
    wrong: Vec<String>,
    /// Since when the first answer out of the store is waited for.
    waiting: Option<Instant>,
    waits: Vec<(String, Duration)>,
}

impl Figures {
    /// An answer, for which perhaps the store was asked.
    pub fn answered(&mut self, status: u16, watch: &Watch, stored: bool) {
        *self.answers.entry(status).or_default() += 1;
        self.longest = self.longest.max(watch.elapsed());
        if let (200, true, Some(since)) = (status, stored, self.waiting)
            // It began after what it waits for.
            && watch.began() >= since
        {
            self.waiting = None;
            self.waits.last_mut().unwrap().1 = since.elapsed();
        }
    }

    /// A browser did not wait for its answer.
    pub fn hung_up(&mut self) {
        self.hung_up += 1;
    }

    pub fn session_lost(&mut self, what: String) {
        self.lost_sessions.push(what);
    }

    pub fn value_lost(&mut self, what: String) {
        self.lost_values.push(what);
    }

    pub fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// From now on, the first answer out of the store is waited for.
    pub fn wait(&mut self, after: &str) {
        self.waiting = Some(Instant::now());
        self.waits.push((after.to_owned(), Duration::MAX));
    }

    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    pub fn count(&self, status: u16) -> u32 {
        self.answers.get(&status).copied().unwrap_or(0)
    }

    /// Prints all, and holds it to what is promised.
    pub fn report(&self, title: &str, browsers: usize, deadline: Duration) {
        let requests = self.answers.values().sum::<u32>() + self.hung_up;
        let answers: Vec<_> =
            self.answers.iter().map(|(status, count)| format!("{count} × {status}")).collect();
        let waits: Vec<_> = self
            .waits
            .iter()
            .map(|(after, wait)| {
                format!("\n    first answer out of the store {} ms {after}", wait.as_millis())
            })
            .collect();
        // Once on the way in and once on the way out; and a busy machine has its own.
        let allowed = 2 * deadline + Duration::from_millis(500);
        println!(
            "  {title}\n    {browsers} browsers, {requests} requests: {}, {} hung up; the longest took {} ms without stalls, {} are allowed\n    \
                {} sessions lost, {} values lost{}",
            answers.join(", "),
            self.hung_up,
            self.longest.as_millis(),
            allowed.as_millis(),
            self.lost_sessions.len(),
            self.lost_values.len(),
            waits.concat(),
        );
        for (what, cases) in [
            ("lost sessions", &self.lost_sessions),
            ("lost values", &self.lost_values),
            ("wrong answers", &self.wrong),
        ] {
            let shown = &cases[..cases.len().min(5)];
            assert!(cases.is_empty(), "{title}: {} {what}: {shown:#?}", cases.len());
        }
        assert!(self.longest <= allowed, "{title}: an answer took {:?}", self.longest);
        assert!(self.count(200) > 100, "{title}: hardly a request has succeeded");
    }
}
