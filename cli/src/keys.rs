//! Public keys on the command line: who must have signed an artifact.

use crate::failure::Failure;
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};
use wasmelt::{KeyError, KeyTrust, SignerKey};

/// More bytes than a key or a signature has; longer files are something else.
const LIMIT_BYTES: u64 = 16 * 1024;

/// Whose signatures are demanded.
#[derive(Debug, clap::Args)]
pub(crate) struct KeyArgs {
    /// Demand a signature by this public key: a file, or the key itself; may be repeated
    #[arg(long = "key", value_name = "PUB")]
    keys: Vec<String>,

    /// Let signatures by so many of the keys be enough [default: all of them]
    #[arg(long, value_name = "K", requires = "keys")]
    threshold: Option<usize>,

    /// Read a signature that is not in FILE, for example FILE.minisig; may be repeated
    #[arg(long = "signature", value_name = "SIG", requires = "keys")]
    signatures: Vec<PathBuf>,
}

impl KeyArgs {
    /// What is demanded; nothing if no key was named.
    pub(crate) fn trust(&self) -> Result<Option<KeyTrust>, Failure> {
        if self.keys.is_empty() {
            return Ok(None);
        }
        let keys = self.keys.iter().map(|key| read_key(key));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let threshold = match self.threshold {
            Some(threshold) => threshold,
            // A key that was named twice is one.
            None => (1..=keys.len())
                .rev()
                .find(|threshold| KeyTrust::new(*threshold, keys.iter().cloned()).is_ok())
                .unwrap_or(keys.len()),
        };
        let trust = KeyTrust::new(threshold, keys)
            .map_err(|error| Failure::refused("--threshold", error))?;
        let trust = self.signatures.iter().try_fold(trust, |trust, path| {
            let text = read_text(path)?;
            trust
                .with_signature(&text)
                .map_err(|error| refuse(path, error))
        });
        trust.map(Some)
    }
}

/// A key as a file or as itself.
fn read_key(argument: &str) -> Result<SignerKey, Failure> {
    if let Ok(key) = SignerKey::parse(argument) {
        return Ok(key);
    }
    let path = Path::new(argument);
    SignerKey::parse(&read_text(path)?).map_err(|error| refuse(path, error))
}

/// Reads a key or a signature, or gives something that is neither.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(LIMIT_BYTES)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    match read() {
        Ok(bytes) => Ok(String::from_utf8(bytes).unwrap_or_default()),
        Err(error) => Err(crate::input::refuse_to_read(
            path.display().to_string(),
            error,
        )),
    }
}

fn refuse(path: &Path, error: KeyError) -> Failure {
    Failure::refused(path.display().to_string(), error)
}
