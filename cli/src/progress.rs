//! Shows how far a compilation has come, on a terminal only.

use crate::failure::printable_name;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};
use wasmelt_compiler::{Phase, Progress, ProgressFn};

/// A bar on standard error, or nothing where that is no terminal or the user wants silence.
pub(crate) struct Bar {
    bar: Option<ProgressBar>,
}

impl Bar {
    /// Starts a bar for work on a file.
    pub(crate) fn start(file: &str, quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Self { bar: None };
        }
        let name = file.rsplit('/').next().unwrap_or(file);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_message(printable_name(name))
            .with_style(style("{msg} {spinner} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Self { bar: Some(bar) }
    }

    /// What the compiler calls after each function.
    pub(crate) fn callback(&self) -> Option<ProgressFn> {
        let bar = self.bar.clone()?;
        Some(Arc::new(move |progress| show(&bar, progress)))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn show(bar: &ProgressBar, progress: Progress) {
    match progress.phase {
        Phase::Functions => {
            if bar.length() != Some(progress.total as u64) {
                bar.set_style(style(
                    "{msg} [{bar:30}] {pos}/{len} functions, {elapsed}, {eta} left",
                ));
                bar.set_length(progress.total as u64);
            }
            // Threads report out of order: the bar never goes back.
            if progress.done as u64 > bar.position() {
                bar.set_position(progress.done as u64);
            }
        }
        Phase::Emit => bar.set_style(style("{msg} {spinner} writing {elapsed}")),
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .expect("templates are constants")
        .progress_chars("=> ")
}
