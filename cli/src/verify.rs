//! The verb `verify`: says whether an artifact is intact, and who signed it.

use crate::{
    args::Format,
    describe::{counted, hex},
    failure::{Failure, printable_name},
    input::{Input, stored_descriptor},
    keys::KeyArgs,
    output, verify_code,
};
use serde::Serialize;
use std::{fmt::Write as _, path::PathBuf};
use wasmelt_loader::Signer;

const EXAMPLES: &str = "\
Examples:
  wasmelt verify module.so                       is it intact; this proves no origin
  wasmelt verify module.so --key builder.pub     did this key sign it
  wasmelt verify module.so --key a.pub --key b.pub --key c.pub --threshold 2
  wasmelt verify module.so --key builder.pub --signature module.so.minisig
  wasmelt verify module.so --code                what may its machine code do, whoever compiled it

Exit code 0 means: the artifact has its form, is intact, and as many of the keys as demanded signed
it; with --code, its machine code breaks no rule (docs/code-check.md). Nothing is executed; whether this host would load it, `wasmelt inspect` says.";

/// Arguments of `wasmelt verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct VerifyArgs {
    /// The artifact; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    keys: KeyArgs,

    /// Check the machine code as well, without trusting its compiler, and say what that showed
    #[arg(long, conflicts_with = "format")]
    code: bool,

    /// How the report is written
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    format: Format,
}

/// What `--format json` prints.
#[derive(Debug, Serialize)]
struct Report<'a> {
    file: &'a str,
    digest: String,
    wasm_sha256: String,
    /// How many keys had to have signed; absent if none was named, and then no origin is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<usize>,
    signers: Vec<SignerText>,
}

/// A signer in words.
#[derive(Debug, Serialize)]
struct SignerText {
    key_id: String,
    trusted_comment: String,
}

/// Verifies, and prints the report.
pub(crate) fn run(args: &VerifyArgs, quiet: bool) -> Result<(), Failure> {
    let trust = args.keys.trust()?;
    let input = Input::read(&args.file)?;
    let signers = wasmelt_loader::verify(&input.bytes, trust.as_ref())
        .map_err(|error| Failure::refused(&input.name, error))?;
    let descriptor = stored_descriptor(&input.bytes)
        .ok_or_else(|| Failure::refused_because(&input.name, "there is no module descriptor"))?;
    let report = Report {
        file: &input.name,
        digest: hex(&descriptor.digest),
        wasm_sha256: hex(&descriptor.wasm_sha256),
        threshold: trust.map(|trust| trust.threshold()),
        signers: signers.into_iter().map(SignerText::from).collect(),
    };
    // A refusal comes before anything is said.
    let code = match args.code {
        true => verify_code::check(&input.name, &input.bytes)?,
        false => String::new(),
    };
    match args.format {
        Format::Json => output::print_json(&report),
        Format::Human if quiet => Ok(()),
        Format::Human => output::print(&format!("{}{code}", report.text())),
    }
}

impl Report<'_> {
    fn text(&self) -> String {
        let mut text = format!("{}: intact, ", printable_name(self.file));
        match self.threshold {
            None => text.push_str(
                "which proves no origin: name the keys of those who must have signed it (--key)\n",
            ),
            Some(threshold) => {
                let signers = counted(self.signers.len(), "trusted key");
                writeln!(text, "signed by {signers} ({threshold} needed)")
                    .expect("writing to a string succeeds");
            }
        }
        for signer in &self.signers {
            let comment = printable_name(&signer.trusted_comment);
            writeln!(text, "  {}: {comment}", signer.key_id).expect("as above");
        }
        writeln!(text, "  digest {}", self.digest).expect("as above");
        text
    }
}

impl From<Signer> for SignerText {
    fn from(signer: Signer) -> Self {
        Self {
            key_id: signer.key_id.to_string(),
            trusted_comment: signer.trusted_comment,
        }
    }
}
