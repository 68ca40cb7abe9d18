//! The verb `keygen`: makes a key pair for signing artifacts.

use crate::{
    failure::{Exit, Failure, printable_name},
    output,
    secret::{PasswordArgs, cannot},
};
use anyhow::Error;
use minisign::KeyPair;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use wasmelt::SignerKey;

const EXAMPLES: &str = "\
Examples:
  wasmelt keygen                             wasmelt.key and wasmelt.pub, with a password
  wasmelt keygen -f builder --no-password    for a machine that signs by itself
  wasmelt keygen -f builder --password-file /run/credentials/password

The files have the format of minisign, which can use them. Keep NAME.key; give NAME.pub to whoever
is to run what you sign. Use the key for artifacts only: what it signs runs as code.";

/// Arguments of `wasmelt keygen`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KeygenArgs {
    /// Write NAME.key and NAME.pub, which must not exist
    #[arg(
        short = 'f',
        long = "file",
        value_name = "NAME",
        default_value = "wasmelt"
    )]
    name: PathBuf,

    /// Do not encrypt the secret key: whoever reads the file can sign
    #[arg(long, conflicts_with = "password_file")]
    no_password: bool,

    #[command(flatten)]
    password: PasswordArgs,
}

/// Makes the keys, and says so.
pub(crate) fn run(args: &KeygenArgs, quiet: bool) -> Result<(), Failure> {
    let secret_path = with_suffix(&args.name, ".key");
    let public_path = with_suffix(&args.name, ".pub");
    for path in [&secret_path, &public_path] {
        // Before a password is asked for; the files are opened so that nothing is overwritten.
        if path.symlink_metadata().is_ok() {
            return Err(exists(path));
        }
    }
    let (pair, protection) = if args.no_password {
        let pair = KeyPair::generate_unencrypted_keypair();
        (pair, "without a password: whoever reads it can sign")
    } else {
        let password = args.password.read("Password for the new key: ")?;
        let is_typed = args.password.password_file.is_none();
        if is_typed && args.password.read("The same once more: ")? != password {
            return Err(Failure::refused_because(
                "<terminal>",
                "the two passwords differ",
            ));
        }
        let pair = KeyPair::generate_encrypted_keypair(Some(password));
        (pair, "encrypted with the password")
    };
    let host = |error: Error| Failure::new(Exit::Host, "keygen", error);
    let failed = |error: minisign::PError| host(cannot("make a key", &error));
    let pair = pair.map_err(failed)?;
    let secret = pair.sk.to_box(None).map_err(failed)?.into_string();
    let public = pair.pk.to_box().map_err(failed)?.into_string();
    let id = SignerKey::parse(&public)
        .map_err(|error| host(error.into()))?
        .id();
    write_new(&secret_path, 0o600, &secret)?;
    write_new(&public_path, 0o644, &public).inspect_err(|_| {
        // Half a pair is of no use; the error that led here is the one to show.
        let _ = fs::remove_file(&secret_path);
    })?;
    if quiet {
        return Ok(());
    }
    let show = |path: &Path| printable_name(&path.display().to_string());
    output::print(&format!(
        "key {id}: secret in {} ({protection}), public in {}\n",
        show(&secret_path),
        show(&public_path)
    ))
}

/// A path with something behind its last name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn write_new(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())
                .and_then(|()| file.sync_all())
                .inspect_err(|_| {
                    // It is only a part of a key; the error that led here is the one to show.
                    let _ = fs::remove_file(path);
                })
        });
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(path),
        _ => Failure::new(
            Exit::Host,
            path.display().to_string(),
            Error::new(error).context("cannot write"),
        ),
    })
}

fn exists(path: &Path) -> Failure {
    Failure::refused_because(
        path.display().to_string(),
        "the file exists, and a key that is overwritten is lost: name another one (-f NAME)",
    )
}
