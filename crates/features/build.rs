//! Nothing to do: build dependencies need a build script.

fn main() {}
