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

/// Whose trouble an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The stack is too large for the device; half of it may not be.
    OutOfMemory,
    /// The device's: lost, broken, or in a state that only a new process leaves.
    Device,
    /// The stack's own; it would fail anywhere.
    Job,
}

/// Words of libtorch, CUDA and cuBLAS when memory is short (c10/core/CUDACachingAllocator, CPUAllocator, cublasStatus_t).
const OUT_OF_MEMORY: &[&str] =
    &["out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "cudaErrorMemoryAllocation"];
/// Words when the device is to blame (c10/cuda/CUDAException, at/cuda/Exceptions).
const DEVICE: &[&str] = &["CUDA error", "CUDA driver error", "CUBLAS_STATUS_", "cuBLAS error", "CUDA-capable device"];

impl TrainError {
    /// Whose trouble it is, by the words of the message: libtorch gives no other sign.
    pub fn trouble(&self) -> Trouble {
        let Self::Libtorch(error) = self else { return Trouble::Job };
        let text = error.to_string();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        match (says(OUT_OF_MEMORY), says(DEVICE)) {
            (true, _) => Trouble::OutOfMemory,
            (_, true) => Trouble::Device,
            _ => Trouble::Job,
        }
    }
}

/// libtorch's messages carry a C++ backtrace after the first line.
fn first_line(error: &tch::TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(message: &str) -> Trouble {
        TrainError::Libtorch(tch::TchError::Torch(message.to_owned())).trouble()
    }

    #[test]
    fn messages_say_whose_trouble_it_is() {
        let oom = "CUDA out of memory. Tried to allocate 20.00 GiB. GPU 0 has a total capacity of 79.15 GiB";
        assert_eq!(trouble(oom), Trouble::OutOfMemory);
        assert_eq!(trouble("CUDA error: out of memory\nCUDA kernel errors might be"), Trouble::OutOfMemory);
        let cublas = "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`";
        assert_eq!(trouble(cublas), Trouble::OutOfMemory);
        for words in [
            "unspecified launch failure",
            "uncorrectable ECC error encountered",
            "an illegal memory access was encountered",
        ] {
            assert_eq!(trouble(&format!("CUDA error: {words}\nCompile with")), Trouble::Device);
        }
        assert_eq!(trouble("mat1 and mat2 shapes cannot be multiplied (4x3 and 2x1)"), Trouble::Job);
    }

    /// The real words of this libtorch.
    #[test]
    fn memory_that_is_not_there_is_out_of_memory() {
        let error = tch::Tensor::f_zeros([1 << 44], (tch::Kind::Float, tch::Device::Cpu)).unwrap_err();
        assert_eq!(TrainError::Libtorch(error).trouble(), Trouble::OutOfMemory);
    }
}
