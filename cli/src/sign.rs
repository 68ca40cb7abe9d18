//! The verb `sign`: adds a signature to an artifact, or writes it beside the artifact.

use crate::{
    failure::{Exit, Failure, printable_name},
    input::{Input, STDIN},
    keygen::with_suffix,
    keys::read_text,
    output::{self, Output},
    secret::{PasswordArgs, SigningKey},
};
use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};
use wasmelt::KeyError;
use wasmelt_abi::{MAX_SIGNATURES, decode_signature_block, encode_signature_block};
use wasmelt_loader::{KeyId, SignatureInfo, unsigned};

const EXAMPLES: &str = "\
Examples:
  wasmelt sign module.so --key builder.key               adds a signature to the file
  wasmelt sign module.so --key builder.key --detached    writes module.so.minisig
  wasmelt sign module.so --attach module.so.minisig      adds what was written beside it

Keys are those of `wasmelt keygen` or minisign. What is signed is the file without signatures, so
several people sign independently, in any order. A detached signature is what `minisign -V` verifies
as long as no signature is in the file. The file is replaced as a whole, or stays as it was.";

/// Arguments of `wasmelt sign`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SignArgs {
    /// The artifact
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Sign with this secret key
    #[arg(long, value_name = "SECRET", required_unless_present = "attach")]
    key: Option<PathBuf>,

    #[command(flatten)]
    password: PasswordArgs,

    /// Write the signature into FILE, which is the default
    #[arg(long, conflicts_with = "detached")]
    embed: bool,

    /// Write the signature to FILE.minisig
    #[arg(long)]
    detached: bool,

    /// Add a signature that was made before, for example FILE.minisig; may be repeated
    #[arg(
        long,
        value_name = "SIG",
        conflicts_with_all = ["key", "detached", "password_file"]
    )]
    attach: Vec<PathBuf>,
}

/// Signs, writes, and says so.
pub(crate) fn run(args: &SignArgs, quiet: bool) -> Result<(), Failure> {
    if args.file == Path::new(STDIN) {
        return Err(Failure::usage(
            "a file is signed, not standard input: name it",
        ));
    }
    // What cannot be signed is refused before anybody is asked for a password.
    read_bare(&args.file)?;
    let key = match &args.key {
        Some(path) => Some(SigningKey::read(path, &args.password)?),
        None => None,
    };
    // Others may have signed it meanwhile, or compiled it anew; from here on they wait.
    let _turn = Turn::take(&args.file)?;
    let (input, bare) = read_bare(&args.file)?;
    let name = input.name.as_str();
    let report = match key {
        Some(key) => {
            let target = if args.detached {
                with_suffix(&args.file, ".minisig")
            } else {
                args.file.clone()
            };
            let output = Output::prepare(&target, None)?;
            let text = key.sign(name, &bare)?;
            let id = key.signer().id();
            if args.detached {
                output.write(text.as_bytes())?;
                let target = printable_name(output.name());
                format!("{target}: signature by key {id}\n")
            } else {
                let signed = add(&input, &bare, &[(id, text)])?;
                replace(&output, &args.file, &signed)?;
                format!("{}: signed by key {id}\n", printable_name(name))
            }
        }
        None => {
            let read = args.attach.iter().map(|path| {
                let text = read_text(path)?;
                let refuse = || Failure::refused(path.display().to_string(), KeyError::Signature);
                let id = SignatureInfo::read(&text).key_id.ok_or_else(refuse)?;
                Ok((id, text))
            });
            let added = read.collect::<Result<Vec<_>, Failure>>()?;
            let output = Output::prepare(&args.file, None)?;
            replace(&output, &args.file, &add(&input, &bare, &added)?)?;
            let ids: Vec<_> = added.iter().map(|(id, _)| id.to_string()).collect();
            let (name, ids) = (printable_name(name), ids.join(", "));
            format!("{name}: added signatures that name {ids}; `wasmelt verify` verifies them\n")
        }
    };
    if quiet {
        return Ok(());
    }
    output::print(&report)
}

/// An artifact, and what of it is signed.
fn read_bare(path: &Path) -> Result<(Input, Vec<u8>), Failure> {
    let input = Input::read(path)?;
    let bare = unsigned(&input.bytes).map_err(|error| Failure::refused(&input.name, error))?;
    Ok((input, bare))
}

/// The right to replace a file: a lock of the kernel on the one that has the name now.
struct Turn {
    _file: File,
}

impl Turn {
    fn take(path: &Path) -> Result<Self, Failure> {
        let refuse = |error: io::Error| {
            let error = anyhow::Error::new(error).context("cannot wait for its turn");
            Failure::new(Exit::Host, path.display().to_string(), error)
        };
        loop {
            let file = File::open(path).map_err(refuse)?;
            match file.lock() {
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
                locked => locked.map_err(refuse)?,
            }
            // Whoever had the turn before has put another file in its place.
            let (ours, named) = (file.metadata(), fs::metadata(path));
            let (ours, named) = (ours.map_err(refuse)?, named.map_err(refuse)?);
            if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) {
                return Ok(Self { _file: file });
            }
        }
    }
}

/// The artifact with more signatures; earlier ones of the same keys are replaced.
fn add(input: &Input, bare: &[u8], added: &[(KeyId, String)]) -> Result<Vec<u8>, Failure> {
    let start = bare.len() - 16;
    let present = decode_signature_block(&input.bytes[start..])
        .map_err(|error| Failure::refused(&input.name, error))?;
    let is_kept = |text: &&str| {
        let id = SignatureInfo::read(text).key_id;
        !added.iter().any(|(new, _)| Some(*new) == id)
    };
    let kept = present.into_iter().filter(is_kept);
    let added = added.iter().map(|(_, text)| text.as_str());
    embed(&input.name, bare, &kept.chain(added).collect::<Vec<_>>())
}

/// An artifact with these signatures in place of the empty block at its end.
pub(crate) fn embed(name: &str, bare: &[u8], texts: &[&str]) -> Result<Vec<u8>, Failure> {
    let block = encode_signature_block(texts).ok_or_else(|| {
        let reason = format!("a file has at most {MAX_SIGNATURES} signatures, of 64 KiB together");
        Failure::refused_because(name, reason)
    })?;
    Ok([&bare[..bare.len() - 16], &block].concat())
}

/// Replaces the file; what may be done with it stays the same.
fn replace(output: &Output, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let permissions = fs::metadata(path).ok().map(|found| found.permissions());
    output.write_with(bytes, permissions)
}
