//! Secret keys: reads them, asks for their passwords, and signs.

use crate::{
    describe::hex,
    failure::{Failure, printable_name},
    input::stored_descriptor,
    keys::read_text,
};
use anyhow::{Context as _, Error, anyhow};
use ct_codecs::{Base64, Decoder as _};
use minisign::{PublicKey, SecretKey, SecretKeyBox};
use std::{
    io::Cursor,
    path::{Path, PathBuf},
};
use wasmelt::{KeyTrust, SignerKey};

/// Where a key says how it is encrypted, and what says that it is, or is not.
const ENCRYPTION: std::ops::Range<usize> = 2..4;
const SCRYPT: &[u8] = b"Sc";
const NONE: &[u8] = &[0; 2];

/// Bytes at the end of a key that are its checksum.
const CHECKSUM_LEN_BYTES: usize = 32;

/// Longest password that minisign takes.
const MAX_PASSWORD_LEN_BYTES: usize = 1024;

/// Where a password comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct PasswordArgs {
    /// Take the secret key's password from the first line of this file [default: ask on the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
}

impl PasswordArgs {
    /// The password, asked for with these words unless a file has it.
    pub(crate) fn read(&self, prompt: &str) -> Result<String, Failure> {
        let (subject, password) = match &self.password_file {
            Some(path) => {
                let text = read_text(path)?;
                let line = text.lines().next().unwrap_or_default().to_owned();
                (path.display().to_string(), line)
            }
            None => {
                let password = rpassword::prompt_password(prompt).map_err(|error| {
                    let error = Error::new(error);
                    let reason = "a password is needed, and cannot be asked for without a terminal \
                                  (--password-file FILE takes it from a file)";
                    Failure::refused("<terminal>", error.context(reason))
                })?;
                ("<terminal>".to_owned(), password)
            }
        };
        let reason = match password.len() {
            0 => "the password is empty, which protects nothing",
            len if len > MAX_PASSWORD_LEN_BYTES => "the password is longer than 1024 bytes",
            _ => return Ok(password),
        };
        Err(Failure::refused_because(subject, reason))
    }
}

/// A secret key that is ready to sign.
pub(crate) struct SigningKey {
    secret: SecretKey,
    public: PublicKey,
    signer: SignerKey,
}

impl SigningKey {
    /// Reads a secret key of minisign or of `wasmelt keygen`.
    pub(crate) fn read(path: &Path, password: &PasswordArgs) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = read_text(path)?;
        let second = text.lines().nth(1).unwrap_or_default();
        let bytes = Base64::decode_to_vec(second.trim(), None).unwrap_or_default();
        let encryption = bytes.get(ENCRYPTION).unwrap_or_default();
        let checksum = bytes.last_chunk::<CHECKSUM_LEN_BYTES>();
        let secret = if encryption == SCRYPT {
            let prompt = format!("Password of {}: ", printable_name(&name));
            let password = password.read(&prompt)?;
            SecretKeyBox::from(text).into_secret_key(Some(password))
        } else if encryption == NONE && checksum == Some(&[0; CHECKSUM_LEN_BYTES]) {
            // `minisign -G -W` writes no checksum, which the crate `minisign` misses. A damaged key
            // is noticed as well when its first signature is verified.
            SecretKey::from_bytes(&bytes)
        } else {
            SecretKeyBox::from(text).into_unencrypted_secret_key()
        };
        let refuse = |error| Failure::refused(&name, error);
        let secret = secret
            .context("not the secret key of minisign or `wasmelt keygen`, or another password")
            .map_err(refuse)?;
        let public = PublicKey::from_secret_key(&secret).map_err(|error| refuse(error.into()))?;
        let signer = SignerKey::parse(&public.to_base64()).map_err(|error| refuse(error.into()))?;
        Ok(Self {
            secret,
            public,
            signer,
        })
    }

    /// The public key.
    pub(crate) const fn signer(&self) -> &SignerKey {
        &self.signer
    }

    /// Signs an artifact that has no signatures in it.
    pub(crate) fn sign(&self, name: &str, unsigned: &[u8]) -> Result<String, Failure> {
        let sign = || -> Result<String, Error> {
            let comment = trusted_comment(unsigned);
            let untrusted = "signature by wasmelt of the artifact without signatures";
            let signed = minisign::sign(
                Some(&self.public),
                &self.secret,
                Cursor::new(unsigned),
                Some(&comment),
                Some(untrusted),
            );
            let text = signed?.into_string();
            // What nobody could verify should not be published: a damaged key, for example.
            let trust = KeyTrust::new(1, [self.signer.clone()])?.with_signature(&text)?;
            wasmelt_loader::verify(unsigned, Some(&trust))?;
            Ok(text)
        };
        sign().map_err(|error| Failure::refused(name, error.context("cannot sign")))
    }
}

/// What the signer says: which artifact this is, of which module, by which compiler.
fn trusted_comment(artifact: &[u8]) -> String {
    let Some(descriptor) = stored_descriptor(artifact) else {
        return String::new();
    };
    format!(
        "wasmelt artifact; digest {}; wasm sha256 {}; compiler {}",
        hex(&descriptor.digest),
        hex(&descriptor.wasm_sha256),
        printable_name(descriptor.compiler_version())
    )
}

/// Why a key could not be made or stored.
pub(crate) fn cannot(action: &str, error: &minisign::PError) -> Error {
    anyhow!("cannot {action}: {error}")
}
