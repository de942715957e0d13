//! What one core can do: `cargo bench -p focalsweep-torch --bench ceiling`.

use divan::{Bencher, counter::ItemsCount};

fn main() {
    focalsweep_torch::device::start();
    divan::main();
}

/// A product of two 1,024 x 1,024 matrices is 2.15e9 floating-point operations.
#[divan::bench]
fn ceiling_matrix_product(bencher: Bencher<'_, '_>) {
    let matrix = || tch::Tensor::rand([1024, 1024], (tch::Kind::Float, tch::Device::Cpu));
    let (a, b) = (matrix(), matrix());
    bencher.counter(ItemsCount::new(2usize * 1024 * 1024 * 1024)).bench_local(|| a.matmul(&b));
}
