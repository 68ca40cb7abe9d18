//! Runs the example and scrapes it, as Prometheus would.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

/// The program, which serves as long as this lives.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(cache: &Path) -> Self {
        // A port that is free now. The listener is closed before the program opens its own.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = address.expect("a port is free");
        let mut child = Command::new(env!("CARGO_BIN_EXE_prometheus"))
            .arg(address.to_string())
            .arg(cache)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut lines = lines.map_while(Result::ok);
        assert!(
            lines.any(|line| line.starts_with("serving ")),
            "it serves when it has run everything"
        );
        Self { child, address }
    }

    /// Samples by name and labels, and the lines about them.
    fn scrape(&self) -> (BTreeMap<String, f64>, Vec<String>) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        let request = "GET /metrics HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut response = String::new();
        stream
            .read_to_string(&mut response)
            .expect("it writes text");
        let (head, body) = response.split_once("\r\n\r\n").expect("HTTP");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let (about, samples): (Vec<&str>, Vec<&str>) = body
            .lines()
            .filter(|line| !line.trim().is_empty())
            .partition(|line| line.starts_with('#'));
        let samples = samples.iter().filter_map(|line| line.rsplit_once(' '));
        let samples = samples
            .filter_map(|(name, value)| Some((name.to_owned(), value.trim().parse().ok()?)))
            .collect();
        (samples, about.into_iter().map(str::to_owned).collect())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing that can be done about it if it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_happens_to_modules_can_be_scraped() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let cache = home.path().join("cache");
    let expect = |found: &BTreeMap<String, f64>, name: &str, value: Option<f64>| {
        assert_eq!(found.get(name).copied(), value, "{name} in {found:#?}");
    };
    let cold = Server::start(&cache);
    let (found, about) = cold.scrape();
    expect(&found, "wasmelt_cache_misses_total", Some(2.0));
    expect(&found, "wasmelt_cache_hits_total", Some(2.0));
    expect(&found, "wasmelt_compile_seconds_count", Some(2.0));
    expect(
        &found,
        "wasmelt_traps_total{code=\"IntegerDivisionByZero\"}",
        Some(1.0),
    );
    expect(
        &found,
        "wasmelt_refusals_total{kind=\"module refused\"}",
        Some(1.0),
    );
    expect(&found, "wasmelt_cache_quarantines_total", None);
    let help = "# HELP wasmelt_cache_hits_total Modules that the cache had.";
    assert!(about.iter().any(|line| line == help), "{about:#?}");
    drop(cold);

    // Of an entry that is damaged nothing is used.
    let entries = std::fs::read_dir(&cache).expect("a folder");
    for entry in entries {
        let path = entry.expect("listed").path();
        let mut bytes = std::fs::read(&path).expect("readable");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).expect("ours");
        std::fs::write(&path, bytes).expect("ours");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o400);
        std::fs::set_permissions(&path, mode).expect("ours");
    }
    let (found, _) = Server::start(&cache).scrape();
    expect(&found, "wasmelt_cache_quarantines_total", Some(1.0));
    expect(
        &found,
        "wasmelt_refusals_total{kind=\"artifact refused\"}",
        Some(1.0),
    );
    expect(&found, "wasmelt_cache_hits_total", Some(2.0));
    let (found, _) = Server::start(&cache).scrape();
    expect(&found, "wasmelt_cache_hits_total", Some(3.0));
    expect(&found, "wasmelt_cache_quarantines_total", None);
}
