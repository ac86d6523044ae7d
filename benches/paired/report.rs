//! Tables in Markdown, which are read as easily on a terminal, and the same figures as JSON.

use std::{fmt::Write, fs, path::Path};

use serde_json::{Value, json};

use super::{Effort, Row, Table, machine::machine, quartiles};

pub fn text(tables: &[Table], Effort { rounds, .. }: Effort) -> String {
    let mut text = String::new();
    let machine: Vec<String> =
        machine().into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
    writeln!(text, "Medians of {rounds} interleaved rounds, with quartiles. {}.", machine.join("; "))
        .unwrap();
    for table in tables {
        writeln!(text, "\n## {}\n\n{}", table.title, aligned(&lines(table))).unwrap();
    }
    text
}

fn lines(table: &Table) -> Vec<Vec<String>> {
    let rows = &table.rows;
    let ours = format!("times {}", table.ours);
    let mut lines = vec![
        ["", "", "ns", "ns added", table.floor, &ours, "allocations", "characters", table.notes]
            .map(str::to_owned)
            .to_vec(),
    ];
    for (index, row) in rows.iter().enumerate() {
        let is_first = index == 0 || rows[index - 1].section != row.section;
        let times = |other: Option<&Row>| match other {
            Some(other) if !std::ptr::eq(other, row) => spread(table.times(row, other)),
            _ => String::new(),
        };
        lines.push(vec![
            if is_first { row.section.clone() } else { String::new() },
            row.name.clone(),
            format!("{:.0}", quartiles(row.samples.clone())[1]),
            row.base.map_or_else(String::new, |_| format!("{:.0}", quartiles(table.net(row))[1])),
            times(row.floor.map(|floor| &rows[floor])),
            times(table.ours(row)),
            table.allocations(row).to_string(),
            row.characters.map_or_else(String::new, |characters| characters.to_string()),
            row.note.clone(),
        ]);
    }
    // A column in which no row has anything is not shown.
    let is_used = |column: &usize| column < &3 || lines[1..].iter().any(|line| !line[*column].is_empty());
    let used: Vec<usize> = (0..lines[0].len()).filter(is_used).collect();
    lines.iter().map(|line| used.iter().map(|column| line[*column].clone()).collect()).collect()
}

fn spread([low, median, high]: [f64; 3]) -> String {
    format!("{median:.2} ({low:.2}–{high:.2})")
}

/// A table whose columns begin in the same place in each line.
fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("| {cell:width$} "));
        writeln!(text, "{}|", cells.collect::<String>()).unwrap();
        if index == 0 {
            let rules: String = widths.iter().map(|width| format!("|{}", "-".repeat(width + 2))).collect();
            writeln!(text, "{rules}|").unwrap();
        }
    }
    text
}

/// Everything that was measured.
pub fn figures(tables: &[Table], effort: Effort) -> Value {
    let tables: Vec<Value> =
        tables.iter().map(|table| json!({"title": table.title, "rows": rows(table)})).collect();
    json!({"machine": machine(), "rounds": effort.rounds, "tables": tables})
}

pub fn record(name: &str, text: &str, figures: &Value, drawing: Option<String>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let results =
        root.ancestors().map(|above| above.join("benches/results")).find(|results| results.is_dir());
    let results = results.expect("benches/results is above this package");
    let write =
        |ending: &str, content: &str| fs::write(results.join(format!("{name}.{ending}")), content).unwrap();
    write("json", &format!("{figures:#}\n"));
    write("md", &format!("# Recorded figures: {name}\n\n{text}"));
    if let Some(drawing) = drawing {
        write("svg", &drawing);
    }
}

/// Each triple is the lower quartile, the median and the upper quartile.
fn rows(table: &Table) -> Vec<Value> {
    let row = |row: &Row| {
        let against = |other: Option<&Row>| other.map(|other| table.times(row, other));
        json!({
            "section": row.section,
            "name": row.name,
            "ns": quartiles(row.samples.clone()),
            "ns_added": row.base.map(|_| quartiles(table.net(row))),
            "times_floor": against(row.floor.map(|floor| &table.rows[floor])),
            "times_ours": against(table.ours(row)),
            "allocations": table.allocations(row),
            "characters": row.characters,
            "note": row.note,
        })
    };
    table.rows.iter().map(row).collect()
}
