//! libtorch's process-wide switches: one thread a job, CUDA loaded at run time.

use std::sync::OnceLock;

/// The libtorch that this program is linked to.
pub const LIBTORCH: &str = "2.11.0";

/// What loading libtorch's CUDA half said, if it failed.
static CUDA_PROBLEM: OnceLock<String> = OnceLock::new();

/// Makes libtorch use one thread for this thread's operations. To be called in every thread that trains.
pub fn use_one_thread() {
    tch::set_num_threads(1);
}

/// Prepares libtorch in the main thread, before the first tensor.
pub fn start() {
    use_one_thread();
    tch::set_num_interop_threads(1);
    load_cuda();
}

/// Loads libtorch's CUDA half if it is installed. The linker drops it (`--as-needed`), since no symbol of it is named.
fn load_cuda() {
    #[cfg(target_os = "linux")]
    {
        use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
        // SAFETY: libtorch_cuda.so is made to be loaded beside libtorch_cpu.so; its initialisers only register kernels.
        // It stays loaded until the process ends (the handle is leaked on purpose).
        #[expect(unsafe_code, reason = "dlopen is how one program serves CPU-only and CUDA libtorch")]
        match unsafe { Library::open(Some("libtorch_cuda.so"), RTLD_NOW | RTLD_GLOBAL) } {
            Ok(library) => std::mem::forget(library),
            Err(error) => {
                tracing::debug!(%error, "libtorch has no CUDA half here");
                CUDA_PROBLEM.get_or_init(|| error.to_string());
            }
        }
    }
}

/// Why libtorch's CUDA half could not be loaded; `None` when it is there.
pub fn cuda_problem() -> Option<&'static str> {
    CUDA_PROBLEM.get().map(String::as_str)
}

/// GPUs that libtorch sees.
pub fn cuda_devices() -> usize {
    if tch::Cuda::is_available() { usize::try_from(tch::Cuda::device_count()).unwrap_or(0) } else { 0 }
}
