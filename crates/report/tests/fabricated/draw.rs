//! Scores that are drawn, as those of a run.

use focalsweep_core::metrics::{
    Confusion, ScoredRows, logistic, threshold_in_use, validation_threshold, weighted_average_precision,
    weighted_roc_auc,
};
use focalsweep_core::plan::Phase;
use focalsweep_core::random::Stream;
use focalsweep_core::record::State;
use focalsweep_core::spec::{Folds, Split, SplitBy, SplitSpec};
use focalsweep_report::{CalibrationGroup, ReportError, Results, Row, ScoreGroup, ScoreSource, Value};

use super::rows::{Dealt, Rows, TESTED, VALIDATION};
use super::{By, Cell};

/// Columns of the fabricated results.
const COLUMNS: [&str; 13] = [
    "val_auc",
    "val_average_precision",
    "val_op_fn",
    "val_op_fp",
    "test_auc",
    "test_average_precision",
    "test_op_fn",
    "test_op_fp",
    "threshold_raw",
    "val_op_tp",
    "val_op_tn",
    "test_op_tp",
    "test_op_tn",
];

/// A set: scores, and results as a run would have them.
pub(super) struct Set {
    pub(super) results: Results,
    pub(super) groups: Vec<ScoreGroup>,
    set_aside: Vec<CalibrationGroup>,
}

impl ScoreSource for Set {
    fn for_each(
        &self,
        wanted: &dyn Fn(&str, u32, Split) -> bool,
        each: &mut dyn FnMut(ScoreGroup),
    ) -> Result<(), ReportError> {
        self.groups.for_each(wanted, each)
    }

    fn for_each_calibration(
        &self,
        wanted: &dyn Fn(&str, u32) -> bool,
        each: &mut dyn FnMut(CalibrationGroup),
    ) -> Result<(), ReportError> {
        let groups = self.set_aside.iter().filter(|group| wanted(&group.trial, group.replicate));
        groups.for_each(|group| each(group.clone()));
        Ok(())
    }
}

/// Errors of rows: standard normal, of which those of a unit have the share `alike` of the variance in common.
fn errors(cell: &Cell, rows: &Rows, stream: &mut Stream) -> Vec<f64> {
    let of_rows: Vec<f64> = rows.labels.iter().map(|_| stream.normal()).collect();
    if rows.units.is_empty() {
        return of_rows;
    }
    let of_units: Vec<f64> = (0..rows.count).map(|_| stream.normal()).collect();
    let (of_unit, of_row) = (cell.alike.sqrt(), (1.0 - cell.alike).sqrt());
    let both = of_rows.into_iter().zip(&rows.units);
    both.map(|(error, &unit)| of_unit * of_units[unit as usize] + of_row * error).collect()
}

/// What the training rows of each replicate do to a model: standard normal, and as alike as they overlap. Of other
/// splits than folds there is nothing of that kind.
fn of_training_rows(rows: &Rows, dealt: &[Dealt], stream: &mut Stream) -> Vec<f64> {
    let of_row: Vec<f64> = rows.labels.iter().map(|_| stream.normal()).collect();
    let of =
        |dealt: &Dealt| dealt.train.iter().map(|&row| of_row[row]).sum::<f64>() / (dealt.train.len() as f64).sqrt();
    dealt.iter().map(of).collect()
}

pub(super) fn draw(cell: &Cell, stream: &mut Stream) -> Set {
    let rows = Rows::new(cell, stream);
    let label = |row: usize| rows.labels[row];
    let common = errors(cell, &rows, stream);
    let weigh = |error: &f64| (cell.weigh * 0.5_f64.sqrt() * (error + stream.normal())).exp();
    let weights: Vec<f64> = if cell.weigh > 0.0 { common.iter().map(weigh).collect() } else { Vec::new() };
    let own: Vec<Vec<f64>> = (0..cell.models).map(|_| errors(cell, &rows, stream)).collect();
    let splits = rows.deal(cell, stream);
    // What all models of a replicate have in common: how well they are trained, or how hard its time is.
    let drift: Vec<f64> = match cell.by {
        By::Rows | By::Groups | By::Days(_) => vec![0.0; splits.len()],
        By::Windows(_) => splits.iter().map(|_| cell.drift * stream.normal()).collect(),
        By::Folds(..) => of_training_rows(&rows, &splits, stream).iter().map(|of| cell.drift * of).collect(),
    };
    let (mut groups, mut set_aside, mut table) = (Vec::new(), Vec::new(), Vec::new());
    for (model, own) in own.iter().enumerate() {
        let worse = if model + 1 == cell.models { cell.worse } else { 0.0 };
        let worse = worse + if model == 0 { cell.plain_worse } else { 0.0 };
        let of_folds = matches!(cell.by, By::Folds(..)).then(|| of_training_rows(&rows, &splits, stream));
        for (replicate, split) in (0..).zip(&splits) {
            let is_confirm = replicate >= cell.replicates;
            let luck = cell.luck * of_folds.as_ref().map_or_else(|| stream.normal(), |of| of[replicate as usize]);
            let shift = cell.shift() - worse + luck + drift[replicate as usize];
            let (of_model, of_training) = (0.5_f64.sqrt(), 0.5_f64.sqrt());
            let apart = if cell.near && model % 2 == 1 { 0.001 } else { 1.0 - cell.shared };
            let base = if cell.near { 1.0 } else { cell.shared };
            let of_units: Vec<f64> = (0..rows.count).map(|_| stream.normal()).collect();
            let mut score = |row: usize| {
                let mut trained = stream.normal();
                if let Some(&unit) = rows.units.get(row) {
                    let of_unit = of_units[unit as usize];
                    trained = cell.alike.sqrt() * of_unit + (1.0 - cell.alike).sqrt() * trained;
                }
                let error = base.sqrt() * common[row] + apart.sqrt() * (of_model * own[row] + of_training * trained);
                (shift * f64::from(label(row)) + error) as f32
            };
            let id = format!("{model:016x}");
            let [validation, test, aside] = [&split.validation, &split.test, &split.aside].map(|of| {
                let raw: Vec<f32> = of.iter().map(|&row| score(row)).collect();
                let labels: Vec<u8> = of.iter().map(|&row| label(row)).collect();
                let told = of.iter().filter(|_| !cell.hidden).filter_map(|&row| rows.units.get(row));
                let units: Vec<i64> = told.map(|&unit| i64::from(unit)).collect();
                let weights: Vec<f64> = of.iter().filter_map(|&row| weights.get(row).copied()).collect();
                (of.iter().map(|&row| row as i64).collect(), labels, raw, (units, weights))
            });
            let parts = [(Split::Validation, validation), (Split::Test, test)].map(
                |(split, (rows, labels, raw, (units, weights)))| {
                    let scores = probabilities(&raw);
                    ScoreGroup { trial: id.clone(), replicate, split, rows, labels, scores, raw, units, weights }
                },
            );
            let (rows, labels, raw, _) = aside;
            let scores = probabilities(&raw);
            let aside = CalibrationGroup { trial: id.clone(), replicate, rows, labels, scores, raw };
            table.push(row_of(cell, &id, (model, replicate, is_confirm), &parts, &aside));
            groups.extend(parts);
            set_aside.extend(Some(aside).filter(|aside| !aside.rows.is_empty()));
        }
    }
    let results = Results {
        name: "fabricated".to_owned(),
        planned_trials: cell.models,
        planned_replicates: cell.replicates,
        parameters: vec!["loss".to_owned(), "alpha".to_owned()],
        metrics: COLUMNS.map(str::to_owned).to_vec(),
        rows: table,
        operating_point: Some(cell.point.clone()),
        weight: (cell.weigh > 0.0).then(|| "w".to_owned()),
        split: split_of(cell),
        ..Results::default()
    };
    Set { results, groups, set_aside }
}

/// As a model says them, though they are none: scores as drawn are its logits.
fn probabilities(raw: &[f32]) -> Vec<f32> {
    raw.iter().map(|&raw| logistic(f64::from(raw)) as f32).collect()
}

/// What the sweep file would say of the split.
fn split_of(cell: &Cell) -> SplitSpec {
    let plain = SplitSpec { test: TESTED, validation: VALIDATION, ..SplitSpec::default() };
    match cell.by {
        By::Rows => plain,
        By::Groups => SplitSpec { by: SplitBy::Group { column: "customer".to_owned() }, ..plain },
        By::Days(_) | By::Windows(_) => {
            let by =
                SplitBy::Time { column: "day".to_owned(), gap: None, label_delay: None, window: None, groups: None };
            SplitSpec { by, ..plain }
        }
        By::Folds(folds, repeats) => SplitSpec { folds: Some(Folds { folds, repeats }), ..plain },
    }
}

fn row_of(
    cell: &Cell,
    id: &str,
    (model, replicate, confirm): (usize, u32, bool),
    parts: &[ScoreGroup; 2],
    aside: &CalibrationGroup,
) -> Row {
    let ScoreGroup { raw, scores, labels, weights, .. } = &parts[0];
    let validation = ScoredRows { raw, scores, labels, weights };
    let chosen = validation_threshold(&cell.point, validation);
    let threshold = threshold_in_use(&cell.point, chosen, aside.scored()).unwrap().raw;
    let counted = |part: &ScoreGroup, threshold| Confusion::weighed(&part.raw, &part.labels, &part.weights, threshold);
    let (val, test) = (counted(&parts[0], chosen.unwrap().raw), counted(&parts[1], threshold));
    let auc = parts.each_ref().map(|part| weighted_roc_auc(&part.raw, &part.labels, &part.weights).unwrap());
    let precision =
        parts.each_ref().map(|part| weighted_average_precision(&part.raw, &part.labels, &part.weights).unwrap());
    let values = [
        auc[0],
        precision[0],
        val.fn_,
        val.fp,
        auc[1],
        precision[1],
        test.fn_,
        test.fp,
        threshold,
        val.tp,
        val.tn,
        test.tp,
        test.tn,
    ];
    Row {
        trial_id: id.to_owned(),
        replicate,
        phase: if confirm { Phase::Confirm } else { Phase::Search },
        state: State::Finished,
        error: None,
        data_fingerprint: "data".to_owned(),
        split_fingerprint: format!("split {replicate}"),
        parameters: vec![
            Some(Value::Text(if model == 0 { "bce" } else { "focal" }.to_owned())),
            (model > 0).then_some(Value::Number(model as f64 / 100.0)),
        ],
        metrics: values.into_iter().map(Some).collect(),
        trainer: None,
        trainer_fingerprint: None,
        timing: None,
    }
}
