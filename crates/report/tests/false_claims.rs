//! How often the report claims what is not so, and what is: a short count. The long one is an example of the same name.

#![expect(clippy::unwrap_used, reason = "a test may fail")]

mod fabricated;

use fabricated::{By, Cell, by_the_margin, guaranteed, max_fpr, noticeable, rates};
use focalsweep_core::spec::{OperatingPoint, Split};

/// Sets a cell.
const SETS: u32 = 60;

/// Shares of the sets by the columns of `fabricated::COUNTED`; none where there was no such claim.
fn shares(cell: &Cell) -> Vec<Option<f64>> {
    rates(cell, SETS, 17).into_iter().map(|(told, of)| (of > 0).then(|| f64::from(told) / f64::from(of))).collect()
}

#[test]
fn equal_models_are_rarely_told_apart() {
    let cell = Cell::plain();
    let cost = OperatingPoint::Cost { fn_cost: 20.0, fp_cost: 1.0 };
    let recall = OperatingPoint::MinRecall { min_recall: 0.8 };
    for cell in [
        cell.clone(),
        Cell { near: true, ..cell.clone() },
        Cell { models: 2, replicates: 3, ..cell.clone() },
        Cell { on: Split::Test, ..cell.clone() },
        Cell { redraw: true, replicates: 3, ..cell.clone() },
        Cell { key: "op_fn", ..cell.clone() },
        Cell { key: "op_fp", point: recall, ..cell.clone() },
        Cell { key: "cost", point: cost, ..cell.clone() },
        Cell { key: "average_precision", point: max_fpr(0.05), ..cell.clone() },
        Cell { models: 2, positives: 30, point: guaranteed(0.05), set_aside: 160, ..cell.clone() },
        Cell { key: "op_fn", on: Split::Test, point: guaranteed(0.05), set_aside: 160, ..cell },
    ] {
        // 60 sets at 5 %: more than nine come in one of 500 runs, and this one always draws the same sets.
        for (at, share) in shares(&cell).into_iter().enumerate().take(4) {
            assert!(
                share.is_none_or(|share| share <= 9.0 / 60.0),
                "{}: {} {share:?}",
                cell.name(),
                fabricated::COUNTED[at]
            );
        }
    }
}

/// Groups, days, windows and folds, by their own columns of [`fabricated::COUNTED`]: the winner against others on the
/// rows that rank and on test rows, and the procedure.
#[test]
fn equal_models_are_rarely_told_apart_where_rows_come_in_units() {
    let cell = Cell { models: 3, positives: 30, ..Cell::plain() };
    let windows = Cell { replicates: 5, alike: 0.2, drift: 0.2, positives: 10, ..cell.clone() };
    for cell in [
        Cell { by: By::Groups, ..cell.clone() },
        Cell { by: By::Days(7), alike: 0.2, ..cell.clone() },
        Cell { by: By::Windows(7), ..windows.clone() },
        Cell { by: By::Folds(5, 1), ..windows },
    ] {
        let shares = shares(&cell);
        for at in [0, 2, 3, 8, 10, 11] {
            let (what, share) = (fabricated::COUNTED[at], shares[at]);
            assert!(share.is_none_or(|share| share <= 9.0 / 60.0), "{}: {what} {share:?}", cell.name());
        }
    }
    // That rows of a group are alike is seen where they are counted one by one.
    let hidden = shares(&Cell { by: By::Groups, hidden: true, ..cell });
    assert!(hidden[0].unwrap() > 9.0 / 60.0, "{hidden:?}");
}

#[test]
fn a_model_that_is_worse_is_told() {
    let cell = Cell { models: 5, positives: 30, ..Cell::plain() };
    let told = shares(&Cell { worse: noticeable(&cell), ..cell })[0].unwrap();
    assert!(told > 0.6, "{told}");
}

/// A plain trial that is behind by the margin is seldom called equal enough; one that is behind by nothing often is,
/// where the rows can tell, and the winner is not called better.
#[test]
fn decisions_are_rarely_wrong() {
    let at = |what: &str| fabricated::COUNTED.iter().position(|counted| *counted == what).unwrap();
    let [better, enough, wrong] =
        ["decision: better", "decision: equal enough", "decision: equal enough, and it is not"].map(at);
    let cell = Cell { models: 5, positives: 200, shared: 0.97, ..Cell::plain() };
    let behind = shares(&Cell { plain_worse: by_the_margin(&cell), ..cell.clone() });
    assert!(behind[wrong].unwrap() <= 9.0 / 60.0 && behind[better].unwrap() > 0.5, "{behind:?}");
    let equal = shares(&cell);
    assert!(equal[enough].unwrap() > 0.8 && equal[better].unwrap() <= 9.0 / 60.0, "{equal:?}");
}

#[test]
fn a_winners_luck_in_training_is_not_its_settings() {
    let lucky = Cell { models: 4, positives: 200, luck: 0.2, replicates: 3, confirm: 10, ..Cell::plain() };
    let shares = shares(&lucky);
    // The models differ, and are told to; their settings do not.
    let (models, settings) = (shares[2].unwrap(), shares[4].unwrap());
    assert!(models > 0.25 && settings <= 9.0 / 60.0, "models {models}, settings {settings}");
    assert!(shares[7].unwrap() > 0.8, "± of the test rows has the trainings in it: {shares:?}");
}
