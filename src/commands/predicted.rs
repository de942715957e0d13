//! What predictions are worth where the rows say what they should have been.

use serde::Serialize;

use focalsweep_core::metrics::{Figure, Served};
use focalsweep_core::prepared::LabelReading;
use focalsweep_engine::data::ServedLabel;
use focalsweep_report::{FEW_POSITIVES, thousands};

/// Characters of the widest name of a figure, and two blanks.
const NAMES: usize = 21;

/// What is said of the label of scored rows.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Labelled {
    /// Its column.
    column: String,
    /// The value of the rare class.
    positive: String,
    /// Rows without one, which no figure counts.
    missing: u64,
    /// Why there are no figures.
    #[serde(skip_serializing_if = "Option::is_none")]
    why_none: Option<String>,
    /// Figures of the rows with one.
    metrics: Option<Served>,
}

impl Labelled {
    /// Of rows with logits `raw` and flags; `None` where the rows have no label that the model knows.
    pub(super) fn of(label: ServedLabel, raw: &[f32], flagged: &[Option<bool>]) -> Option<Self> {
        let of = |LabelReading { column, positive, .. }, missing, why_none, metrics| {
            Some(Self { column, positive, missing, why_none, metrics })
        };
        match label {
            ServedLabel::Unknown | ServedLabel::Absent(_) => None,
            ServedLabel::Unusable(label, why) => of(label, 0, Some(why), None),
            ServedLabel::Read(label, classes) => {
                let known: Vec<(usize, u8)> =
                    classes.iter().enumerate().filter_map(|(row, class)| Some((row, (*class)?))).collect();
                let missing = (classes.len() - known.len()) as u64;
                if known.is_empty() {
                    let why = format!("label `{}` has a value in no row", label.column);
                    return of(label, missing, Some(why), None);
                }
                let raw: Vec<f32> = known.iter().map(|&(row, _)| raw[row]).collect();
                let flagged: Option<Vec<bool>> = known.iter().map(|&(row, _)| flagged[row]).collect();
                let labels: Vec<u8> = known.into_iter().map(|(_, class)| class).collect();
                of(label, missing, None, Some(Served::of(&raw, &labels, flagged.as_deref())))
            }
        }
    }

    /// A small table, or the sentence why there is none.
    pub(super) fn in_words(&self) -> String {
        let Some(served) = &self.metrics else {
            let why = self.why_none.as_deref().unwrap_or_default();
            return format!("no metrics: {why}");
        };
        let missing = match self.missing {
            0 => String::new(),
            rows => format!("; {} without a label left out", thousands(rows)),
        };
        let mut lines = vec![format!(
            "label `{}`: {} rows, {} of them positive ({}){missing}",
            self.column,
            thousands(served.rows),
            thousands(served.positives),
            self.positive,
        )];
        lines.push(format!("{:NAMES$}{:>9}   95 % interval, rows taken as independent", "", "value"));
        let shares = [("AUC", served.auc), ("average precision", served.average_precision)];
        lines.extend(shares.into_iter().map(|(name, figure)| share(name, figure)));
        if let Some(at) = &served.at_threshold {
            let shares = [("recall", at.recall), ("precision", at.precision), ("false positive rate", at.fpr)];
            lines.extend(shares.into_iter().map(|(name, figure)| share(name, figure)));
            let counts = [("missed (FN)", at.fn_), ("false alarms (FP)", at.fp)];
            let counts = counts.into_iter().chain([("caught (TP)", at.tp), ("rightly left (TN)", at.tn)]);
            lines.extend(counts.map(|(name, figure)| count(name, figure)));
        }
        if served.positives < FEW_POSITIVES as u64 {
            lines.push(format!("{} positives: these figures say little", thousands(served.positives)));
        }
        lines.join("\n")
    }
}

fn share(name: &str, figure: Option<Figure>) -> String {
    let Some(Figure { value, interval }) = figure else { return format!("{name:NAMES$}{:>9}", "-") };
    let interval = interval.map_or("-".to_owned(), |of| format!("{:.4} to {:.4}", of.lower, of.upper));
    format!("{name:NAMES$}{value:>9.4}   {interval}")
}

/// Ends of a count's interval are rounded away from it.
fn count(name: &str, Figure { value, interval }: Figure) -> String {
    let whole = |count: f64| thousands(count as u64);
    let interval =
        interval.map_or("-".to_owned(), |of| format!("{} to {}", whole(of.lower.floor()), whole(of.upper.ceil())));
    format!("{name:NAMES$}{:>9}   {interval}", whole(value))
}
