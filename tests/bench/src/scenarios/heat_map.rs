//! The grid as a picture.

use std::fmt::Write;

const CELL: (usize, usize) = (64, 30);
const MARGIN: (usize, usize) = (110, 46);

/// A square of the picture: its percentage, which of the columns and rows.
pub struct Square {
    pub column: usize,
    pub row: usize,
    pub percent: f64,
}

/// An SVG with the names of columns and rows at its edges; `groups` stand above equal parts of the columns.
pub fn svg(groups: &[String], columns: &[String], rows: &[String], squares: &[Square]) -> String {
    let (width, height) = (MARGIN.0 + CELL.0 * columns.len() + 10, MARGIN.1 + CELL.1 * rows.len() + 10);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut text = |x: usize, y: usize, anchor: &str, what: &str| {
        let _ = writeln!(out, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{what}</text>");
    };
    for (n, group) in groups.iter().enumerate() {
        let part = CELL.0 * columns.len() / groups.len();
        text(MARGIN.0 + n * part + part / 2, 16, "middle", group);
    }
    for (n, column) in columns.iter().enumerate() {
        text(MARGIN.0 + n * CELL.0 + CELL.0 / 2, 36, "middle", column);
    }
    for (n, row) in rows.iter().enumerate() {
        text(MARGIN.0 - 8, MARGIN.1 + n * CELL.1 + 19, "end", row);
    }
    for square in squares {
        let (x, y) = (MARGIN.0 + square.column * CELL.0, MARGIN.1 + square.row * CELL.1);
        // From red over yellow to green.
        let hue = square.percent.clamp(0.0, 100.0) * 1.2;
        let (w, h) = (CELL.0 - 2, CELL.1 - 2);
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" fill=\"hsl({hue:.0},75%,62%)\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{:.0} %</text>",
            x + w / 2,
            y + 19,
            square.percent
        );
    }
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::{Square, svg};

    #[test]
    fn every_square_has_its_place_and_its_number() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let squares = [Square { column: 1, row: 0, percent: 91.4 }];
        let picture = svg(&names(&["both"]), &names(&["left", "right"]), &names(&["only"]), &squares);
        assert!(picture.contains("x=\"174\" y=\"46\" width=\"62\" height=\"28\" fill=\"hsl(110,75%,62%)\""));
        assert!(["both", "left", "right", "only", "91 %"].iter().all(|name| picture.contains(name)));
        assert_eq!(picture.matches("<rect").count(), 2);
    }
}
