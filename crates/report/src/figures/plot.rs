//! What a figure shows, without a word on how it is drawn.

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plot {
    Heatmap(Heatmap),
    Lines(Lines),
}

impl Plot {
    /// The numbers that are drawn, as CSV: shares as shares, not in per cent.
    pub(super) fn csv(&self) -> String {
        match self {
            Self::Heatmap(map) => map.csv(),
            Self::Lines(lines) => lines.csv(),
        }
    }
}

/// Fields of a line of CSV, in quotes where they need them (RFC 4180).
fn csv_line<const N: usize>(fields: [&str; N]) -> String {
    let field = |field: &&str| match field.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => (*field).to_owned(),
    };
    fields.iter().map(field).collect::<Vec<_>>().join(",") + "\n"
}

impl Heatmap {
    fn csv(&self) -> String {
        let mut text = csv_line([&self.x.0, &self.y.0, "value", "outlined", "mark"]);
        for cell in &self.cells {
            let mark = match cell.mark {
                Some(Mark::Winner) => "winner",
                Some(Mark::Published) => "published",
                None => "",
            };
            let value = cell.value.to_string();
            text += &csv_line([
                &self.x.1.name(cell.x),
                &self.y.1.name(cell.y),
                &value,
                if cell.outlined { "yes" } else { "no" },
                mark,
            ]);
        }
        text
    }
}

impl Lines {
    /// Of what is only there to compare with, such as the diagonal, nothing: it has no name.
    fn csv(&self) -> String {
        let mut text = csv_line(["series", &self.x.name, &self.y.name, "low", "high"]);
        for series in self.series.iter().filter(|series| !series.name.is_empty()) {
            for (at, (x, y)) in series.points.iter().enumerate() {
                let [low, high] = match series.band.get(at) {
                    Some((low, high)) => [low.to_string(), high.to_string()],
                    None => Default::default(),
                };
                text += &csv_line([&series.name, &x.to_string(), &y.to_string(), &low, &high]);
            }
        }
        text
    }
}

/// Cells over two hyperparameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heatmap {
    pub(super) title: String,
    /// Names of the axes and their places in words.
    pub(super) x: (String, Labels),
    pub(super) y: (String, Labels),
    pub(super) cells: Vec<Cell>,
    /// Whether less is better; better is bright.
    pub(super) less_is_better: bool,
    /// Under the plot.
    pub(super) note: String,
}

/// What stands along an axis of a heatmap.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Labels {
    /// A word in the middle of each place.
    Places(Vec<String>),
    /// A word at each end of places that join: one more than there are places.
    Ends(Vec<String>),
}

impl Labels {
    /// How many places there are, at least 1.
    pub(super) fn places(&self) -> usize {
        match self {
            Self::Places(names) => names.len().max(1),
            Self::Ends(names) => names.len().saturating_sub(1).max(1),
        }
    }

    /// A place in words.
    fn name(&self, place: usize) -> String {
        let of = |at: usize| match self {
            Self::Places(names) | Self::Ends(names) => names.get(at).map_or("", String::as_str),
        };
        match self {
            Self::Places(_) => of(place).to_owned(),
            Self::Ends(_) => format!("{} to {}", of(place), of(place + 1)),
        }
    }

    /// The words, each with where it stands, in places from the begin of the axis.
    pub(super) fn placed(&self) -> impl Iterator<Item = (f64, &String)> {
        let (names, first) = match self {
            Self::Places(names) => (names, 0.5),
            Self::Ends(names) => (names, 0.0),
        };
        names.iter().enumerate().map(move |(at, name)| (first + at as f64, name))
    }
}

/// A cell of a heatmap.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) value: f64,
    pub(super) text: String,
    /// Whether it cannot be told from the best.
    pub(super) outlined: bool,
    pub(super) mark: Option<Mark>,
}

/// What a cell is known for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Winner,
    Published,
}

/// Lines and points over two numeric axes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    pub(super) note: String,
}

/// A numeric axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    pub(super) name: String,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) scale: Scale,
    /// Whether its numbers are shares, shown in per cent.
    pub(super) percent: bool,
}

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    Log,
}

/// Points that belong together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Series {
    /// In the legend; not there when empty.
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Lower and upper end at each point; empty without a band.
    pub(super) band: Vec<(f64, f64)>,
    pub(super) colour: Colour,
    pub(super) line: Line,
    /// Radius of its points, 0 for none.
    pub(super) dots: u32,
}

/// By the role of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Colour {
    /// For what is only there to compare with.
    #[default]
    Faint,
    First,
    Second,
    Third,
    Fourth,
    Fifth,
    Sixth,
    Seventh,
}

/// How the points of a series are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Line {
    None,
    #[default]
    Solid,
    Dashed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_there_as_csv() {
        let axis = |name: &str| Axis { name: name.into(), low: 0.0, high: 1.0, scale: Scale::Linear, percent: true };
        let named = Series {
            name: "a, \"b\"".into(),
            points: vec![(0.0, 0.5), (1.0, 0.25)],
            band: vec![(0.4, 0.6), (0.2, 0.3)],
            ..Series::default()
        };
        let series = vec![Series { points: vec![(0.0, 0.0)], ..Series::default() }, named];
        let lines = Lines { title: String::new(), x: axis("x"), y: axis("y"), series, note: String::new() };
        assert_eq!(
            Plot::Lines(lines).csv(),
            "series,x,y,low,high\n\"a, \"\"b\"\"\",0,0.5,0.4,0.6\n\"a, \"\"b\"\"\",1,0.25,0.2,0.3\n"
        );
        let cell = Cell { x: 1, y: 0, value: 0.5, text: "0.50".into(), outlined: true, mark: Some(Mark::Winner) };
        let map = Heatmap {
            title: String::new(),
            x: ("alpha".into(), Labels::Places(vec!["0.1".into(), "0.2".into()])),
            y: ("gamma".into(), Labels::Ends(vec!["0".into(), "1".into(), "4".into()])),
            cells: vec![cell],
            less_is_better: false,
            note: String::new(),
        };
        assert_eq!(Plot::Heatmap(map).csv(), "alpha,gamma,value,outlined,mark\n0.2,0 to 1,0.5,yes,winner\n");
    }
}
