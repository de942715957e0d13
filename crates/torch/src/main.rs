//! The process that holds libtorch.

fn main() {
    focalsweep_torch::device::start();
}
