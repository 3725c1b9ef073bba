//! Figures and how they are shown: a table for people, one JSON object a line for programs.

use std::fs::read_to_string;
use std::thread::available_parallelism;

use serde::Serialize;

/// The stack whose name the ratios are for.
const OURS: &str = "purertc";

/// The column of what the machine could do at best.
pub const FLOOR: &str = "floor";

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
}

/// What is measured: its name, unit and direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub better: Better,
}

impl Metric {
    /// A metric of which more is better.
    pub const fn higher(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, better: Better::Higher }
    }

    /// A metric of which less is better.
    pub const fn lower(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, better: Better::Lower }
    }
}

/// All runs of one figure of one stack.
struct Figure {
    case: String,
    metric: Metric,
    stack: &'static str,
    runs: Vec<f64>,
}

impl Figure {
    /// Median, least and greatest.
    fn spread(&self) -> (f64, f64, f64) {
        let mut sorted = self.runs.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        };
        (median, sorted[0], sorted[sorted.len() - 1])
    }
}

#[derive(Serialize)]
struct Line<'a> {
    scenario: &'a str,
    case: &'a str,
    stack: &'a str,
    metric: &'a str,
    value: f64,
    unit: &'a str,
    better: Better,
    min: f64,
    max: f64,
    runs: usize,
}

/// The figures of one scenario.
pub struct Report {
    scenario: &'static str,
    figures: Vec<Figure>,
}

impl Report {
    pub fn new(scenario: &'static str) -> Self {
        Self { scenario, figures: Vec::new() }
    }

    /// Adds one run's value.
    pub fn add(&mut self, case: &str, metric: Metric, stack: &'static str, value: f64) {
        let same = |f: &&mut Figure| f.case == case && f.metric == metric && f.stack == stack;
        match self.figures.iter_mut().find(same) {
            Some(figure) => figure.runs.push(value),
            None => self.figures.push(Figure { case: case.to_owned(), metric, stack, runs: vec![value] }),
        }
    }

    /// The median over the runs so far.
    pub fn median(&self, case: &str, metric: Metric, stack: &str) -> Option<f64> {
        let same = |f: &&Figure| f.case == case && f.metric == metric && f.stack == stack;
        self.figures.iter().find(same).map(|figure| figure.spread().0)
    }

    pub fn print(&self, json: bool) {
        if json {
            self.print_lines();
        } else {
            print_aligned(&self.table());
        }
    }

    fn print_lines(&self) {
        for figure in &self.figures {
            let (value, min, max) = figure.spread();
            let line = Line {
                scenario: self.scenario,
                case: &figure.case,
                stack: figure.stack,
                metric: figure.metric.name,
                value,
                unit: figure.metric.unit,
                better: figure.metric.better,
                min,
                max,
                runs: figure.runs.len(),
            };
            println!("{}", serde_json::to_string(&line).expect("numbers and strings"));
        }
    }

    /// The heading and one line a case and metric, stacks in the order in which they came, the floor last.
    fn table(&self) -> Vec<Vec<String>> {
        let mut stacks: Vec<&'static str> = Vec::new();
        let mut rows: Vec<(&str, Metric)> = Vec::new();
        for figure in &self.figures {
            if !stacks.contains(&figure.stack) {
                stacks.push(figure.stack);
            }
            if !rows.contains(&(figure.case.as_str(), figure.metric)) {
                rows.push((&figure.case, figure.metric));
            }
        }
        stacks.sort_by_key(|stack| *stack == FLOOR);
        rows.sort_by_key(|(case, _)| self.figures.iter().position(|f| f.case == *case));
        let rivals: Vec<_> = stacks.iter().copied().filter(|s| *s != OURS && *s != FLOOR).collect();
        let ratio = stacks.contains(&OURS) && !rivals.is_empty();

        let mut heading: Vec<String> = [self.scenario, "", ""].map(str::to_owned).into();
        heading.extend(stacks.iter().map(|s| (*s).to_owned()));
        if ratio {
            heading.push("to best rival".to_owned());
        }
        let mut lines = vec![heading];
        let mut last = "";
        for (case, metric) in rows {
            let shown = if case == last { "" } else { case };
            last = case;
            let mut line = vec![shown.to_owned(), metric.name.to_owned(), metric.unit.to_owned()];
            let value = |stack: &str| self.median(case, metric, stack);
            line.extend(stacks.iter().map(|s| value(s).map_or_else(String::new, number)));
            if ratio {
                let best = rivals.iter().filter_map(|s| value(s)).reduce(|x, y| match metric.better {
                    Better::Higher => x.max(y),
                    Better::Lower => x.min(y),
                });
                line.push(match (value(OURS), best) {
                    (Some(ours), Some(best)) => times_better(metric.better, ours, best),
                    _ => String::new(),
                });
            }
            lines.push(line);
        }
        lines
    }
}

fn times_better(better: Better, ours: f64, theirs: f64) -> String {
    let ratio = match better {
        Better::Higher => ours / theirs,
        Better::Lower => theirs / ours,
    };
    if ratio.is_finite() { format!("{ratio:.2} x") } else { String::new() }
}

/// Three or four significant digits.
fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 100.0 => format!("{value:.0}"),
        x if x >= 10.0 => format!("{value:.1}"),
        x if x >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// Texts to the left, numbers to the right.
fn print_aligned(lines: &[Vec<String>]) {
    const TEXTS: usize = 3;
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|c| lines.iter().filter_map(|l| l.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for line in lines {
        let cells = line.iter().zip(&widths).enumerate();
        let text: Vec<String> = cells
            .map(
                |(c, (cell, &width))| {
                    if c < TEXTS { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        println!("{}", text.join("  ").trim_end());
    }
    println!();
}

/// The machine and the compiler, for the first line of a report.
pub fn machine() -> String {
    let model = read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split(':').nth(1)?.trim().to_owned())
    });
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{}, {} cores, Linux {}, {}",
        model.as_deref().unwrap_or("unknown processor"),
        available_parallelism().map_or(0, usize::from),
        kernel.trim(),
        env!("RUSTC_VERSION"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Better, Metric, Report, number, times_better};

    #[test]
    fn the_median_is_that_of_one_figure_alone() {
        const TIME: Metric = Metric::lower("time", "us");
        let mut report = Report::new("test");
        for value in [9.0, 1.0, 2.0] {
            report.add("case", TIME, "one", value);
            report.add("case", TIME, "other", 10.0 * value);
        }
        assert_eq!(report.median("case", TIME, "one"), Some(2.0));
        report.add("case", TIME, "one", 3.0);
        assert_eq!(report.median("case", TIME, "one"), Some(2.5));
        assert_eq!(report.median("case", TIME, "other"), Some(20.0));
        assert_eq!(report.median("another", TIME, "one"), None);
    }

    #[test]
    fn the_table_says_how_much_better_ours_is_than_the_best_rival() {
        let mut report = Report::new("test");
        let rate = Metric::higher("rate", "MB/s");
        for (stack, value) in [("purertc", 6.0), ("floor", 9.0), ("str0m", 1.0), ("rtc", 4.0)] {
            report.add("case", rate, stack, value);
        }
        let [heading, line] = report.table().try_into().unwrap();
        assert_eq!(heading, ["test", "", "", "purertc", "str0m", "rtc", "floor", "to best rival"]);
        assert_eq!(line, ["case", "rate", "MB/s", "6.00", "1.00", "4.00", "9.00", "1.50 x"]);
    }

    #[test]
    fn twice_as_good_is_two_in_either_direction() {
        assert_eq!(times_better(Better::Higher, 10.0, 5.0), "2.00 x");
        assert_eq!(times_better(Better::Lower, 5.0, 10.0), "2.00 x");
        assert_eq!(times_better(Better::Lower, 0.0, 10.0), "");
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!([1234.4, 99.94, 1.234, 0.1234].map(number), ["1234", "99.9", "1.23", "0.123"]);
    }
}
