//! A dimension made ready: its values as places in [0, 1], where all are equally likely before anything is known.
//!
//! A real number is a point there, and any other value a cell as wide as it is likely.

use super::domain::{Domain, Law, multiples};

/// A dimension made ready.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Axis {
    Real(Law),
    /// Multiples of `step`, from `first`; without an end where the law has none.
    Rounded {
        law: Law,
        step: f64,
        ends: Option<(i64, i64)>,
    },
    /// Whole numbers.
    Integer {
        min: i64,
        max: i64,
        log: bool,
    },
    /// Positions in a list, those that can be drawn, in the order of their cells; `edges` has one more.
    List {
        positions: Vec<usize>,
        edges: Vec<f64>,
        ordered: bool,
    },
}

impl Domain {
    /// The value in its middle; of a list the position.
    pub fn middle(&self) -> f64 {
        Axis::new(self).at(0.5)
    }

    /// How many values it has; `None`: without end.
    pub fn count(&self) -> Option<u64> {
        Axis::new(self).count()
    }
}

impl Axis {
    /// `domain` made ready; it has no [`Domain::fault`].
    pub(super) fn new(domain: &Domain) -> Self {
        match domain {
            Domain::Real(law) => Self::Real(*law),
            Domain::Rounded { law, step } => Self::Rounded { law: *law, step: *step, ends: multiples(*law, *step) },
            Domain::Integer { min, max, log } => Self::Integer { min: *min, max: *max, log: *log },
            Domain::Choices { count, probabilities } => {
                Self::list((0..*count).collect(), probabilities.as_deref(), false)
            }
            Domain::Ordered { numbers, probabilities } => {
                let mut positions: Vec<usize> = (0..numbers.len()).collect();
                positions.sort_by(|&one, &other| numbers[one].total_cmp(&numbers[other]));
                Self::list(positions, probabilities.as_deref(), true)
            }
        }
    }

    fn list(mut positions: Vec<usize>, probabilities: Option<&[f64]>, ordered: bool) -> Self {
        let each = 1.0 / positions.len() as f64;
        let likely = |position: usize| probabilities.map_or(each, |p| p[position]);
        positions.retain(|&position| likely(position) > 0.0);
        let mut edges = vec![0.0];
        let mut sum = 0.0;
        for &position in &positions {
            sum += likely(position);
            edges.push(sum);
        }
        edges.iter_mut().for_each(|edge| *edge /= sum);
        Self::List { positions, edges, ordered }
    }

    /// How many values there are; `None`: no end, or more than can be told apart.
    pub(super) fn count(&self) -> Option<u64> {
        match self {
            Self::Real(law) => {
                let (min, max) = law.bounds();
                (min == max).then_some(1)
            }
            Self::Rounded { ends, .. } => ends.map(|(first, last)| first.abs_diff(last) + 1),
            Self::Integer { min, max, .. } => Some(min.abs_diff(*max) + 1),
            Self::List { positions, .. } => Some(positions.len() as u64),
        }
    }

    /// Value `index` of [`Axis::count`].
    pub(super) fn nth(&self, index: u64) -> f64 {
        match self {
            Self::Real(law) => law.bounds().0,
            Self::Rounded { step, ends, .. } => {
                ends.map_or(0, |(first, _)| first).saturating_add_unsigned(index) as f64 * step
            }
            Self::Integer { min, .. } => min.saturating_add_unsigned(index) as f64,
            Self::List { positions, .. } => positions.get(index as usize).map_or(0.0, |&position| position as f64),
        }
    }

    /// The value at a place in [0, 1].
    pub(super) fn at(&self, place: f64) -> f64 {
        // The ends of a law that has none are not to be reached.
        let place = place.clamp(f64::EPSILON / 4.0, 1.0 - f64::EPSILON / 2.0);
        match self {
            Self::Real(law) => law.quantile(place),
            Self::Rounded { law, step, ends } => {
                let multiple = (law.quantile(place) / step).round();
                step * ends.map_or(multiple, |(first, last)| multiple.clamp(first as f64, last as f64))
            }
            Self::Integer { min, max, log } => {
                let (low, high) = (*min as f64, *max as f64);
                let near = if *log {
                    let (from, to) = ((low - 0.5).ln(), (high + 0.5).ln());
                    (from + place * (to - from)).exp().round()
                } else {
                    low + (place * (high - low + 1.0)).floor()
                };
                near.clamp(low, high)
            }
            Self::List { positions, edges, .. } => {
                let cell = edges.partition_point(|&edge| edge <= place).clamp(1, positions.len());
                positions[cell - 1] as f64
            }
        }
    }

    /// The places of a value that the axis holds: from and to, the same for a real number.
    pub(super) fn cell(&self, value: f64) -> (f64, f64) {
        match self {
            Self::Real(law) => {
                let place = if self.count() == Some(1) { 0.5 } else { law.cdf(value) };
                (place, place)
            }
            Self::Rounded { law, step, ends } => {
                let multiple = (value / step).round();
                let edge = |end: Option<i64>, side: f64, outer: f64| {
                    if end.is_some_and(|end| end as f64 == multiple) {
                        outer
                    } else {
                        law.cdf((multiple + side) * step)
                    }
                };
                (edge(ends.map(|ends| ends.0), -0.5, 0.0), edge(ends.map(|ends| ends.1), 0.5, 1.0))
            }
            Self::Integer { min, max, log } => {
                let (low, high) = (*min as f64, *max as f64);
                let place = |edge: f64| {
                    if *log {
                        let (from, to) = ((low - 0.5).ln(), (high + 0.5).ln());
                        (edge.ln() - from) / (to - from)
                    } else {
                        (edge - low + 0.5) / (high - low + 1.0)
                    }
                };
                (place(value - 0.5), place(value + 0.5))
            }
            Self::List { edges, .. } => {
                let cell = self.list_cell(value).unwrap_or_default();
                (edges[cell], edges[cell + 1])
            }
        }
    }

    /// Which cell of a list `value` is.
    pub(super) fn list_cell(&self, value: f64) -> Option<usize> {
        match self {
            Self::List { positions, .. } => positions.iter().position(|&position| position as f64 == value),
            _ => None,
        }
    }

    /// Whether `value` can be drawn.
    pub(super) fn holds(&self, value: f64) -> bool {
        match self {
            Self::Real(law) => {
                let (min, max) = law.bounds();
                value.is_finite() && (min..=max).contains(&value)
            }
            Self::Rounded { step, ends, .. } => {
                let multiple = value / step;
                let near = multiple.round();
                (multiple - near).abs() <= 1e-6
                    && ends.is_none_or(|(first, last)| (first as f64..=last as f64).contains(&near))
            }
            Self::Integer { min, max, .. } => value.fract() == 0.0 && (*min as f64..=*max as f64).contains(&value),
            Self::List { .. } => self.list_cell(value).is_some(),
        }
    }

    /// What equal values have in common.
    pub(super) fn key(&self, value: f64) -> u64 {
        match self {
            Self::Real(_) => (value + 0.0).to_bits(), // -0 is 0
            Self::Rounded { step, .. } => (value / step).round() as i64 as u64,
            Self::Integer { .. } => value as i64 as u64,
            Self::List { .. } => value as u64,
        }
    }

    /// Whether near values are alike.
    pub(super) fn is_ordered(&self) -> bool {
        !matches!(self, Self::List { ordered: false, .. })
    }
}
