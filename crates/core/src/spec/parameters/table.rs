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
        /// Asymmetric loss, Ridnik et al. 2021, arXiv 2009.14119.
        Asymmetric = "asymmetric",
        /// Vector-scaling loss, Kini et al. 2021, arXiv 2103.01550.
        Vs = "vs",
        /// Squared hinge over pairs of a positive and a negative row of a batch, which aims at AUC.
        Pairwise = "pairwise",
    }
}

words! {
    /// How `weighted_bce` finds the weight of the positives when negatives weigh 1, from the rows that an epoch draws.
    pub enum PosWeightRule {
        /// Negatives for each positive.
        Ratio = "ratio",
        /// The square root of that.
        SqrtRatio = "sqrt_ratio",
        /// By the effective number of rows, Cui et al. 2019, arXiv 1901.05555.
        EffectiveNumber = "effective_number",
    }
}

words! {
    /// How training rows are drawn.
    pub enum Sampling {
        /// Every row once an epoch.
        None = "none",
        /// Positives drawn with replacement until there are `sampling_ratio` for each negative.
        Oversample = "oversample",
        /// Negatives left out until there are `sampling_ratio` positives for each, others in each epoch.
        Undersample = "undersample",
        /// Positives made between those that there are until there are `sampling_ratio` for each negative: SMOTE.
        Smote = "smote",
    }
}

words! {
    /// Which rows come together in a batch.
    pub enum Batching {
        /// As they fall.
        Shuffled = "shuffled",
        /// The same share of positives in each batch, as near as they go.
        Stratified = "stratified",
    }
}

words! {
    /// What is done to the scores of a trained model so that they are probabilities.
    pub enum Correction {
        /// Nothing.
        None = "none",
        /// The intercept is moved by what the sampling changed of the odds, King & Zeng 2001.
        Prior = "prior",
        /// Slope and intercept that Platt scaling finds on the validation rows.
        Platt = "platt",
    }
}

/// Calls `$then!` with the rows of the table, in the order in which people see them.
macro_rules! with_parameters {
    ($then:ident) => {
        $then! {
            /// The loss; `bce` unless swept or set.
            loss: always Loss {
                start: |_| Loss::Bce, default: "`bce`", title: "loss", bounds: ANY, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 7, axis: Axis::Words, always_shown: true, since: 2,
            }
            /// Focal loss: weight of the positives (1 - alpha is that of the negatives), in (0, 1); 0.25 unless set.
            alpha: maybe f64 {
                start: |_| Some(0.25), default: "0.25", title: "alpha", bounds: INSIDE_UNIT,
                read_by: ReadBy::Losses(&[Loss::Focal]),
                shapes_stack: false, nesting: 23, axis: Axis::Linear, always_shown: true, since: 2,
            }
            /// Focal loss: focusing exponent, at least 0; 2 unless set.
            gamma: maybe f64 {
                start: |_| Some(2.0), default: "2", title: "gamma", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Focal]),
                shapes_stack: false, nesting: 24, axis: Axis::Linear, always_shown: true, since: 2,
            }
            /// weighted_bce: weight of the positives when negatives weigh 1; unless set, n / (2 n_class) for each
            /// class.
            pos_weight: maybe f64 {
                start: |_| None, default: "n / (2 n_class) for each class", title: "pos_weight", bounds: POSITIVE,
                read_by: ReadBy::Losses(&[Loss::WeightedBce]),
                shapes_stack: false, nesting: 16, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// weighted_bce: instead of `pos_weight`, a rule that finds it from the rows that an epoch draws.
            pos_weight_rule: maybe PosWeightRule {
                start: |_| None, default: "none", title: "pos_weight_rule", bounds: ANY,
                read_by: ReadBy::Losses(&[Loss::WeightedBce]),
                shapes_stack: false, nesting: 14, axis: Axis::Words, always_shown: false, since: 3,
            }
            /// weighted_bce with `pos_weight_rule: effective_number`: a class of n rows weighs (1 - beta) / (1 -
            /// beta^n), beta in (0, 1); 0.9999 unless set.
            beta: maybe f64 {
                start: |_| Some(0.9999), default: "0.9999", title: "beta", bounds: INSIDE_UNIT,
                read_by: ReadBy::Losses(&[Loss::WeightedBce]),
                shapes_stack: false, nesting: 15, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// Asymmetric loss: focusing exponent of the positives, at least 0; 0 unless set.
            gamma_pos: maybe f64 {
                start: |_| Some(0.0), default: "0", title: "gamma_pos", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Asymmetric]),
                shapes_stack: false, nesting: 21, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// Asymmetric loss: focusing exponent of the negatives, at least 0; 4 unless set.
            gamma_neg: maybe f64 {
                start: |_| Some(4.0), default: "4", title: "gamma_neg", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Asymmetric]),
                shapes_stack: false, nesting: 22, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// Asymmetric loss: what is taken off the probability of negatives, which have no loss up to it, in [0, 1);
            /// 0.05 unless set.
            margin: maybe f64 {
                start: |_| Some(0.05), default: "0.05", title: "margin", bounds: FROM_ZERO_BELOW_ONE,
                read_by: ReadBy::Losses(&[Loss::Asymmetric]),
                shapes_stack: false, nesting: 17, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// vs: the additive part, vs_tau · ln(negatives / positives) for positives and minus that for negatives, at
            /// least 0; 1 unless set.
            vs_tau: maybe f64 {
                start: |_| Some(1.0), default: "1", title: "vs_tau", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Vs]),
                shapes_stack: false, nesting: 19, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// vs: the multiplicative part, (n_class / n of the larger class)^vs_gamma, at least 0; 0.15 unless set.
            vs_gamma: maybe f64 {
                start: |_| Some(0.15), default: "0.15", title: "vs_gamma", bounds: NOT_NEGATIVE,
                read_by: ReadBy::Losses(&[Loss::Vs]),
                shapes_stack: false, nesting: 20, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// pairwise: by how much the logit of a positive has to be above that of a negative; 1 unless set.
            pair_margin: maybe f64 {
                start: |_| Some(1.0), default: "1", title: "pair_margin", bounds: POSITIVE,
                read_by: ReadBy::Losses(&[Loss::Pairwise]),
                shapes_stack: false, nesting: 18, axis: Axis::Log, always_shown: false, since: 3,
            }
            /// Every label counts as wrong with half this probability, in [0, 1): 0.1 makes targets of 0.95 and 0.05.
            label_smoothing: always f64 {
                start: |_| 0.0, default: "0", title: "label_smoothing", bounds: FROM_ZERO_BELOW_ONE,
                read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 12, axis: Axis::Linear, always_shown: false, since: 3,
            }
            /// How training rows are drawn.
            sampling: always Sampling {
                start: |_| Sampling::None, default: "`none`", title: "sampling", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 4, axis: Axis::Words, always_shown: false, since: 2,
            }
            /// oversample, undersample, smote: positives for each negative that an epoch draws, in (0, 1]; rows as they
            /// are where there are as many already.
            sampling_ratio: maybe f64 {
                start: |_| Some(1.0), default: "1", title: "sampling_ratio", bounds: ABOVE_ZERO_TO_ONE,
                read_by: ReadBy::Samplings(&[Sampling::Oversample, Sampling::Undersample, Sampling::Smote]),
                shapes_stack: true, nesting: 5, axis: Axis::Log, always_shown: false, since: 3,
            }
            /// Which rows come together in a batch: `stratified` puts positives in every one, where there are enough.
            batching: always Batching {
                start: |_| Batching::Shuffled, default: "`shuffled`", title: "batching", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: true, nesting: 6, axis: Axis::Words, always_shown: false, since: 3,
            }
            /// What makes probabilities of a trained model's scores: `prior` undoes what oversample and undersample
            /// changed of the odds, `platt` fits slope and intercept to the validation rows.
            correction: always Correction {
                start: |_| Correction::None, default: "`none`", title: "correction", bounds: ANY,
                read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 13, axis: Axis::Words, always_shown: false, since: 3,
            }
            /// Overrides `train.learning_rate`.
            learning_rate: always f64 {
                start: |from| from.train.learning_rate, default: "from `train`", title: "learning_rate",
                bounds: POSITIVE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 10, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// Overrides `train.weight_decay`.
            weight_decay: always f64 {
                start: |from| from.train.weight_decay, default: "from `train`", title: "weight_decay",
                bounds: NOT_NEGATIVE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 9, axis: Axis::Log, always_shown: false, since: 2,
            }
            /// Overrides `model.dropout`.
            dropout: always f64 {
                start: |from| from.model.dropout, default: "from `model`", title: "dropout",
                bounds: FROM_ZERO_BELOW_ONE, read_by: ReadBy::EveryTrial,
                shapes_stack: false, nesting: 11, axis: Axis::Linear, always_shown: false, since: 2,
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
                shapes_stack: false, nesting: 8, axis: Axis::Words, always_shown: false, since: 2,
            }
        }
    };
}

pub(crate) use with_parameters;
