//! SHA-256 of files and bytes, as lower-case hex.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::Error;

/// The SHA-256 of a file's content, 64 lower-case hex digits. Reads in blocks, so any size fits.
///
/// # Errors
/// A file that cannot be opened or read.
pub fn sha256_of_file(path: &Path) -> Result<String, Error> {
    let failed = |source: std::io::Error| {
        Error::input("hashing a file").at(path.display().to_string()).caused_by(source)
    };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match file.read(&mut block).map_err(failed)? {
            0 => return Ok(hex(&hasher.finalize())),
            n => hasher.update(&block[..n]),
        }
    }
}

/// The SHA-256 of `bytes`, 64 lower-case hex digits.
///
/// ```
/// // FIPS 180-2, appendix B.1.
/// assert!(herscope::io::hash::sha256_of_bytes(b"abc").starts_with("ba7816bf8f01cfea"));
/// ```
pub fn sha256_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_its_bytes_have_one_hash() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("long.bin");
        let bytes: Vec<u8> = (0..200_000_u32).map(|i| i as u8).collect();
        std::fs::write(&path, &bytes).expect("written");
        let hash = sha256_of_file(&path).expect("readable");
        assert_eq!(hash, sha256_of_bytes(&bytes), "blocks do not change the hash");
        assert_eq!(hash.len(), 64, "32 bytes in hex");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_input_error_with_its_path() {
        let error = sha256_of_file(Path::new("no/such/file")).expect_err("nothing there");
        assert!(error.is_input() && error.to_string().contains("no/such/file"), "{error}");
    }
}
