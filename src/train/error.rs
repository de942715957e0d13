//! What can break in training.

/// Why a stack could not be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// libtorch refused an operation.
    #[error("libtorch: {}", first_line(.0))]
    Libtorch(#[from] tch::TchError),
    /// The observer could not keep a result.
    #[error("could not save a result: {0}")]
    Save(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The checkpoint does not fit the stack.
    #[error("the checkpoint does not fit its job: {0}")]
    Checkpoint(String),
    /// A model's weights or its rows are not of its shape.
    #[error("{0}")]
    Model(String),
}

/// libtorch's messages carry a C++ backtrace after the first line.
fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
