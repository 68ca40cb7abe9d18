//! Installs the C interface: headers, libraries, and the file that pkg-config reads.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::{cargo, root};

const PACKAGE: &str = "wasmelt-c-api";
/// The package that ships the standard's header, and where in it that is.
const HEADER_PACKAGE: &str = "wasmi_c_api_impl";
const HEADER: &str = "include/wasm.h";
/// What a program asks the dynamic linker for; `integrations/c-api/build.rs` has the name, too.
const SONAME: &str = "libwasmelt.so.0";
/// What the static library needs beside itself: `rustc --print native-static-libs` says so.
const PRIVATE_LIBRARIES: &str = "-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc";

/// Where to install, and from where if nothing is to be built.
struct Arguments {
    prefix: PathBuf,
    built: Option<PathBuf>,
}

/// Builds the libraries, unless a folder with built ones is named, and installs them.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let arguments = parse(arguments)?;
    let metadata = metadata()?;
    let built = match arguments.built {
        Some(folder) => folder,
        None => build(&metadata)?,
    };
    let prefix = make_folder(&arguments.prefix)?.canonicalize()?;
    install_headers(&metadata, &make_folder(&prefix.join("include"))?)?;
    let libraries = make_folder(&prefix.join("lib"))?;
    install_libraries(&built, &libraries)?;
    install_description(
        &metadata,
        &prefix,
        &make_folder(&libraries.join("pkgconfig"))?,
    )?;
    println!("installed in {}", prefix.display());
    Ok(())
}

fn parse(arguments: &[String]) -> Result<Arguments> {
    let (mut prefix, mut built) = (None, None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--prefix" => &mut prefix,
            "--built" => &mut built,
            other => bail!("this chore knows --prefix and --built, not {other:?}"),
        };
        let folder = arguments.next();
        let folder = folder.with_context(|| format!("{argument} needs a folder"))?;
        *place = Some(PathBuf::from(folder));
    }
    Ok(Arguments {
        prefix: prefix.context("name the folder to install in: --prefix FOLDER")?,
        built,
    })
}

/// What cargo knows of the workspace. All packages are downloaded for it, also those that are never compiled.
fn metadata() -> Result<Value> {
    let command = cargo("metadata").args(["--format-version", "1", "--locked"]);
    serde_json::from_str(&command.read_output()?).context("cannot understand cargo metadata")
}

fn package<'a>(metadata: &'a Value, name: &str) -> Result<&'a Value> {
    let packages = metadata["packages"].as_array();
    let found = packages
        .into_iter()
        .flatten()
        .find(|package| package["name"] == name);
    found.ok_or_else(|| anyhow!("cargo metadata has no package {name}"))
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str> {
    let text = value[key].as_str();
    text.ok_or_else(|| anyhow!("cargo metadata has no text for {key:?}"))
}

fn build(metadata: &Value) -> Result<PathBuf> {
    cargo("build")
        .args(["--release", "--locked", "-p", PACKAGE])
        .run()?;
    Ok(Path::new(text(metadata, "target_directory")?).join("release"))
}

fn install_headers(metadata: &Value, folder: &Path) -> Result<()> {
    let manifest = Path::new(text(package(metadata, HEADER_PACKAGE)?, "manifest_path")?);
    let package = manifest.parent().context("a manifest is in a folder")?;
    copy(&package.join(HEADER), &folder.join("wasm.h"))?;
    copy(&source("include/wasmelt.h"), &folder.join("wasmelt.h"))
}

fn install_libraries(built: &Path, folder: &Path) -> Result<()> {
    copy(&built.join("libwasmelt_c_api.so"), &folder.join(SONAME))?;
    copy(
        &built.join("libwasmelt_c_api.a"),
        &folder.join("libwasmelt.a"),
    )?;
    // The name that the linker looks for leads to the one that programs ask for.
    let link = folder.join("libwasmelt.so");
    if link.is_symlink() || link.exists() {
        fs::remove_file(&link)?;
    }
    symlink(SONAME, &link).with_context(|| format!("cannot make {}", link.display()))
}

fn install_description(metadata: &Value, prefix: &Path, folder: &Path) -> Result<()> {
    let template = source("wasmelt.pc.in");
    let description = fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?
        .replace("@prefix@", &prefix.to_string_lossy())
        .replace("@version@", text(package(metadata, PACKAGE)?, "version")?)
        .replace("@private@", PRIVATE_LIBRARIES);
    let path = folder.join("wasmelt.pc");
    fs::write(&path, description).with_context(|| format!("cannot write {}", path.display()))
}

fn source(path: &str) -> PathBuf {
    root().join("integrations/c-api").join(path)
}

fn make_folder(folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder.to_owned())
}

/// Copies into a new file: a program may have the old one mapped.
fn copy(from: &Path, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_file(to)?;
    }
    fs::copy(from, to)
        .map(drop)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))
}

#[cfg(test)]
mod tests {
    use super::{parse, run};

    fn error(arguments: &[&str]) -> String {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let error = parse(&arguments).err().expect("refused");
        error.to_string()
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        assert!(error(&[]).contains("--prefix FOLDER"));
        assert!(error(&["--prefix"]).contains("--prefix needs a folder"));
        assert!(error(&["--prefx", "x"]).contains("--prefx"));
    }

    #[test]
    fn a_folder_without_libraries_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_str().expect("text").to_owned();
        let arguments = ["--prefix", &path, "--built", &path].map(str::to_owned);
        let error = run(&arguments).expect_err("nothing is built there");
        assert!(error.to_string().contains("libwasmelt_c_api.so"), "{error}");
        assert!(folder.path().join("include/wasm.h").exists());
    }
}
