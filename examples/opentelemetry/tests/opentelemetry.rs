//! Runs the example and checks which spans it exports, under which parents.

use std::collections::BTreeMap;
use std::process::Command;

/// An exported span, as the example prints it.
#[derive(Debug)]
struct Span {
    name: String,
    parent: String,
    attributes: BTreeMap<String, String>,
    /// The words of each event's line.
    events: Vec<Vec<String>>,
}

fn attributes<'a>(words: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let pairs = words.map(|word| word.split_once('=').expect("an attribute is key=value"));
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The spans by id, and the ids in the order in which they were exported.
fn parse(printed: &str) -> (BTreeMap<String, Span>, Vec<String>) {
    let (mut spans, mut order) = (BTreeMap::new(), Vec::new());
    for line in printed.lines() {
        let mut words = line.split_whitespace();
        let mut word = || words.next().expect("a line has three words").to_owned();
        if line.starts_with("  event ") {
            let last = order.last().and_then(|id| spans.get_mut(id));
            let span: &mut Span = last.expect("events follow their span");
            span.events.push(words.skip(1).map(str::to_owned).collect());
            continue;
        }
        let (name, id, parent) = (word(), word(), word());
        let span = Span {
            name,
            parent,
            attributes: attributes(words),
            events: Vec::new(),
        };
        order.push(id.clone());
        spans.insert(id, span);
    }
    (spans, order)
}

#[test]
fn spans_are_exported_under_the_span_of_the_host() {
    let output = Command::new(env!("CARGO_BIN_EXE_opentelemetry"))
        .output()
        .expect("the program can be started");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let printed = String::from_utf8(output.stdout).expect("the example prints text");
    let (spans, order) = parse(&printed);
    let parent_of = |span: &Span| match spans.get(&span.parent) {
        Some(parent) => parent.name.as_str(),
        None => "-",
    };
    let exported: Vec<_> = order.iter().map(|id| &spans[id]).collect();
    let names: Vec<_> = exported
        .iter()
        .map(|span| (span.name.as_str(), parent_of(span)))
        .collect();
    let expected = [
        ("compile", "request"),
        ("load", "request"),
        ("instantiate", "request"),
        ("call", "request"),
        ("call", "request"),
        ("request", "-"),
    ];
    assert_eq!(names, expected, "{printed}");

    let [compile, load, _, counted, trapped, request] = &exported[..] else {
        unreachable!("their names were compared")
    };
    assert_eq!(request.parent, "-");
    assert_eq!(compile.attributes["functions"], "1");
    assert_eq!(load.attributes["digest"].len(), 64);
    assert_eq!(counted.attributes["func"], "count_primes");
    assert!(counted.events.is_empty(), "{printed}");
    let [trap] = &trapped.events[..] else {
        panic!("one event in {trapped:?}")
    };
    assert_eq!(trap[0], "trap", "{printed}");
    let trap = attributes(trap[1..].iter().map(String::as_str));
    assert_eq!(trap["code"], "MemoryOutOfBounds");
    assert_eq!(trap["func"], "count_primes");
}
