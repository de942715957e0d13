//! What a figure shows, without a word on how it is drawn.

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plot {
    Heatmap(Heatmap),
    Lines(Lines),
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
}

/// How the points of a series are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Line {
    None,
    #[default]
    Solid,
    Dashed,
}
