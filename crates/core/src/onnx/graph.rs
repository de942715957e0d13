//! A graph of ONNX operators that grows node by node; whoever adds a node gets the name of its result.

use super::proto::{
    AttributeProto, AttributeType, DataType, Dimension, DimensionProto, GraphProto, NodeProto, TensorProto,
    TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// The domain of operators for trees, encoders and the like.
pub(super) const ML_DOMAIN: &str = "ai.onnx.ml";

/// A graph that is being made.
#[derive(Debug)]
pub(super) struct Graph {
    made: GraphProto,
    /// Begins every name but those of inputs and outputs.
    prefix: String,
    names: usize,
}

impl Graph {
    /// An empty graph whose inputs will have these names: no other value begins as one of them does.
    pub(super) fn new(name: &str, inputs: &[String]) -> Self {
        let mut prefix = "/".to_owned();
        while inputs.iter().any(|input| input.starts_with(&prefix)) {
            prefix.push('/');
        }
        Self { made: GraphProto { name: name.to_owned(), ..GraphProto::default() }, prefix, names: 0 }
    }

    fn fresh(&mut self, what: &str) -> String {
        self.names += 1;
        format!("{}{}/{what}", self.prefix, self.names)
    }

    /// An input `[rows, 1]`.
    pub(super) fn input(&mut self, name: &str, of: DataType, about: &str) -> String {
        self.made.input.push(value(name, of, true, about));
        name.to_owned()
    }

    /// Makes `from`, `[rows, 1]`, the output `name`, `[rows]`.
    pub(super) fn output(&mut self, name: &str, from: &str, of: DataType, about: &str) {
        let axes = self.whole(&[1]);
        self.named_node(name.to_owned(), ("", "Squeeze"), &[from, &axes], Vec::new());
        self.made.output.push(value(name, of, false, about));
    }

    /// An operator of the default set.
    pub(super) fn op(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node("", op, inputs, Vec::new())
    }

    /// An operator with a whole number as its setting.
    pub(super) fn op_with(&mut self, op: &str, inputs: &[&str], setting: (&str, i64)) -> String {
        self.node("", op, inputs, vec![whole_number(setting.0, setting.1)])
    }

    /// The same as other elements.
    pub(super) fn cast(&mut self, from: &str, to: DataType) -> String {
        self.op_with("Cast", &[from], ("to", to as i64))
    }

    /// Values side by side; one is what it is.
    pub(super) fn beside(&mut self, values: &[String]) -> String {
        match values {
            [one] => one.clone(),
            more => {
                let names: Vec<&str> = more.iter().map(String::as_str).collect();
                self.op_with("Concat", &names, ("axis", 1))
            }
        }
    }

    /// The code of each word, `[rows, 1]`, 64-bit: that of the first pair with the word, else `other`.
    pub(super) fn codes(&mut self, from: &str, pairs: &[(&str, i64)], other: i64) -> String {
        let mut known: Vec<(&str, i64)> = Vec::with_capacity(pairs.len());
        for pair in pairs {
            if known.iter().all(|(word, _)| word != &pair.0) {
                known.push(*pair);
            }
        }
        let keys = AttributeProto {
            name: "keys_strings".to_owned(),
            strings: known.iter().map(|(word, _)| word.as_bytes().to_vec()).collect(),
            r#type: AttributeType::Strings as i32,
            ..AttributeProto::default()
        };
        let values = AttributeProto {
            name: "values_int64s".to_owned(),
            ints: known.iter().map(|(_, code)| *code).collect(),
            r#type: AttributeType::Ints as i32,
            ..AttributeProto::default()
        };
        self.node(ML_DOMAIN, "LabelEncoder", &[from], vec![keys, values, whole_number("default_int64", other)])
    }

    fn node(&mut self, domain: &str, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let name = self.fresh(op);
        self.named_node(name.clone(), (domain, op), inputs, attribute);
        name
    }

    /// A node whose result has the node's name.
    fn named_node(
        &mut self,
        name: String,
        (domain, op): (&str, &str),
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        self.made.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name,
            op_type: op.to_owned(),
            attribute,
            domain: domain.to_owned(),
        });
    }

    /// A row `[1, n]` of doubles.
    pub(super) fn doubles(&mut self, values: &[f64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(DataType::Double, &[1, values.len()], bytes)
    }

    /// Floats of this shape.
    pub(super) fn floats(&mut self, shape: &[usize], values: impl IntoIterator<Item = f32>) -> String {
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        self.constant(DataType::Float, shape, bytes)
    }

    /// A list `[n]` of whole numbers.
    pub(super) fn whole(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(DataType::Int64, &[values.len()], bytes)
    }

    /// A row `[1, n]` of truths.
    pub(super) fn truths(&mut self, values: &[bool]) -> String {
        self.constant(DataType::Bool, &[1, values.len()], values.iter().map(|&value| u8::from(value)).collect())
    }

    fn constant(&mut self, of: DataType, shape: &[usize], raw_data: Vec<u8>) -> String {
        let name = self.fresh("constant");
        let dims = shape.iter().map(|&size| size as i64).collect();
        self.made.initializer.push(TensorProto { dims, data_type: of as i32, name: name.clone(), raw_data });
        name
    }

    /// The graph.
    pub(super) fn made(self) -> GraphProto {
        self.made
    }
}

fn whole_number(name: &str, value: i64) -> AttributeProto {
    let r#type = AttributeType::Int as i32;
    AttributeProto { name: name.to_owned(), i: value, r#type, ..AttributeProto::default() }
}

/// `[rows, 1]` for inputs, `[rows]` for outputs.
fn value(name: &str, of: DataType, is_column: bool, about: &str) -> ValueInfoProto {
    let rows = Dimension::Param("rows".to_owned());
    let dimensions = [Some(rows), is_column.then_some(Dimension::Value(1))];
    let dim = dimensions.into_iter().flatten().map(|value| DimensionProto { value: Some(value) }).collect();
    let tensor = TensorTypeProto { elem_type: of as i32, shape: Some(TensorShapeProto { dim }) };
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { tensor_type: Some(tensor) }),
        doc_string: about.to_owned(),
    }
}
