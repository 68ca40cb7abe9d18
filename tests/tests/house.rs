//! The rules of the house that a machine can check: who depends on whom, captions, unsafe modules, and documents.

use std::fs;
use std::path::Path;

use wasmelt_tests::corpus::workspace_root;
use wasmelt_tests::deps::{Edge, Graph, check_edges, packages_without_default_features};
use wasmelt_tests::documents::{Commands, check_commands, check_paths};
use wasmelt_tests::sources::{
    SourceFile, UNSAFE_LIST, check_captions, check_unsafe_list, files_with_extension,
};

/// Packages that a node without a compiler is built from: none of these may need the others below.
const WITHOUT_COMPILER: [&str; 3] = ["wasmelt", "wasmelt-abi", "wasmelt-loader"];
/// What such a node must not contain, by the start of the package's name.
const COMPILER_PARTS: [&str; 5] = [
    "cranelift",
    "regalloc2",
    "wasmparser",
    "wasmelt-compiler",
    "wat",
];

/// Fails with one line for each deviation.
fn check(deviations: &[String]) {
    assert!(deviations.is_empty(), "\n{}", deviations.join("\n"));
}

fn graph() -> Graph {
    Graph::of_workspace(workspace_root()).expect("cargo describes the workspace")
}

fn sources() -> Vec<SourceFile> {
    files_with_extension(workspace_root(), "rs").expect("the workspace is readable")
}

fn documents() -> Vec<SourceFile> {
    files_with_extension(workspace_root(), "md").expect("the workspace is readable")
}

#[test]
fn our_crates_depend_on_each_other_as_the_table_says() {
    let graph = graph();
    assert!(
        graph.packages.contains("wasmelt"),
        "the workspace is the wrong one: {:?}",
        graph.packages
    );
    check(&check_edges(&graph));
}

#[test]
fn a_node_without_a_compiler_contains_no_part_of_one() {
    for package in WITHOUT_COMPILER {
        let packages = packages_without_default_features(workspace_root(), package)
            .expect("cargo resolves the package");
        assert!(packages.contains(package), "cargo tree lists {packages:?}");
        let parts: Vec<String> = packages
            .iter()
            .filter(|name| COMPILER_PARTS.iter().any(|part| name.starts_with(part)))
            .map(|name| format!("{package} without default features contains {name}"))
            .collect();
        check(&parts);
    }
}

#[test]
fn the_abi_depends_on_nothing() {
    let packages = packages_without_default_features(workspace_root(), "wasmelt-abi")
        .expect("cargo resolves the package");
    assert_eq!(packages.into_iter().collect::<Vec<_>>(), ["wasmelt-abi"]);
}

/// The compiler is a pure function: it names neither the operating system's crates nor files.
#[test]
fn the_compiler_knows_neither_the_operating_system_nor_files() {
    let graph = graph();
    let forbidden = [
        "libc",
        "libloading",
        "rustix",
        "memmap2",
        "cranelift-native",
        "cranelift-jit",
    ];
    let dependencies = graph
        .edges
        .iter()
        .filter(|edge| edge.from == "wasmelt-compiler" && forbidden.contains(&edge.to.as_str()))
        .map(|edge| format!("wasmelt-compiler depends on {}", edge.to));
    let modules = [
        "std::fs",
        "std::path",
        "std::env",
        "std::process",
        "std::net",
    ];
    let uses = sources()
        .into_iter()
        .filter(|file| file.path.starts_with("compiler/src/"))
        .flat_map(|file| {
            modules
                .into_iter()
                .filter(|module| file.text.contains(module))
                .map(|module| format!("{} mentions {module}", file.path))
                .collect::<Vec<_>>()
        });
    check(&dependencies.chain(uses).collect::<Vec<_>>());
}

/// Tracing is around the calls of these, so that they stay what they are.
#[test]
fn only_the_embedders_crate_knows_tracing() {
    let graph = graph();
    let of_tracing = |edge: &&Edge| edge.to.starts_with("tracing");
    let knowing = graph.edges.iter().filter(of_tracing);
    let mut knowing: Vec<_> = knowing
        .map(|edge| (edge.from.as_str(), edge.optional))
        .collect();
    knowing.retain(|(from, _)| *from != "wasmelt-example-opentelemetry");
    assert_eq!(knowing, [("wasmelt", true)]);
}

/// Counting is off unless it is asked for, where the runtime has it and in the cache.
#[test]
fn metrics_are_optional_in_the_two_crates_that_count() {
    let graph = graph();
    let knowing = graph.edges.iter().filter(|edge| edge.to == "metrics");
    let mut knowing: Vec<_> = knowing
        .map(|edge| (edge.from.as_str(), edge.optional))
        .collect();
    knowing.sort_unstable();
    assert_eq!(knowing, [("wasmelt", true), ("wasmelt-cache", true)]);
}

#[test]
fn every_source_file_starts_with_a_caption() {
    let sources = sources();
    assert!(
        sources.len() > 20,
        "only {} source files were found",
        sources.len()
    );
    check(&check_captions(&sources));
}

#[test]
fn every_module_with_unsafe_code_is_listed() {
    let list =
        fs::read_to_string(workspace_root().join(UNSAFE_LIST)).expect("docs/unsafe.md exists");
    check(&check_unsafe_list(&sources(), &list));
}

#[test]
fn paths_in_documents_exist() {
    let documents = documents();
    for expected in ["README.md", "ARCHITECTURE.md"] {
        assert!(
            documents.iter().any(|document| document.path == expected),
            "there is no {expected}"
        );
    }
    let missing: Vec<String> = documents
        .iter()
        .flat_map(|document| check_paths(&document.path, &document.text, workspace_root()))
        .collect();
    check(&missing);
}

#[test]
fn commands_in_documents_exist() {
    let commands = Commands {
        chores: chores(workspace_root()),
        packages: graph()
            .packages
            .into_iter()
            .chain(["wasmelt-runtime-tests".to_owned()])
            .collect(),
        verbs: verbs(workspace_root()),
    };
    assert!(
        !commands.chores.is_empty(),
        "no chore was found in xtask/src/main.rs"
    );
    assert!(!commands.verbs.is_empty(), "no verb was found in cli/src");
    let unknown: Vec<String> = documents()
        .iter()
        .flat_map(|document| check_commands(&document.path, &document.text, &commands))
        .collect();
    check(&unknown);
}

/// Chores of `cargo xtask`, as its help lists them.
fn chores(root: &Path) -> Vec<String> {
    listed_by(root, "xtask", "help")
}

/// Verbs of the program, as its help lists them.
fn verbs(root: &Path) -> Vec<String> {
    listed_by(root, "wasmelt", "--help")
}

/// First words of the indented lines that a program prints when asked for help.
fn listed_by(root: &Path, program: &str, question: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // No package is named: what the tests of all packages built is used again.
    let output = std::process::Command::new(cargo)
        .args(["run", "--quiet", "--offline", "--bin", program, "--"])
        .arg(question)
        .current_dir(root)
        .output()
        .expect("cargo can be started");
    assert!(
        output.status.success(),
        "{program} {question}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with("  ") && !line.trim_start().starts_with('-'))
        .filter_map(|line| line.split_whitespace().next())
        .map(|word| word.trim_end_matches(':').to_owned())
        .collect()
}
