//! `wasmelt-fuzz`: compares wasmelt with wasmi on any number of generated modules.
//!
//! The work is done by a child process, so that a crash or a hang of an engine is reported with
//! the seed that caused it, like any other difference.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use wasmelt_fuzz::{
    CONFIGURATIONS, GENERATORS, Generator, Runner, Stats, Verdict, repro_command, write_case,
};

/// Set for the child: the file in which it notes what it is about to run.
const NOTE: &str = "WASMELT_FUZZ_NOTE";

/// A case that takes longer than this hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// After how many differences to stop.
const ENOUGH: u32 = 10;

const USAGE: &str = "\
usage: wasmelt-fuzz [--generator NAME]... [--seeds A..B | --seconds N] [--all | --config NAME]...
                    [--out FOLDER]

  --generator NAME  only this generator (default: all, in turn)
  --seeds A..B      the seeds from A to B, without B
  --seconds N       as many seeds as fit in N seconds (default: 60)
  --from N          the first seed, with --seconds (default: one that depends on the clock)
  --config NAME     run each case on this configuration (default: guard-speed and one other)
  --all             run each case on all configurations
  --out FOLDER      where to write modules that fail (default: target/fuzz)";

struct Options {
    generators: Vec<&'static Generator>,
    seeds: Option<(u64, u64)>,
    seconds: u64,
    from: Option<u64>,
    configurations: Vec<String>,
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|argument| ["-h", "--help"].contains(&argument.as_str()))
    {
        println!("{USAGE}\n\ngenerators:");
        for Generator { name, about, .. } in GENERATORS {
            println!("  {name:<12} {about}");
        }
        println!("\nconfigurations: {}", CONFIGURATIONS.join(", "));
        return ExitCode::SUCCESS;
    }
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("error: {error:#}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let outcome = match std::env::var_os(NOTE) {
        Some(note) => work(&options, Path::new(&note)),
        None => supervise(&options, &arguments),
    };
    match outcome {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options {
        generators: Vec::new(),
        seeds: None,
        seconds: 60,
        from: None,
        configurations: Vec::new(),
        out: PathBuf::from("target/fuzz"),
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .with_context(|| format!("{argument} needs a value"))
        };
        match argument.as_str() {
            "--generator" => {
                let name = value()?;
                let generator = Generator::named(name)
                    .with_context(|| format!("no generator is called {name:?}"))?;
                options.generators.push(generator);
            }
            "--seeds" => options.seeds = Some(parse_range(value()?)?),
            "--seconds" => options.seconds = parse_number(value()?)?,
            "--from" => options.from = Some(parse_number(value()?)?),
            "--config" => options.configurations.push(value()?.clone()),
            "--all" => options.configurations = CONFIGURATIONS.map(str::to_owned).to_vec(),
            "--out" => options.out = PathBuf::from(value()?),
            other => bail!("unknown argument {other:?}"),
        }
    }
    if options.generators.is_empty() {
        options.generators = GENERATORS.iter().collect();
    }
    Ok(options)
}

fn parse_number(text: &str) -> Result<u64> {
    text.parse()
        .with_context(|| format!("{text:?} is not a number"))
}

fn parse_range(text: &str) -> Result<(u64, u64)> {
    let (from, to) = text
        .split_once("..")
        .with_context(|| format!("{text:?} is not A..B"))?;
    let (from, to) = (parse_number(from)?, parse_number(to)?);
    if from >= to {
        bail!("the range {text} has no seed in it");
    }
    Ok((from, to))
}

/// The child: runs cases, noting each before it begins. Returns the number of differences.
fn work(options: &Options, note: &Path) -> Result<u32> {
    let runner = if options.configurations.is_empty() {
        Runner::rotating()
    } else {
        Runner::with(&options.configurations)
            .map_err(|name| anyhow::anyhow!("no configuration is called {name:?}"))?
    };
    let start = Instant::now();
    let clock = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| since.as_secs() << 20)
    };
    let (from, to) = options
        .seeds
        .unwrap_or_else(|| (options.from.unwrap_or_else(clock), u64::MAX));
    println!("first seed: {from}");
    let mut stats = vec![Stats::default(); options.generators.len()];
    let mut differences = 0;
    'seeds: for seed in from..to {
        for (generator, stats) in options.generators.iter().zip(&mut stats) {
            let out_of_time = start.elapsed() >= Duration::from_secs(options.seconds);
            if (options.seeds.is_none() && out_of_time) || differences == ENOUGH {
                break 'seeds;
            }
            std::fs::write(note, format!("{} {seed}", generator.name))?;
            let case = generator.generate(seed);
            if let Verdict::Different(difference) = runner.run(&case, seed, stats) {
                differences += 1;
                report(options, generator, seed, &difference.to_string())?;
            }
        }
    }
    let mut sum = Stats::default();
    for (generator, stats) in options.generators.iter().zip(&stats) {
        println!("{:<12} {stats}", generator.name);
        for (trap, count) in &stats.traps {
            println!("{:<12}   {count} × {trap:?}", "");
        }
        sum.add(stats);
    }
    println!(
        "total        {sum} in {:.0} s",
        start.elapsed().as_secs_f64()
    );
    println!(
        "{} passed, {differences} failed",
        sum.cases - u64::from(differences)
    );
    Ok(differences)
}

/// The parent: waits, and reports a child that crashes or hangs.
fn supervise(options: &Options, arguments: &[String]) -> Result<u32> {
    std::fs::create_dir_all(&options.out)
        .with_context(|| format!("cannot create {}", options.out.display()))?;
    let note = options.out.join(format!("current-{}", std::process::id()));
    let mut child = Command::new(std::env::current_exe()?)
        .args(arguments)
        .env(NOTE, &note)
        .stdin(Stdio::null())
        .spawn()
        .context("cannot start myself")?;
    let (mut last, mut since) = (String::new(), Instant::now());
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break Some(status);
        }
        std::thread::sleep(Duration::from_millis(50));
        let current = std::fs::read_to_string(&note).unwrap_or_default();
        if current != last {
            (last, since) = (current, Instant::now());
        } else if since.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            break None;
        }
    };
    let current = std::fs::read_to_string(&note).unwrap_or_default();
    // Best effort: it is in our own folder, and the next run does not mind it.
    let _ = std::fs::remove_file(&note);
    let what = match status {
        Some(status) if matches!(status.code(), Some(0..=2)) => {
            return Ok(u32::from(!status.success()));
        }
        Some(status) => format!("the process ended with {status}"),
        None => format!("no end after {} s", PATIENCE.as_secs()),
    };
    let (name, seed) = current.split_once(' ').context(what.clone())?;
    let generator = Generator::named(name).context("the child runs only known generators")?;
    report(options, generator, parse_number(seed)?, &what)?;
    Ok(1)
}

fn report(options: &Options, generator: &Generator, seed: u64, what: &str) -> Result<()> {
    let case = generator.generate(seed);
    let path = write_case(&options.out, generator, seed, &case)
        .with_context(|| format!("cannot write to {}", options.out.display()))?;
    println!("DIFFERENCE {} seed {seed}: {what}", generator.name);
    println!("  module: {}", path.display());
    println!("  repeat: {}", repro_command(generator, seed));
    Ok(())
}
