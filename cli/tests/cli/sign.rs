//! The verbs `keygen`, `sign` and `verify`, and what may be run: keys, k of n, and the program minisign.

use crate::support::{Folder, Outcome, outcome};
use std::{fs, os::unix::fs::PermissionsExt};

/// A folder with the calculator and keys without passwords, by these names.
fn folder_with_keys(names: &[&str]) -> Folder {
    let folder = Folder::with_calculator();
    for name in names {
        folder.succeed(&["keygen", "-f", name, "--no-password", "-q"]);
    }
    folder
}

/// The number of a key, from its comment.
fn key_id(folder: &Folder, public: &str) -> String {
    let text = String::from_utf8(folder.read(public)).unwrap();
    let comment = text.lines().next().unwrap();
    comment.rsplit(' ').next().unwrap().to_owned()
}

fn mode(folder: &Folder, name: &str) -> u32 {
    fs::metadata(folder.path(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

fn assert_refused(outcome: &Outcome, reason: &str) {
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains(reason), "{}", outcome.stderr);
}

#[test]
fn keys_are_made_private_and_never_overwritten() {
    let folder = Folder::new();
    let made = folder.succeed(&["keygen", "-f", "a", "--no-password"]);
    let id = key_id(&folder, "a.pub");
    assert_eq!(
        made.stdout,
        format!(
            "key {id}: secret in a.key (without a password: whoever reads it can sign), public in \
             a.pub\n"
        )
    );
    assert_eq!(
        (mode(&folder, "a.key"), mode(&folder, "a.pub")),
        (0o600, 0o644)
    );
    let before = [folder.read("a.key"), folder.read("a.pub")];
    let refusal = |name: &str| {
        format!(
            "error: {name}: the file exists, and a key that is overwritten is lost: name another \
             one (-f NAME)\n"
        )
    };
    folder.fail(
        &["keygen", "-f", "a", "--no-password"],
        2,
        &refusal("a.key"),
    );
    // Neither half is overwritten, and a link to nothing is no free name.
    fs::remove_file(folder.path("a.key")).unwrap();
    folder.fail(
        &["keygen", "-f", "a", "--no-password"],
        2,
        &refusal("a.pub"),
    );
    std::os::unix::fs::symlink("nowhere", folder.path("b.key")).unwrap();
    folder.fail(
        &["keygen", "-f", "b", "--no-password"],
        2,
        &refusal("b.key"),
    );
    assert_eq!(folder.read("a.pub"), before[1]);
    assert_eq!(folder.names(), ["a.pub", "b.key"]);
    folder.succeed(&["keygen", "-f", "c", "--no-password", "-q"]);
    assert_ne!(folder.read("c.key"), before[0], "two keys are two");
}

#[test]
fn a_signed_artifact_says_who_signed_it() {
    let folder = folder_with_keys(&["a", "b"]);
    let [a, b] = ["a.pub", "b.pub"].map(|public| key_id(&folder, public));
    let bare = folder.read("calculator.so");
    fs::set_permissions(
        folder.path("calculator.so"),
        fs::Permissions::from_mode(0o750),
    )
    .unwrap();
    folder.print(
        &["sign", "calculator.so", "--key", "a.key"],
        &format!("calculator.so: signed by key {a}\n"),
    );
    folder.print(&["sign", "calculator.so", "--key", "b.key", "-q"], "");
    assert_eq!(mode(&folder, "calculator.so"), 0o750);
    let signed = folder.read("calculator.so");
    assert_eq!(signed[..bare.len() - 8], bare[..bare.len() - 8]);

    let verify = |more: &[&str]| folder.run(&[&["verify", "calculator.so"], more].concat());
    let both = ["--key", "a.pub", "--key", "b.pub"];
    let report =
        folder.json(&[&["verify", "calculator.so", "--format", "json"], &both[..]].concat());
    assert_eq!(report["threshold"], 2);
    let signers = report["signers"].as_array().unwrap();
    let ids: Vec<_> = signers.iter().map(|signer| &signer["key_id"]).collect();
    assert_eq!(ids, [&a, &b]);
    let digest = report["digest"].as_str().unwrap();
    let comment = format!(
        "wasmelt artifact; digest {digest}; wasm sha256 {}; compiler {}",
        report["wasm_sha256"].as_str().unwrap(),
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(signers[0]["trusted_comment"], comment.as_str());
    let text = verify(&["--key", "b.pub"]).stdout;
    assert_eq!(
        text,
        format!(
            "calculator.so: intact, signed by 1 trusted key (1 needed)\n  {b}: {comment}\n  digest \
             {digest}\n"
        )
    );
    let without_keys = verify(&[]);
    assert_eq!(without_keys.code, Some(0));
    assert!(without_keys.stdout.contains("which proves no origin"));

    // The key itself in place of its file.
    let line = String::from_utf8(folder.read("a.pub")).unwrap();
    let line = line.lines().nth(1).unwrap();
    assert_eq!(verify(&["--key", line, "-q"]).code, Some(0));

    let inspected = folder.json(&["inspect", "calculator.so", "--format", "json"]);
    assert_eq!(inspected["unverified_signatures"][1]["key_id"], b.as_str());
    assert_eq!(
        (&inspected["intact"], &inspected["loads"]),
        (&true.into(), &true.into())
    );
    let inspected = folder.succeed(&["inspect", "calculator.so"]).stdout;
    let line = format!("signatures, not verified:\n  key {a}: {comment}\n  key {b}: ");
    assert!(inspected.contains(&line), "{inspected}");

    // Signing again replaces the signature of the same key.
    folder.succeed(&["sign", "calculator.so", "--key", "a.key", "--embed", "-q"]);
    let again = folder.json(&["inspect", "calculator.so", "--format", "json"]);
    assert_eq!(again["unverified_signatures"].as_array().unwrap().len(), 2);
    assert_eq!(verify(&both).code, Some(0));
}

#[test]
fn those_who_sign_at_the_same_time_all_have_signed() {
    let folder = folder_with_keys(&["a", "b", "c", "d"]);
    let start = |name| {
        let key = format!("{name}.key");
        let arguments = ["sign", "calculator.so", "-q", "--key", &key];
        folder.wasmelt(&arguments).spawn().unwrap()
    };
    for mut child in ["a", "b", "c", "d"].map(start) {
        assert!(child.wait().unwrap().success());
    }
    let keys = ["a.pub", "b.pub", "c.pub", "d.pub"].map(|key| ["--key", key]);
    folder.succeed(&[&["verify", "calculator.so"], keys.as_flattened()].concat());
}

#[test]
fn only_what_enough_keys_signed_is_run() {
    let folder = folder_with_keys(&["a", "b", "c"]);
    let run = |more: &[&str]| {
        let words = [
            &["run", "calculator.so"],
            more,
            &["--invoke", "add", "1", "2"],
        ]
        .concat();
        folder.run(&words)
    };
    let three = ["--key", "a.pub", "--key", "b.pub", "--key", "c.pub"];
    let with = |threshold| [&three[..], &["--threshold", threshold]].concat();
    assert_refused(&run(&with("1")), "signed by 0 of the 1 trusted keys");
    for key in ["a.key", "c.key"] {
        folder.succeed(&["sign", "calculator.so", "--key", key, "-q"]);
    }
    for threshold in ["1", "2"] {
        assert_eq!(run(&with(threshold)).stdout, "3\n");
    }
    assert_refused(&run(&with("3")), "signed by 2 of the 3 trusted keys");
    // All of them, unless something else is said; one that is named twice is one.
    assert_refused(&run(&three), "signed by 2 of the 3 trusted keys");
    let twice = ["--key", "a.pub", "--key", "a.pub"];
    assert_eq!(run(&twice).stdout, "3\n");
    assert_refused(
        &run(&[&twice[..], &["--threshold", "2"]].concat()),
        "2 of 1 different keys cannot be demanded",
    );
    assert_refused(&run(&with("0")), "0 of 3 different keys cannot be demanded");

    let digest = "0".repeat(64);
    let both = run(&["--digest", &digest, "--key", "a.pub"]);
    assert_refused(&both, "cannot be used with");
    assert_refused(&run(&["--threshold", "1"]), "--key <PUB>");
    assert_refused(&run(&["--key", "a.key"]), "not a public key of minisign");
    assert_refused(&run(&["--key", "nothing"]), "there is no such file");
    assert_refused(
        &folder.run(&["run", "calculator.wat", "--key", "a.pub"]),
        "--key is for artifacts, and this is none",
    );

    // Another artifact with these signatures, and a damaged one.
    let signed = folder.read("calculator.so");
    folder.succeed(&[
        "compile",
        "calculator.wat",
        "--opt",
        "none",
        "-o",
        "other.so",
        "-q",
    ]);
    let other = folder.read("other.so");
    let block = signed.windows(8).rposition(|window| window == b"wmeltsig");
    let moved = [&other[..other.len() - 16], &signed[block.unwrap()..]].concat();
    folder.write("other.so", moved);
    let verify = |more: &[&str]| folder.run(&[&["verify", "other.so"], more].concat());
    assert_refused(
        &verify(&["--key", "a.pub"]),
        "it is of another file, or was changed",
    );
    assert_eq!(verify(&[]).code, Some(0), "its own digest is right");
    let mut damaged = signed;
    damaged[2000] ^= 1;
    folder.write("other.so", damaged);
    assert_refused(&verify(&["--key", "a.pub"]), "digest");
    assert_refused(&verify(&[]), "digest");
    let refused = folder.run(&["sign", "other.so", "--key", "a.key"]);
    assert_refused(&refused, "digest");
}

#[test]
fn a_signature_beside_the_file_becomes_one_in_it() {
    let folder = folder_with_keys(&["a", "b"]);
    let bare = folder.read("calculator.so");
    let id = key_id(&folder, "a.pub");
    folder.print(
        &["sign", "calculator.so", "--key", "a.key", "--detached"],
        &format!("calculator.so.minisig: signature by key {id}\n"),
    );
    assert_eq!(folder.read("calculator.so"), bare);
    let beside = ["--key", "a.pub", "--signature", "calculator.so.minisig"];
    let verify = |more: &[&str]| folder.run(&[&["verify", "calculator.so"], more].concat());
    assert_eq!(verify(&beside).code, Some(0));
    assert_refused(&verify(&["--key", "a.pub"]), "signed by 0 of the 1");
    let invoked = [
        &["run", "calculator.so"],
        &beside[..],
        &["--invoke", "nothing"],
    ]
    .concat();
    assert_eq!(folder.run(&invoked).code, Some(0));

    // Whatever else is in the file meanwhile.
    folder.succeed(&["sign", "calculator.so", "--key", "b.key", "-q"]);
    assert_eq!(verify(&beside).code, Some(0));
    folder.succeed(&["sign", "calculator.so", "--attach", "calculator.so.minisig"]);
    assert_eq!(verify(&["--key", "a.pub", "--key", "b.pub"]).code, Some(0));

    folder.write("none", "no signature\n");
    for verb in [
        &["sign", "calculator.so", "--attach", "none"][..],
        &[
            "verify",
            "calculator.so",
            "--key",
            "a.pub",
            "--signature",
            "none",
        ],
    ] {
        assert_refused(&folder.run(verb), "none: not a signature of minisign");
    }
}

#[test]
fn what_is_compiled_is_signed_at_once() {
    let folder = folder_with_keys(&["a"]);
    let id = key_id(&folder, "a.pub");
    let compile = ["compile", "calculator.wat", "-o", "b.so", "--sign", "a.key"];
    let outcome = folder.succeed(&compile);
    assert!(
        outcome.stdout.ends_with(&format!("signed by key {id}\n")),
        "{outcome:?}"
    );
    let report = folder.json(&[&compile[..], &["--format", "json"]].concat());
    assert_eq!(report["signed_by"], id.as_str());
    folder.succeed(&["verify", "b.so", "--key", "a.pub"]);
    // But for the signature it is the same file.
    let (bare, signed) = (folder.read("calculator.so"), folder.read("b.so"));
    assert_eq!(signed[..bare.len() - 8], bare[..bare.len() - 8]);

    for (more, reason) in [
        (&["--emit", "obj"][..], "--sign signs artifacts"),
        (&["--sign", "a.pub"], "cannot be used multiple times"),
    ] {
        assert_refused(&folder.run(&[&compile[..], more].concat()), reason);
    }
    let wrong = ["compile", "calculator.wat", "-o", "c.so", "--sign", "a.pub"];
    assert_refused(&folder.run(&wrong), "not the secret key of minisign");
    assert!(
        !folder.names().contains(&"c.so".to_owned()),
        "nothing is left"
    );
}

#[test]
fn a_secret_key_is_protected_by_its_password() {
    let folder = Folder::with_calculator();
    folder.write("password", "correct\n");
    folder.write("wrong", "incorrect\n");
    folder.write("empty", "\n");
    let keygen = |name: &str, password: &str| {
        folder.run(&["keygen", "-f", name, "--password-file", password])
    };
    assert_refused(&keygen("a", "empty"), "the password is empty");
    assert!(folder.path("a.key").metadata().is_err());
    assert_eq!(keygen("a", "password").code, Some(0));
    let sign = |password: &str| {
        folder.run(&[
            "sign",
            "calculator.so",
            "--key",
            "a.key",
            "--password-file",
            password,
        ])
    };
    let before = folder.read("calculator.so");
    assert_refused(&sign("wrong"), "Wrong password");
    assert_eq!(folder.read("calculator.so"), before);
    assert_eq!(sign("password").code, Some(0));
    folder.succeed(&["verify", "calculator.so", "--key", "a.pub"]);

    // Nobody is there to ask.
    let mut alone = folder.program("setsid");
    alone.args(["--wait", crate::support::WASMELT]);
    alone.args(["sign", "calculator.so", "--key", "a.key"]);
    match alone.output() {
        Ok(output) => assert_refused(&output.into(), "--password-file FILE"),
        Err(_) => println!("not run: setsid missing"),
    }
}

#[test]
fn a_password_is_asked_for_on_the_terminal() {
    let folder = Folder::with_calculator();
    let type_in = |lines: &str, words: &str| {
        folder.write("typed", lines);
        let command = format!("{} {words}", crate::support::WASMELT);
        let mut script = folder.program("script");
        script.args(["-qec", &command, "/dev/null"]);
        script.stdin(fs::File::open(folder.path("typed")).unwrap());
        script.output().map(Outcome::from)
    };
    let Ok(differs) = type_in("correct\nincorrect\n", "keygen -f a") else {
        return println!("not run: script missing");
    };
    assert_eq!(differs.code, Some(2), "{differs:?}");
    assert!(
        differs.stdout.contains("the two passwords differ"),
        "{differs:?}"
    );
    assert!(folder.path("a.key").metadata().is_err());
    for (lines, words, code) in [
        ("correct\ncorrect\n", "keygen -f a", 0),
        ("incorrect\n", "sign calculator.so --key a.key", 2),
        ("correct\n", "sign calculator.so --key a.key", 0),
    ] {
        let outcome = type_in(lines, words).unwrap();
        assert_eq!(outcome.code, Some(code), "{outcome:?}");
    }
    folder.succeed(&["verify", "calculator.so", "--key", "a.pub"]);
}

#[test]
fn minisign_and_wasmelt_verify_each_others_signatures() {
    let folder = folder_with_keys(&["ours"]);
    let minisign = |arguments: &[&str]| {
        let mut command = folder.program("minisign");
        command.args(arguments).output().map(Outcome::from)
    };
    let generated = minisign(&["-G", "-W", "-p", "theirs.pub", "-s", "theirs.key"]);
    let Ok(generated) = generated else {
        return println!("not run: minisign missing");
    };
    assert_eq!(generated.code, Some(0), "{generated:?}");
    let minisign = |arguments: &[&str]| minisign(arguments).unwrap();
    let bare = folder.read("calculator.so");
    for key in ["ours", "theirs"] {
        let (secret, public) = (format!("{key}.key"), format!("{key}.pub"));
        let verified_by_us = || {
            let words = ["verify", "calculator.so", "--key", &public];
            let beside = ["--signature", "calculator.so.minisig"];
            folder.run(&[&words[..], &beside].concat()).code
        };
        let verified_by_them = || minisign(&["-V", "-m", "calculator.so", "-p", &public]).code;
        // Our signature.
        folder.succeed(&[
            "sign",
            "calculator.so",
            "--key",
            &secret,
            "--detached",
            "-q",
        ]);
        assert_eq!(
            (verified_by_us(), verified_by_them()),
            (Some(0), Some(0)),
            "{key}"
        );
        // Their signature, replacing it, and ours of other bytes no longer.
        let signed = minisign(&["-S", "-W", "-m", "calculator.so", "-s", &secret]);
        assert_eq!(signed.code, Some(0), "{signed:?}");
        assert_eq!(
            (verified_by_us(), verified_by_them()),
            (Some(0), Some(0)),
            "{key}"
        );
        // Embedded, it is the same.
        folder.succeed(&["sign", "calculator.so", "--attach", "calculator.so.minisig"]);
        folder.succeed(&["verify", "calculator.so", "--key", &public]);
        // Both refuse what is not the file.
        let mut damaged = bare.clone();
        damaged[3000] ^= 1;
        folder.write("calculator.so", &damaged);
        assert_eq!(verified_by_us(), Some(2));
        assert_ne!(verified_by_them(), Some(0));
        folder.write("calculator.so", &bare);
        // The legacy form is valid for them and refused by us.
        let signed = minisign(&["-S", "-l", "-W", "-m", "calculator.so", "-s", &secret]);
        assert_eq!(signed.code, Some(0), "{signed:?}");
        assert_eq!(
            (verified_by_us(), verified_by_them()),
            (Some(2), Some(0)),
            "{key}"
        );
    }
    // A key of ours with a password, in their hands.
    folder.write("password", "correct\n");
    folder.succeed(&["keygen", "-f", "safe", "--password-file", "password", "-q"]);
    let mut sign = folder.program("minisign");
    sign.args(["-S", "-m", "calculator.so", "-s", "safe.key"]);
    sign.stdin(fs::File::open(folder.path("password")).unwrap());
    let signed = outcome(&mut sign);
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let beside = ["--key", "safe.pub", "--signature", "calculator.so.minisig"];
    folder.succeed(&[&["verify", "calculator.so"], &beside[..]].concat());
}
