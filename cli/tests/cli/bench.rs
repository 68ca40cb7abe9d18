//! The verb `bench`: the steps of a module's life, a page, and the same results on every engine.

use crate::support::{CALCULATOR, Folder};

#[test]
fn every_step_is_timed_and_a_page_and_figures_are_written() {
    let folder = Folder::new();
    folder.write("calculator.wat", CALCULATOR);
    let outcome = folder.run(&[
        "bench",
        "calculator.wat",
        "--rounds",
        "2",
        "--html",
        "page.html",
        "--json",
        "figures.json",
        "--invoke",
        "add",
        "1",
        "2",
    ]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let first = outcome.stdout.lines().next().unwrap_or_default();
    assert!(first.starts_with("calculator.wat: "), "{first}");
    assert!(first.ends_with("add(1, 2) gives (3)"), "{first}");
    for step in [
        "compile ",
        "load ",
        "instantiate ",
        "call ",
        "Against wasmi, ",
    ] {
        assert!(
            outcome.stdout.contains(&format!("\n{step}")),
            "{step}: {outcome:?}"
        );
    }
    let page = String::from_utf8(folder.read("page.html")).expect("text");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("aria-label=\"break-even\""));
    let figures: serde_json::Value =
        serde_json::from_slice(&folder.read("figures.json")).expect("JSON");
    assert_eq!(figures["results"][0], "3");
    assert_eq!(figures["engines"][0]["name"], "wasmelt");
    assert_eq!(figures["engines"][1]["steps"][1], serde_json::Value::Null);
    for engine in 0..2 {
        for step in [0, 2, 3] {
            let time = &figures["engines"][engine]["steps"][step]["median_ns"];
            assert!(time.as_f64().is_some_and(|ns| ns > 0.0), "{engine} {step}");
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = Folder::with_calculator();
    folder.fail(
        &["bench", "calculator.so", "--invoke", "add", "1", "2"],
        2,
        "error: calculator.so: this is an artifact: give the module, which is compiled here as well\n",
    );
    folder.fail(
        &["bench", "calculator.wat", "--invoke", "gone"],
        2,
        "error: calculator.wat: there is no export `gone`; functions exported: add, quotient, add64, negate32, \
         negate64, down, nothing\n",
    );
    let trapped = folder.run(&["bench", "calculator.wat", "--invoke", "quotient", "1", "0"]);
    assert_eq!(trapped.code, Some(1), "{trapped:?}");
    assert!(
        trapped.stderr.contains("wasmelt: integer divide by zero"),
        "{trapped:?}"
    );
    let unwritable = folder.run(&[
        "bench",
        "calculator.wat",
        "--html",
        "no/page.html",
        "--invoke",
        "nothing",
    ]);
    assert_eq!(unwritable.code, Some(2), "{unwritable:?}");
}
