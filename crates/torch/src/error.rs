//! Whose trouble libtorch's errors are.

use focalsweep_engine::train::{TrainError, Trouble};
use tch::TchError;

/// Words of libtorch, CUDA and cuBLAS when memory is short (c10/core/CUDACachingAllocator, CPUAllocator,
/// cublasStatus_t).
const OUT_OF_MEMORY: &[&str] =
    &["out of memory", "can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "cudaErrorMemoryAllocation"];
/// Words when the device is to blame (c10/cuda/CUDAException, at/cuda/Exceptions).
const DEVICE: &[&str] = &["CUDA error", "CUDA driver error", "CUBLAS_STATUS_", "cuBLAS error", "CUDA-capable device"];

/// libtorch's error as training's. Whose trouble it is is told by the words of the message: libtorch gives no other
/// sign. Its messages carry a C++ backtrace after the first line.
pub(crate) fn refused(error: TchError) -> TrainError {
    let text = error.to_string();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let trouble = match (says(OUT_OF_MEMORY), says(DEVICE)) {
        (true, _) => Trouble::OutOfMemory,
        (_, true) => Trouble::Device,
        _ => Trouble::Job,
    };
    TrainError::Backend { message: format!("libtorch: {}", text.lines().next().unwrap_or_default()), trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(message: &str) -> Trouble {
        refused(TchError::Torch(message.to_owned())).trouble()
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
        assert_eq!(refused(error).trouble(), Trouble::OutOfMemory);
    }
}
