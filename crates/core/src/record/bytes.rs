//! Numbers as the bytes of safetensors files and journals.

/// Little-endian bytes, as safetensors has them.
pub fn le_bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Reads [`le_bytes`]; a torn last value is dropped.
pub fn from_le_bytes(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks::<4>().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect()
}
