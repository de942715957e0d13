//! How often the report claims what is not so: models made equal on purpose, and what is said of them.
//!
//! ```text
//! cargo run --release -p focalsweep-report --example false_claims -- --sets 200
//! cargo run --release -p focalsweep-report --example false_claims -- --sets 200 --only "auc 81"
//! cargo run --release -p focalsweep-report --example false_claims -- --sets 4000 --only "auc 2 200 0.92" --seed 18
//! cargo run --release -p focalsweep-report --example false_claims -- --sets 200 --only "auc 21+models groups"
//! ```
//! Scores are drawn, not trained (`tests/fabricated`), and go through `rank` and `judge` as those of a run do.
//! docs/statistics.md has the tables.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "an example that prints, and may fail")]

#[path = "../tests/fabricated/mod.rs"]
mod fabricated;

use std::collections::HashSet;
use std::env::args;

use fabricated::{By, COUNTED, Cell, by_the_margin, guaranteed, max_fpr, noticeable, rates};
use focalsweep_core::spec::{OperatingPoint, Split};

fn cells() -> Vec<Cell> {
    let budget = max_fpr(0.05);
    let plain = Cell::plain();
    let mut cells = Vec::new();
    for positives in [10, 30, 200] {
        for models in [2, 21, 81] {
            for auc in [0.6, 0.75, 0.92] {
                cells.push(Cell { models, positives, auc, ..plain.clone() });
            }
        }
    }
    for shared in [0.5, 0.97] {
        for models in [2, 21, 81] {
            cells.push(Cell { models, shared, ..plain.clone() });
        }
    }
    for (models, positives) in [(21, 10), (81, 10), (81, 30)] {
        cells.push(Cell { models, positives, near: true, ..plain.clone() });
    }
    for replicates in [3, 10] {
        for (models, positives) in [(2, 10), (21, 10), (21, 30), (81, 10)] {
            cells.push(Cell { models, positives, replicates, ..plain.clone() });
        }
    }
    let points = [
        ("op_fn", max_fpr(0.05)),
        ("op_fn", max_fpr(0.001)),
        ("op_fn", OperatingPoint::AlertBudget { max_alerts_per_1000: 50.0 }),
        ("op_fp", OperatingPoint::MinRecall { min_recall: 0.8 }),
        ("cost", OperatingPoint::Cost { fn_cost: 20.0, fp_cost: 1.0 }),
        ("average_precision", budget.clone()),
    ];
    for (key, point) in points.clone() {
        for (models, positives, auc) in [
            (2, 10, 0.75),
            (2, 30, 0.92),
            (2, 200, 0.75),
            (21, 10, 0.75),
            (21, 30, 0.92),
            (81, 10, 0.75),
            (81, 30, 0.92),
            (81, 200, 0.75),
        ] {
            cells.push(Cell { models, positives, auc, key, point: point.clone(), ..plain.clone() });
        }
        cells.push(Cell { models: 21, positives: 30, key, point: point.clone(), replicates: 3, ..plain.clone() });
        cells.push(Cell { models: 21, positives: 30, key, point, on: Split::Test, ..plain.clone() });
    }
    for (on, redraw) in [(Split::Test, false), (Split::Validation, true), (Split::Test, true)] {
        for replicates in [1, 10] {
            cells.push(Cell { on, redraw, replicates, ..plain.clone() });
        }
    }
    for luck in [0.0, 0.05, 0.2] {
        for (positives, auc) in [(10, 0.75), (30, 0.92), (200, 0.75)] {
            cells.push(Cell { models: 4, positives, auc, luck, replicates: 3, confirm: 10, ..plain.clone() });
        }
    }
    for (rate, set_aside) in
        [(0.05, 60), (0.05, 100), (0.05, 130), (0.05, 160), (0.05, 220), (0.05, 400), (0.01, 2000), (0.001, 8000)]
    {
        let cell = Cell { point: guaranteed(rate), set_aside, ..plain.clone() };
        for (models, positives) in [(2, 10), (2, 30), (2, 200), (21, 10), (21, 30), (21, 200), (81, 30)] {
            cells.push(Cell { models, positives, ..cell.clone() });
        }
        for (key, on, redraw, replicates) in [
            ("op_fn", Split::Test, false, 1),
            ("op_fp", Split::Test, false, 1),
            ("auc", Split::Validation, true, 3),
            ("op_fn", Split::Test, true, 3),
        ] {
            cells.push(Cell { key, on, redraw, replicates, positives: 30, ..cell.clone() });
        }
        for positives in [30, 200] {
            cells.push(Cell { models: 4, positives, luck: 0.05, replicates: 3, confirm: 10, ..cell.clone() });
        }
    }
    for (models, positives) in [(2, 10), (21, 10), (81, 10), (81, 200)] {
        let cell = Cell { models, positives, ..plain.clone() };
        cells.push(Cell { worse: noticeable(&cell), ..cell });
    }
    cells.extend(grouped());
    cells.extend(timed());
    cells.extend(folded());
    cells.extend(precise());
    cells.extend(averaged());
    cells.extend(decisions());
    cells.extend(weighted());
    cells
}

/// Rows that have weights.
fn weighted() -> Vec<Cell> {
    let mut cells = Vec::new();
    for weigh in [0.5, 1.0] {
        for (models, positives) in [(2, 10), (2, 30), (2, 200), (21, 30), (21, 200)] {
            for key in ["auc", "average_precision"] {
                cells.push(Cell { models, positives, key, weigh, ..Cell::plain() });
            }
        }
        cells.push(Cell { models: 4, positives: 200, weigh, replicates: 3, confirm: 10, luck: 0.05, ..Cell::plain() });
    }
    cells
}

/// Plain cross-entropy that is behind by the margin of a decision, and by nothing.
fn decisions() -> Vec<Cell> {
    let mut cells = Vec::new();
    for models in [2, 21, 81] {
        for positives in [30, 200, 1000] {
            for auc in [0.75, 0.92] {
                for shared in [0.8, 0.97] {
                    let cell = Cell { models, positives, auc, shared, ..Cell::plain() };
                    cells.push(Cell { plain_worse: by_the_margin(&cell), ..cell.clone() });
                    cells.push(cell);
                }
            }
        }
    }
    cells
}

/// Models of which an average has some of the errors, and hardly any.
fn averaged() -> Vec<Cell> {
    let mut cells = Vec::new();
    for shared in [0.8, 0.97, 0.999] {
        for (positives, auc) in [(30, 0.75), (30, 0.92), (200, 0.75), (200, 0.92)] {
            for replicates in [1, 3] {
                cells.push(Cell { models: 21, positives, auc, shared, replicates, ..Cell::plain() });
            }
        }
    }
    cells
}

/// By AUC, by misses and by costs.
fn keyed(cell: &Cell) -> [Cell; 3] {
    let costs = OperatingPoint::Cost { fn_cost: 20.0, fp_cost: 1.0 };
    [("auc", max_fpr(0.05)), ("op_fn", max_fpr(0.05)), ("cost", costs)].map(|(key, point)| Cell {
        key,
        point,
        ..cell.clone()
    })
}

/// Groups of rows that err alike and have labels that are alike.
fn grouped() -> Vec<Cell> {
    let plain = Cell { by: By::Groups, ..Cell::plain() };
    let mut cells = Vec::new();
    for replicates in [1, 3] {
        for positives in [10, 30, 100] {
            for models in [2, 21, 81] {
                cells.extend(keyed(&Cell { models, positives, replicates, ..plain.clone() }));
            }
        }
    }
    for positives in [10, 30, 100] {
        cells.extend(keyed(&Cell { positives, on: Split::Test, ..plain.clone() }));
        cells.push(Cell { positives, models: 4, luck: 0.05, replicates: 3, confirm: 10, ..plain.clone() });
    }
    for models in [2, 21] {
        cells.push(Cell { models, alike: 0.9, ..plain.clone() });
        cells.push(Cell { models, positives: 30, hidden: true, ..plain.clone() });
    }
    let days = Cell { by: By::Days(20), models: 2, positives: 30, alike: 0.2, hidden: true, ..Cell::plain() };
    cells.push(days);
    for (models, positives) in [(2, 10), (21, 10), (81, 30)] {
        let cell = Cell { models, positives, ..plain.clone() };
        cells.push(Cell { worse: noticeable(&cell), ..cell });
    }
    cells
}

/// Days whose rows err alike, in one window and in several.
fn timed() -> Vec<Cell> {
    let mut cells = Vec::new();
    for days in [20, 60, 7, 4] {
        for positives in [10, 30, 100] {
            for models in [2, 21, 81] {
                let cell = Cell { by: By::Days(days), models, positives, alike: 0.2, ..Cell::plain() };
                cells.extend(keyed(&cell));
                if models == 21 {
                    cells.extend(keyed(&Cell { on: Split::Test, ..cell }));
                }
            }
        }
    }
    for positives in [10, 30] {
        let cell =
            Cell { by: By::Days(20), models: 4, positives, luck: 0.05, confirm: 10, alike: 0.2, ..Cell::plain() };
        cells.push(cell);
    }
    for replicates in [5, 10, 3] {
        for positives in [10, 30] {
            for models in [2, 21, 81] {
                let by = By::Windows(7);
                let cell = Cell { by, models, positives, replicates, alike: 0.2, drift: 0.2, ..Cell::plain() };
                cells.extend(keyed(&cell));
                cells.push(Cell { luck: 0.1, ..cell });
            }
        }
    }
    cells
}

/// Five folds, drawn once and twice.
fn folded() -> Vec<Cell> {
    let mut cells = Vec::new();
    for repeats in [1, 2] {
        for positives in [10, 30] {
            for models in [2, 21, 81] {
                let by = By::Folds(5, repeats);
                let cell = Cell { by, models, positives, replicates: 5 * repeats, drift: 0.1, ..Cell::plain() };
                cells.extend(keyed(&cell));
                cells.extend([0.05, 0.2].map(|luck| Cell { luck, ..cell.clone() }));
            }
        }
    }
    cells
}

/// Thresholds of a least precision.
fn precise() -> Vec<Cell> {
    let mut cells = Vec::new();
    for (min_precision, auc) in [(0.3, 0.92), (0.5, 0.92), (0.1, 0.75)] {
        for key in ["op_fn", "auc"] {
            for (models, positives) in [(2, 10), (2, 30), (2, 200), (21, 10), (21, 30), (21, 200), (81, 10), (81, 30)] {
                let point = OperatingPoint::MinPrecision { min_precision };
                cells.push(Cell { key, models, positives, auc, point, ..Cell::plain() });
            }
            let point = OperatingPoint::MinPrecision { min_precision };
            cells.push(Cell { key, positives: 30, auc, point, on: Split::Test, ..Cell::plain() });
        }
    }
    cells
}

fn main() {
    let words: Vec<String> = args().skip(1).collect();
    let after = |flag: &str| words.iter().position(|word| word == flag).and_then(|at| words.get(at + 1));
    let sets: u32 = after("--sets").map_or(20, |sets| sets.parse().unwrap());
    // Sets that have not been looked at before, where a cell was chosen for what the usual ones gave.
    let seed: u64 = after("--seed").map_or(17, |seed| seed.parse().unwrap());
    let only: Vec<&str> = after("--only").map_or(Vec::new(), |only| only.split_whitespace().collect());
    println!("| cell | {} |\n|---|{}", COUNTED.join(" | "), "---:|".repeat(COUNTED.len()));
    let mut seen = HashSet::new();
    for cell in cells() {
        let name = cell.name();
        let words = format!(" {} ", name.replace(',', ""));
        let has = |only: &&str| words.contains(&format!(" {} ", only.replace('+', " ")));
        if !only.iter().all(has) || !seen.insert(name.clone()) {
            continue;
        }
        let told = rates(&cell, sets, seed).map(|(told, of)| match of {
            0 => "–".to_owned(),
            of => format!("{:.1} %", 100.0 * f64::from(told) / f64::from(of)),
        });
        println!("| {name} | {} |", told.join(" | "));
    }
}
