//! Tells the linker where libtorch lies, and writes that place into the program (rpath), so that neither
//! `cargo run` nor the finished program needs LD_LIBRARY_PATH.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    // tch's own link arguments reach only tch's tests; it hands the folder on in this variable.
    let lib = std::env::var("DEP_TCH_LIBTORCH_LIB")
        .ok()
        .or_else(|| std::env::var("LIBTORCH").ok().map(|dir| format!("{dir}/lib")));
    match lib {
        Some(lib) => {
            println!("cargo:rustc-link-search=native={lib}");
            println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
        }
        None => println!("cargo:warning=LIBTORCH is not set: run `make setup`, or point LIBTORCH at a libtorch 2.11.0"),
    }
}
