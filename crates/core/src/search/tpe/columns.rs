//! The dimensions of all branches, each once, and points as places in them.

use crate::search::axis::Axis;
use crate::search::space::{Point, SearchSpace};

/// The dimensions of all branches: those with one name and one domain are one column.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
    /// The column of each dimension of each branch; `None` where there is one value.
    pub(super) of_branch: Vec<Vec<Option<usize>>>,
}

/// A dimension of one or more branches.
#[derive(Debug, Clone)]
pub(super) struct Column {
    name: String,
    pub(super) axis: Axis,
    pub(super) shapes: bool,
    /// How likely each cell of a list without an order is; else empty.
    pub(super) likely: Vec<f64>,
}

/// A point as places: from and to in each column, for a list without an order its cell; `None` where the point's branch
/// has no such dimension.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) branch: usize,
    pub(super) places: Vec<Option<Place>>,
}

/// Where a value is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    At(f64),
    Between(f64, f64),
    Cell(usize),
}

impl Columns {
    pub(super) fn new(space: &SearchSpace) -> Self {
        let mut all: Vec<Column> = Vec::new();
        let mut of_branch = Vec::new();
        for (branch, dimensions) in space.branches().iter().enumerate() {
            let mut own = Vec::new();
            for (dimension, axis) in dimensions.iter().zip(space.axes(branch)) {
                if axis.count() == Some(1) {
                    own.push(None);
                    continue;
                }
                let known = all.iter().position(|column| column.name == dimension.name && column.axis == *axis);
                own.push(Some(known.unwrap_or(all.len())));
                if known.is_none() {
                    let likely = match axis {
                        Axis::List { edges, ordered: false, .. } => {
                            edges.windows(2).map(|two| two[1] - two[0]).collect()
                        }
                        _ => Vec::new(),
                    };
                    let (name, shapes) = (dimension.name.clone(), dimension.shapes_stack);
                    all.push(Column { name, axis: axis.clone(), shapes, likely });
                }
            }
            of_branch.push(own);
        }
        Self { all, of_branch }
    }

    /// A point of the space as places.
    pub(super) fn row(&self, point: &Point) -> Row {
        let mut places = vec![None; self.all.len()];
        for (column, &value) in self.of_branch[point.branch].iter().zip(&point.values) {
            if let Some(column) = *column {
                places[column] = Some(Place::of(&self.all[column].axis, value));
            }
        }
        Row { branch: point.branch, places }
    }
}

impl Place {
    fn of(axis: &Axis, value: f64) -> Self {
        if !axis.is_ordered() {
            return Self::Cell(axis.list_cell(value).unwrap_or_default());
        }
        match axis.cell(value) {
            (from, to) if from == to => Self::At(from),
            (from, to) => Self::Between(from, to),
        }
    }

    /// The middle; of a cell without an order there is none.
    pub(super) fn middle(self) -> Option<f64> {
        match self {
            Self::At(place) => Some(place),
            Self::Between(from, to) => Some(0.5 * (from + to)),
            Self::Cell(_) => None,
        }
    }
}
