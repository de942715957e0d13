//! Which GPUs this process may use, in the order in which CUDA (and so libtorch) numbers them.
//!
//! CUDA_VISIBLE_DEVICES, CUDA_DEVICE_ORDER and MIG make that order; only the driver knows it. Signatures: CUDA Driver
//! API, "Device Management".

use std::ffi::{c_char, c_int};

use libloading::{Library, Symbol};

/// The driver's library.
const LIBRARY: &str = "libcuda.so.1";

/// Whether there is a driver, as in containers that have no management library beside it.
#[expect(unsafe_code, reason = "the driver is a C library that is there or not")]
pub(super) fn is_there() -> bool {
    // SAFETY: the driver is made to be loaded like this, and nothing of it is called.
    unsafe { Library::new(LIBRARY) }.is_ok()
}

/// Name and uuid (32 hexadecimal digits in five groups) of `cuda:0`, `cuda:1`, …; `None` where there is no driver.
pub(super) fn visible() -> Option<Vec<(String, String)>> {
    visible_by(LIBRARY)
}

#[expect(unsafe_code, reason = "the driver is a C library that is there or not")]
fn visible_by(library: &str) -> Option<Vec<(String, String)>> {
    // SAFETY: the driver is made to be loaded like this; each function is called with the signature of its header, with
    // pointers to values that live through the call, after cuInit.
    unsafe {
        let driver = Library::new(library).ok()?;
        let init: Symbol<'_, unsafe extern "C" fn(u32) -> c_int> = driver.get(b"cuInit\0").ok()?;
        let count: Symbol<'_, unsafe extern "C" fn(*mut c_int) -> c_int> = driver.get(b"cuDeviceGetCount\0").ok()?;
        let get: Symbol<'_, unsafe extern "C" fn(*mut c_int, c_int) -> c_int> = driver.get(b"cuDeviceGet\0").ok()?;
        let name: Symbol<'_, unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int> =
            driver.get(b"cuDeviceGetName\0").ok()?;
        let uuid: Symbol<'_, unsafe extern "C" fn(*mut [u8; 16], c_int) -> c_int> =
            driver.get(b"cuDeviceGetUuid_v2\0").or_else(|_| driver.get(b"cuDeviceGetUuid\0")).ok()?;
        let good = |code: c_int| (code == 0).then_some(());
        good(init(0))?;
        let mut devices = 0;
        good(count(&raw mut devices))?;
        let mut gpus = Vec::new();
        for ordinal in 0..devices {
            let (mut device, mut text, mut id) = (0, [0 as c_char; 256], [0u8; 16]);
            good(get(&raw mut device, ordinal))?;
            good(name(text.as_mut_ptr(), text.len() as c_int - 1, device))?;
            good(uuid(&raw mut id, device))?;
            let text: Vec<u8> = text.iter().map(|&c| c.cast_unsigned()).take_while(|&c| c != 0).collect();
            gpus.push((String::from_utf8_lossy(&text).into_owned(), groups(id)));
        }
        // The driver stays loaded: it was initialised.
        std::mem::forget(driver);
        Some(gpus)
    }
}

/// `8-4-4-4-12` hexadecimal digits, as nvidia-smi prints them.
fn groups(id: [u8; 16]) -> String {
    let mut text = String::new();
    for (place, byte) in id.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        text += &format!("{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library with the functions of cuda.h, since a machine without a GPU has no driver.
    const DRIVER: &str = r#"
        #include <string.h>
        typedef struct { char bytes[16]; } CUuuid;
        static int ready = 0;
        int cuInit(unsigned int flags) { ready = flags == 0; return 0; }
        int cuDeviceGetCount(int *count) { *count = 2; return ready ? 0 : 3; }
        int cuDeviceGet(int *device, int ordinal) { *device = 10 + ordinal; return 0; }
        int cuDeviceGetName(char *name, int len, int device) {
    strncpy(name, device == 10 ? "NVIDIA A" : "NVIDIA B", len);
    return 0;
}
        int cuDeviceGetUuid_v2(CUuuid *uuid, int device) {
    memset(uuid->bytes, device == 10 ? 0x1f : 0xa0, 16);
    return 0;
}
    "#;

    #[test]
    fn the_driver_is_asked_in_the_order_that_cuda_has() {
        let folder = tempfile::tempdir().unwrap();
        let (source, library) = (folder.path().join("driver.c"), folder.path().join("libcuda.so.1"));
        std::fs::write(&source, DRIVER).unwrap();
        let cc = std::process::Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
        if !cc.is_ok_and(|status| status.success()) {
            eprintln!("skipped: no C compiler to make a driver with");
            return;
        }
        let found = visible_by(library.to_str().unwrap()).unwrap();
        let uuid = |byte: u8| groups([byte; 16]);
        assert_eq!(found, [("NVIDIA A".to_owned(), uuid(0x1f)), ("NVIDIA B".to_owned(), uuid(0xa0))]);
        assert_eq!(visible_by("libcuda-that-is-not-there.so"), None);
    }

    #[test]
    fn uuids_look_as_the_driver_prints_them() {
        assert_eq!(groups(std::array::from_fn(|i| i as u8 * 17)), "00112233-4455-6677-8899-aabbccddeeff");
    }
}
