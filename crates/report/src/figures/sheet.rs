//! How large a figure is on paper, and where its parts lie: two columns of a journal, or one.
//!
//! Lengths are points of the drawing; letters of 11 to 15 of them are 6.5 to 9 typographic points on paper.

use super::plot::Heatmap;

/// A size of paper with the lengths that go with it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sheet {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Width on paper.
    pub(super) inches: f64,
    /// Sizes of letters: title, legend, note, labels of axes, names of axes.
    pub(super) title: f64,
    pub(super) legend: f64,
    pub(super) note: f64,
    pub(super) label: f64,
    pub(super) name: f64,
    /// From the left edge to title, legend and note, and from the top.
    pub(super) edge: f64,
    /// Characters of a line of the title and of the note.
    pub(super) title_line: usize,
    pub(super) note_line: usize,
    /// Room for the labels of the axes, under and beside the plot.
    pub(super) under: f64,
    pub(super) beside: f64,
}

/// Two columns of a journal.
pub(super) const WIDE: Sheet = Sheet {
    width: 900,
    height: 680,
    inches: 7.0,
    title: 21.0,
    legend: 13.5,
    note: 13.5,
    label: 14.0,
    name: 15.0,
    edge: 28.0,
    title_line: 76,
    note_line: 118,
    under: 54.0,
    beside: 76.0,
};

/// One column.
pub(super) const NARROW: Sheet = Sheet {
    width: 420,
    height: 400,
    inches: 3.5,
    title: 14.0,
    legend: 11.5,
    note: 11.0,
    label: 11.5,
    name: 12.5,
    edge: 12.0,
    title_line: 46,
    note_line: 64,
    under: 40.0,
    beside: 56.0,
};

impl Sheet {
    /// From one line of text of this size to the next.
    pub(super) fn step(size: f64) -> f64 {
        (size * 1.33).round()
    }

    pub(super) fn title_lines(&self, title: &str) -> Vec<String> {
        wrapped(title, self.title_line)
    }

    pub(super) fn note_lines(&self, note: &str) -> Vec<String> {
        wrapped(note, self.note_line)
    }

    /// Where the first row of the legend stands.
    pub(super) fn legend_at(&self, title: &str) -> f64 {
        self.edge * 0.72 + Self::step(self.title) * self.title_lines(title).len() as f64 + self.legend * 0.45
    }

    /// Room that the note takes at the bottom.
    pub(super) fn foot(&self, note: &str) -> f64 {
        self.edge * 0.6 + Self::step(self.note) * self.note_lines(note).len() as f64
    }

    /// Left, top, right and bottom of the cells of a map.
    pub(super) fn cells(&self, map: &Heatmap) -> [f64; 4] {
        let top = self.legend_at(&map.title) + self.edge * 0.3;
        let bottom = f64::from(self.height) - self.foot(&map.note) - self.under - self.edge * 0.6;
        [self.beside + self.edge * 0.6, top, f64::from(self.width) - self.edge, bottom]
    }
}

/// Lines of at most `most` characters.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert!(wrapped("", 7).is_empty());
    }

    #[test]
    fn letters_can_be_read_on_paper() {
        for sheet in [WIDE, NARROW] {
            let points = |size: f64| size * sheet.inches * 72.0 / f64::from(sheet.width);
            for size in [sheet.title, sheet.legend, sheet.note, sheet.label, sheet.name] {
                assert!((6.5..=12.0).contains(&points(size)), "{size} is {} pt", points(size));
            }
        }
    }
}
