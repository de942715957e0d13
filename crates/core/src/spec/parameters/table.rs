//! The table: every hyperparameter of a trial, once, and the words of those that only trials have.
//!
//! [`with_parameters`] hands the whole table to another macro. Made from it are the keys, the reader and the schema of
//! a mapping under `parameters` ([`super::space`]), a trial's values ([`super::values`]), the axes of a grid (`plan`),
//! the columns of results.parquet (`record`), and what the report and its page know of a parameter
//! ([`super::PARAMETERS`]).
//!
//! A row: `name: presence type`, then the fields of [`super::Parameter`]. *Presence* is `always`, or `maybe` where only
//! some losses read it; a `maybe` is `None` in trials whose loss does not. `start` is the value of a trial in which
//! nothing sweeps it; for a `maybe`, that of a trial whose loss reads it.

use crate::spec::words::words;

words! {
    /// Training loss of a trial.
    pub enum Loss {
        /// Focal loss, Lin et al. 2017, arXiv 1708.02002.
        Focal = "focal",
        /// Binary cross-entropy.
        Bce = "bce",
        /// Binary cross-entropy with class weights.
        WeightedBce = "weighted_bce",
    }
}

words! {
    /// How training rows are drawn.
    pub enum Sampling {
        /// Every row once an epoch.
        None = "none",
        /// Positives drawn with replacement until there are as many as negatives.
        Oversample = "oversample",
    }
}

/// Calls `$then!` with the rows of the table, in the order in which people see them.
macro_rules! with_parameters {
    ($then:ident) => {
        $then! {
            /// The loss; `bce` unless swept or set.
            loss: always Loss {
                start: |_| Loss::Bce, default: "`bce`", title: "loss", bounds: ANY, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 5, axis: Axis::Words, always_shown: true, since: 2,
            }
            /// Focal loss: weight of the positives (1 - alpha is that of the negatives), in (0, 1); 0.25 unless set.
            alpha: maybe f64 {
                start: |_| Some(0.25), default: "0.25", title: "alpha", bounds: INSIDE_UNIT,
                read_by: ReadBy::Losses(&[Loss::Focal]),
                shapes_stack: false, nesting: 11, axis: Axis::Linear, always_shown: true, since: 2,
            }
            /// Focal loss: focusing exponent, at least 0; 2 unless set.
            gamma: maybe f64 {
                start: |_| Some(2.0), default: "2", title: "gamma", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Focal]),
                shapes_stack: false, nesting: 12, axis: Axis::Linear, always_shown: true, since: 2,
            }
            /// weighted_bce: weight of the positives when negatives weigh 1; unless set, n / (2 n_class) for each
            /// class.
            pos_weight: maybe f64 {
                start: |_| None, default: "n / (2 n_class) for each class", title: "pos_weight", bounds: POSITIVE,
                read_by: ReadBy::Losses(&[Loss::WeightedBce]),
                shapes_stack: false, nesting: 10, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// How training rows are drawn.
            sampling: always Sampling {
                start: |_| Sampling::None, default: "`none`", title: "sampling", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 4, axis: Axis::Words, always_shown: false, since: 2,
            }
            /// Overrides `train.learning_rate`.
            learning_rate: always f64 {
                start: |from| from.train.learning_rate, default: "from `train`", title: "learning_rate",
                bounds: POSITIVE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 8, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// Overrides `train.weight_decay`.
            weight_decay: always f64 {
                start: |from| from.train.weight_decay, default: "from `train`", title: "weight_decay",
                bounds: NOT_NEGATIVE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 7, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// Overrides `model.dropout`.
            dropout: always f64 {
                start: |from| from.model.dropout, default: "from `model`", title: "dropout",
                bounds: FROM_ZERO_BELOW_ONE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 9, axis: Axis::Linear, always_shown: false, since: 2,
            }
            /// Overrides `train.batch_size`.
            batch_size: always usize {
                start: |from| from.train.batch_size, default: "from `train`", title: "batch_size", bounds: BATCH,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 0, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// Overrides `model.hidden`.
            hidden: always Vec<usize> {
                start: |from| from.model.hidden.clone(), default: "from `model`", title: "hidden", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 1, axis: Axis::Words, always_shown: false, since: 2,
            }
            /// Overrides `model.activation`.
            activation: always Activation {
                start: |from| from.model.activation, default: "from `model`", title: "activation", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 2, axis: Axis::Words, always_shown: false, since: 2,
            }
            /// Overrides `train.optimizer`.
            optimizer: always Optimizer {
                start: |from| from.train.optimizer, default: "from `train`", title: "optimizer", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 3, axis: Axis::Words, always_shown: false, since: 2,
            }
            /// Overrides `model.initial_bias`.
            initial_bias: always InitialBias {
                start: |from| from.model.initial_bias, default: "from `model`", title: "initial_bias", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 6, axis: Axis::Words, always_shown: false, since: 2,
            }
        }
    };
}

pub(crate) use with_parameters;
