//! The figures of the login as a bar chart: how many times as long as ours each peer takes.

use std::fmt::Write;

use serde_json::Value;

/// The tables and sections that are drawn, with what a reader calls them.
const PANELS: [(&str, &str, &str); 4] = [
    ("login, without", "seal", "Sealing a login"),
    ("login, without", "open", "Opening it"),
    ("requests, login", "read", "What reading it adds to a request"),
    ("requests, login", "changed", "What changing it adds to a request"),
];
const WIDTH: f64 = 760.0;
const BARS_AT: f64 = 290.0;
const LINE: f64 = 22.0;

/// Returns nothing if these tables were not measured.
pub fn draw(figures: &Value) -> Option<String> {
    let panels: Vec<(&str, Vec<(&str, f64)>)> = PANELS
        .iter()
        .map(|(table, section, title)| Some((*title, bars(figures, table, section)?)))
        .collect::<Option<_>>()?;
    let longest = panels.iter().flat_map(|(_, bars)| bars).map(|(_, times)| *times).fold(1.0, f64::max);
    let scale = (WIDTH - BARS_AT - 60.0) / longest;
    let (mut body, mut y) = (String::new(), 30.0);
    for (title, bars) in panels {
        writeln!(body, r#"<text x="10" y="{y}" class="title">{title}</text>"#).unwrap();
        y += LINE;
        for (name, times) in bars {
            let class = if name == crate::OURS { "ours" } else { "bar" };
            let (length, middle) = (times * scale, y - 14.0);
            writeln!(
                body,
                r#"<text x="{}" y="{y}" text-anchor="end">{name}</text><rect x="{BARS_AT}" y="{middle}" width="{length:.1}" height="17" class="{class}"/><text x="{:.1}" y="{y}">{times:.2}</text>"#,
                BARS_AT - 8.0,
                BARS_AT + length + 6.0,
            )
            .unwrap();
            y += LINE;
        }
        y += LINE;
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {y}\" width=\"{WIDTH}\" height=\"{y}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>How many times as long as sealed-session each crate takes</title>\n\
         <style>.title{{font-weight:bold}}.ours{{fill:#2a7f62}}.bar{{fill:#9aa5b1}}</style>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
    ))
}

/// The names and medians of a section.
fn bars<'f>(figures: &'f Value, table: &str, section: &str) -> Option<Vec<(&'f str, f64)>> {
    let is_it =
        |candidate: &&Value| candidate["title"].as_str().is_some_and(|title| title.starts_with(table));
    let rows = figures["tables"].as_array()?.iter().find(is_it)?["rows"].as_array()?;
    let rows = rows.iter().filter(|row| row["section"] == section);
    rows.map(|row| Some((row["name"].as_str()?, row["times_ours"][1].as_f64()?))).collect()
}
