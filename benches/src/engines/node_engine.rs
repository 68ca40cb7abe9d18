//! Node.js, and with it V8, in a process of its own that takes its own times.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

use crate::engines::{self, Version};
use crate::phases::Phase;

/// Reads `path` or `n times` from each line, and answers with a result and nanoseconds. A few calls go before, so that
/// the optimising compiler of V8 has done its work; it is told to do so at once.
const SCRIPT: &str = r#"
const fs = require("fs");
let run;
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const [word, times] = line.split(" ");
  if (times === undefined) {
    const module = new WebAssembly.Module(fs.readFileSync(word));
    run = new WebAssembly.Instance(module, { host: { step: (x) => (x + 1) | 0 } }).exports.run;
    console.log("0 0");
    return;
  }
  let result = 0;
  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(times); i++) result = run(Number(word) | 0);
  console.log(`${result >>> 0} ${process.hrtime.bigint() - start}`);
});
"#;

pub(crate) const NAME: &str = "node";

pub(crate) struct NodeEngine {
    version: String,
    folder: Rc<TempDir>,
}

impl NodeEngine {
    /// The engine, if this machine has the program.
    pub(crate) fn new() -> Result<Self> {
        let output = Command::new("node")
            .args([
                "-p",
                "`${process.versions.node}, V8 ${process.versions.v8}`",
            ])
            .output()
            .context("`node` does not run")?;
        ensure!(output.status.success(), "`node -p` failed");
        Ok(Self {
            version: String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            folder: Rc::new(TempDir::new()?),
        })
    }
}

impl engines::Engine for NodeEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> Version {
        Version::Found(self.version.clone())
    }

    fn settings(&self) -> String {
        "--no-liftoff: optimised before the first call; a process of its own, wall-clock time"
            .to_owned()
    }

    fn phases(&self) -> &'static [Phase] {
        &[Phase::Execute]
    }

    fn compile(&self, wasm: &[u8]) -> Result<Box<dyn engines::Module>> {
        Ok(Box::new(Stored {
            wasm: wasm.to_vec(),
            folder: Rc::clone(&self.folder),
        }))
    }

    fn precompile(&self, _: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(None)
    }

    fn load(&self, _: &[u8]) -> Result<Box<dyn engines::Module>> {
        bail!("nothing is stored")
    }
}

struct Stored {
    wasm: Vec<u8>,
    folder: Rc<TempDir>,
}

impl engines::Module for Stored {
    fn instantiate(&self) -> Result<Box<dyn engines::Instance>> {
        let path = self.folder.path().join("module.wasm");
        std::fs::write(&path, &self.wasm)?;
        let mut child = Command::new("node")
            .args(["--no-liftoff", "--no-wasm-lazy-compilation", "-e", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("it is piped")?;
        let output = BufReader::new(child.stdout.take().context("it is piped")?);
        let process = Process {
            child,
            input,
            output,
        };
        let running = Running {
            process: RefCell::new(process),
        };
        let path = path
            .to_str()
            .context("temporary folders have names in UTF-8")?;
        running.ask(path)?;
        Ok(Box::new(running))
    }
}

struct Process {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Running {
    process: RefCell<Process>,
}

impl Running {
    fn ask(&self, line: &str) -> Result<(u32, Duration)> {
        let mut process = self.process.borrow_mut();
        writeln!(process.input, "{line}")?;
        let mut answer = String::new();
        process.output.read_line(&mut answer)?;
        let (result, nanoseconds) = answer
            .trim()
            .split_once(' ')
            .with_context(|| format!("node answered {answer:?}"))?;
        Ok((result.parse()?, Duration::from_nanos(nanoseconds.parse()?)))
    }
}

impl engines::Instance for Running {
    fn run_many(&mut self, n: u32, times: u32) -> Result<u32> {
        Ok(self.ask(&format!("{n} {times}"))?.0)
    }

    fn run_trapping(&mut self, _: u32) -> Result<u32> {
        bail!("a trap in another process says nothing")
    }

    fn run_dynamic_many(&mut self, n: u32, times: u32) -> Result<u32> {
        self.run_many(n, times)
    }

    fn run_timed(&mut self, n: u32) -> Result<(u32, Option<Duration>)> {
        let (result, taken) = self.ask(&format!("{n} 1"))?;
        Ok((result, Some(taken)))
    }
}
