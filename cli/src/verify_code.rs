//! Checks an artifact's machine code without trusting the compiler that made it.

use crate::failure::{Failure, printable};
use std::time::Instant;
use wasmelt_code_check::{ArtifactParts, Report, check_code};

/// Checks the code, and says in words what was found.
pub(crate) fn check(name: &str, bytes: &[u8]) -> Result<String, Failure> {
    let started = Instant::now();
    let (report, text_len_bytes) = report(bytes).map_err(|fault| Failure::refused(name, fault))?;
    let seconds = started.elapsed().as_secs_f64();
    let mut text = format!("{}: the machine code breaks no rule\n", printable(name));
    for line in report.to_string().lines() {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text.push_str(&format!(
        "  {text_len_bytes} bytes of text checked in {seconds:.3} s\n"
    ));
    Ok(text)
}

fn report(bytes: &[u8]) -> Result<(Report, usize), wasmelt_code_check::CodeFault> {
    let parts = ArtifactParts::read(bytes)?;
    Ok((check_code(&parts)?, parts.text.len()))
}
