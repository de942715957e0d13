//! An exported model as one ONNX file: from the columns of a file to logit, score and flag, without this program.
//!
//! Operators are those of opset 17 and of `ai.onnx.ml` 3 (IR version 8), which onnxruntime knows from 1.12 on.
//! <https://onnx.ai/onnx/operators/>

mod graph;
mod inputs;
mod proto;

use prost::Message;

use self::graph::{Graph, ML_DOMAIN};
use self::inputs::{Inputs, inputs};
use self::proto::{DataType, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::metrics::Platt;
use crate::plan::{Hyperparameters, Shape};
use crate::record::{Exported, Model};
use crate::spec::Activation;

/// Version of the format, of the operators, and of those for machine learning.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 17;
const ML_OPSET: i64 = 3;

/// Names of the outputs: as in the files that `predict` writes.
const OUTPUTS: [&str; 3] = ["raw", "score", "flagged"];

/// A model as bytes, and what people should know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnnxModel {
    /// The file.
    pub bytes: Vec<u8>,
    /// Names of its outputs: logit, score, and, where there is a threshold, flag.
    pub outputs: Vec<String>,
}

/// Why a model has no form in ONNX.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum OnnxError {
    /// A tensor of ONNX has no missing text, so that an empty one stands for it.
    #[error("column `{column}` has the level {level:?}, which stands for a missing text in ONNX")]
    #[diagnostic(help("give the level another name in the data, and train again"))]
    LevelIsMissing {
        /// The column.
        column: String,
        /// The level.
        level: String,
    },
    /// An average without models.
    #[error("it averages no models")]
    Empty,
}

/// A model as ONNX. Inputs are the file's columns, each `[rows, 1]`; outputs `[rows]`.
///
/// # Errors
/// The model has no form in ONNX.
pub fn onnx_model(of: &Exported) -> Result<OnnxModel, OnnxError> {
    let preprocessing = of.preprocessing().ok_or(OnnxError::Empty)?;
    let columns = preprocessing.columns();
    let mut graph = Graph::new("focalsweep", &columns);
    let rows = inputs(&mut graph, preprocessing)?;
    let logits: Vec<String> = of.models.iter().map(|model| network(&mut graph, &rows, model)).collect();
    let (raw, score) = match (of.shares(), logits.as_slice()) {
        (Some(shares), logits) => average(&mut graph, logits, &shares),
        (None, [logit]) => (logit.clone(), probability(&mut graph, logit)),
        (None, _) => return Err(OnnxError::Empty),
    };
    let outputs = OUTPUTS.map(|name| named(name, &columns));
    graph.output(&outputs[0], &raw, DataType::Float, "the logit, or what an average has in its place");
    graph.output(&outputs[1], &score, DataType::Float, "the score: a probability as the model has it");
    let has_flags = match of.threshold() {
        (_, Some(threshold)) => Some((&raw, threshold)),
        (threshold, None) => threshold.map(|threshold| (&score, threshold)),
    };
    if let Some((value, threshold)) = has_flags {
        let (value, threshold) = (graph.cast(value, DataType::Double), graph.doubles(&[threshold]));
        let flagged = graph.op("GreaterOrEqual", &[&value, &threshold]);
        graph.output(&outputs[2], &flagged, DataType::Bool, "whether it is at the threshold or above");
    }
    let set = |domain: &str, version| OperatorSetIdProto { domain: domain.to_owned(), version };
    let model = ModelProto {
        ir_version: IR_VERSION,
        producer_name: "focalsweep".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        doc_string: "one row for each row of data: see its inputs".to_owned(),
        graph: Some(graph.made()),
        opset_import: vec![set("", OPSET), set(ML_DOMAIN, ML_OPSET)],
        metadata_props: metadata(of),
    };
    let outputs = outputs.into_iter().take(2 + usize::from(has_flags.is_some())).collect();
    Ok(OnnxModel { bytes: model.encode_to_vec(), outputs })
}

/// The name of an output, other than that of any input.
fn named(name: &str, inputs: &[String]) -> String {
    let mut named = name.to_owned();
    while inputs.contains(&named) {
        named.insert_str(0, "predicted_");
    }
    named
}

/// What tells models apart.
fn metadata(of: &Exported) -> Vec<StringStringEntryProto> {
    let (threshold, threshold_raw) = of.threshold();
    let first = of.models.first().map(|model| &model.card);
    let label = of.preprocessing().and_then(|of| of.reading.as_ref()?.label.as_ref());
    let ids: Vec<&str> = of.models.iter().map(|model| model.card.trial_id.as_str()).collect();
    let entries = [
        ("sweep", first.map(|card| card.sweep.clone())),
        ("trial_id", Some(ids.join(","))),
        ("replicate", first.map(|card| card.replicate.to_string())),
        ("threshold", threshold.map(|value| value.to_string())),
        ("threshold_raw", threshold_raw.map(|value| value.to_string())),
        ("label", label.map(|label| label.column.clone())),
        ("positive", label.map(|label| label.positive.clone())),
        ("data_fingerprint", first.map(|card| card.data_fingerprint.clone())),
    ];
    let told = entries.into_iter().filter_map(|(key, value)| Some((key, value?)));
    told.map(|(key, value)| StringStringEntryProto { key: format!("focalsweep.{key}"), value }).collect()
}

/// The logit of a model, `[rows, 1]`.
fn network(graph: &mut Graph, rows: &Inputs, model: &Model) -> String {
    let mut x = rows.matrix.clone();
    let Hyperparameters { hidden, activation, .. } = &model.card.hyperparameters;
    let shape = Shape { inputs: rows.features.len(), hidden: hidden.clone(), activation: *activation };
    for (depth, layer) in shape.layers().iter().enumerate() {
        let of_input = |input: usize| &model.weights[layer.offset + input * layer.outputs..][..layer.outputs];
        let weights: Vec<f32> = match depth {
            // The matrix has its columns in an order of its own.
            0 => rows.features.iter().flat_map(|&feature| of_input(feature)).copied().collect(),
            _ => model.weights[layer.offset..layer.bias()].to_vec(),
        };
        let weights = graph.floats(&[layer.inputs, layer.outputs], weights);
        let bias = graph.floats(&[layer.outputs], model.weights[layer.bias()..layer.end()].iter().copied());
        x = graph.op("Gemm", &[&x, &weights, &bias]);
        if depth < hidden.len() {
            x = match activation {
                Activation::Relu => graph.op("Relu", &[&x]),
                Activation::Tanh => graph.op("Tanh", &[&x]),
            };
        }
    }
    x
}

/// The average of calibrated logits, and its probability.
fn average(graph: &mut Graph, logits: &[String], shares: &[(f64, Platt)]) -> (String, String) {
    let logits: Vec<String> = logits.iter().map(|logit| graph.cast(logit, DataType::Double)).collect();
    let all = graph.beside(&logits);
    let slopes: Vec<f64> = shares.iter().map(|(weight, platt)| -weight * platt.a).collect();
    let offset: f64 = shares.iter().map(|(weight, platt)| -weight * platt.b).sum();
    let (slopes, offset, axes) = (graph.doubles(&slopes), graph.doubles(&[offset]), graph.whole(&[1]));
    let weighed = graph.op("Mul", &[&all, &slopes]);
    let sum = graph.op("ReduceSum", &[&weighed, &axes]);
    let raw = graph.op("Add", &[&sum, &offset]);
    let raw = graph.cast(&raw, DataType::Float);
    let score = probability(graph, &raw);
    (raw, score)
}

/// The probability of a logit, by a double: the runtime's own of a float are less exact.
fn probability(graph: &mut Graph, logit: &str) -> String {
    let logit = graph.cast(logit, DataType::Double);
    let probability = graph.op("Sigmoid", &[&logit]);
    graph.cast(&probability, DataType::Float)
}
