//! The few parts of a chart whose number changes, as markup: ruled lines, labels, notes, rows.
//! Everything that is not ours to choose is escaped.

use super::{GapNote, HEIGHT, Table, XTick, YTick};

/// Ruled lines with their values beside them.
pub fn y_axis(ticks: &[YTick]) -> String {
    join(ticks, |to, tick| {
        let y = tick.place.css();
        push(to, &["<line x2=\"100%\" y1=\"", &y, "\" y2=\"", &y, "\"/><text y=\"", &y, "\" dy=\"-4\">"]);
        escape(to, &tick.label);
        to.push_str("</text>");
    })
}

/// Ruled lines with their times below.
pub fn x_axis(ticks: &[XTick]) -> String {
    join(ticks, |to, tick| {
        let x = tick.place.css();
        push(to, &["<line x1=\"", &x, "\" x2=\"", &x, "\" y2=\"100%\"/><text x=\"", &x, "\" y=\"100%\" dy=\"15\">"]);
        escape(to, &tick.label);
        to.push_str("</text>");
    })
}

/// What shows over a stretch without data, in the units of a chart.
pub fn gap_notes(notes: &[GapNote]) -> String {
    join(notes, |to, note| {
        let (x, width, height) = (note.start.to_string(), (note.end - note.start).to_string(), HEIGHT.to_string());
        push(to, &["<rect x=\"", &x, "\" width=\"", &width, "\" height=\"", &height, "\"><title>"]);
        escape(to, &note.title);
        to.push_str("</title></rect>");
    })
}

pub fn table_rows(table: &Table) -> String {
    join(&table.rows, |to, row| {
        to.push_str("<tr><th scope=\"row\">");
        escape(to, &row.time);
        to.push_str("</th>");
        for cell in row.cells.iter().map(String::as_str).chain([row.note.unwrap_or_default()]) {
            to.push_str("<td>");
            escape(to, cell);
            to.push_str("</td>");
        }
        to.push_str("</tr>");
    })
}

fn join<T>(items: &[T], write: impl Fn(&mut String, &T)) -> String {
    let mut markup = String::new();
    items.iter().for_each(|item| write(&mut markup, item));
    markup
}

fn push(to: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| to.push_str(part));
}

fn escape(to: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            '"' => to.push_str("&quot;"),
            _ => to.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::Place;

    #[test]
    fn labels_are_text_and_nothing_else() {
        let tick = XTick { place: Place::of(0.5), label: "<b>&\"".to_owned() };
        assert_eq!(
            x_axis(&[tick]),
            "<line x1=\"50%\" x2=\"50%\" y2=\"100%\"/><text x=\"50%\" y=\"100%\" dy=\"15\">&lt;b&gt;&amp;&quot;</text>"
        );
    }
}
