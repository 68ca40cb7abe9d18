//! Loads artifacts because enough keys signed them, and refuses those of which that is not true.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    reason = "the support module calls into what it loaded; a test that cannot prepare its input fails"
)]

mod support;

use ct_codecs::{Base64, Decoder as _, Encoder as _};
use minisign::KeyPair;
use std::{fs, io::Cursor};
use support::{answer, call_answer, compiled, digest, reseal, write_entry};
use wasmelt_abi::{
    MAX_SIGNATURE_PAYLOAD_LEN_BYTES, MAX_SIGNATURES, decode_signature_block, encode_signature_block,
};
use wasmelt_loader::{
    KeyTrust, LoadError, Route, SignerKey, Source, Trust, inspect, load, unsigned, verify,
};

/// Somebody who signs.
struct Person(KeyPair);

impl Person {
    fn new() -> Self {
        Self(KeyPair::generate_unencrypted_keypair().unwrap())
    }

    fn key(&self) -> SignerKey {
        SignerKey::parse(&self.0.pk.to_box().unwrap().to_string()).unwrap()
    }

    fn sign(&self, bytes: &[u8]) -> String {
        let signed = minisign::sign(None, &self.0.sk, Cursor::new(bytes), Some("said"), None);
        signed.unwrap().into_string()
    }
}

/// The file with these texts in its signature block.
fn embed(file: &[u8], texts: &[String]) -> Vec<u8> {
    let block = encode_signature_block(texts).unwrap();
    [&file[..file.len() - 16], &block].concat()
}

/// A signature's or key's second line, changed.
fn edit_line(text: &str, edit: impl Fn(&mut [u8])) -> String {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    let mut bytes = Base64::decode_to_vec(&lines[1], None).unwrap();
    edit(&mut bytes);
    lines[1] = Base64::encode_to_string(bytes).unwrap();
    lines.join("\n") + "\n"
}

fn trust<'a>(threshold: usize, people: impl IntoIterator<Item = &'a Person>) -> KeyTrust {
    KeyTrust::new(threshold, people.into_iter().map(Person::key)).unwrap()
}

fn reason(result: Result<Vec<wasmelt_loader::Signer>, LoadError>) -> &'static str {
    match result {
        Err(LoadError::InvalidSignature { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_signed_artifact_loads_by_every_trust() {
    let file = answer(42).write();
    let person = Person::new();
    let signed = embed(&file, &[person.sign(&file)]);
    for trust in [
        Trust::Keys(trust(1, [&person])),
        Trust::Digest(digest(&file)),
        Trust::Named,
    ] {
        let library = load(Source::Bytes(&signed), &trust).unwrap();
        assert_eq!(call_answer(&library), 42, "{trust:?}");
        assert_eq!(library.route(), Route::Memfd);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("entry");
    write_entry(&path, &signed);
    let library = load(Source::Path(&path), &Trust::OwnCache).unwrap();
    assert_eq!(library.route(), Route::InPlace);
    // Keys say who made it, not who may write there: a copy is made.
    let library = load(Source::Path(&path), &Trust::Keys(trust(1, [&person]))).unwrap();
    assert_eq!(library.route(), Route::Memfd);
    assert_eq!(call_answer(&library), 42);
}

#[test]
fn a_detached_signature_is_the_same_text_as_an_embedded_one() {
    let file = compiled(7);
    let person = Person::new();
    let text = person.sign(&file);
    let keys = trust(1, [&person]);
    let detached = keys.clone().with_signature(&text).unwrap();
    let stranger = Person::new().sign(&file);
    let elsewhere = embed(&file, &[stranger]);
    for (file, keys) in [
        (&file, &detached),
        (&elsewhere, &detached),
        (&embed(&file, &[text]), &keys),
    ] {
        let signers = verify(file, Some(keys)).unwrap();
        assert_eq!(signers.len(), 1);
        assert_eq!(signers[0].key_id, person.key().id());
        assert_eq!(signers[0].trusted_comment, "said");
        load(Source::Bytes(file), &Trust::Keys(keys.clone())).unwrap();
        assert_eq!(unsigned(file).unwrap(), unsigned(&elsewhere).unwrap());
    }
    assert_eq!(unsigned(&elsewhere).unwrap(), file);
}

/// Who signed, whose keys are trusted, how many are needed, how many count.
type Case = (
    &'static [usize],
    &'static [usize],
    usize,
    Result<usize, usize>,
);

#[test]
fn so_many_different_trusted_keys_must_have_signed() {
    let file = answer(1).write();
    let people: Vec<Person> = (0..4).map(|_| Person::new()).collect();
    let texts: Vec<String> = people.iter().map(|person| person.sign(&file)).collect();
    let cases: [Case; 12] = [
        (&[], &[0], 1, Err(0)),
        (&[0], &[0], 1, Ok(1)),
        (&[0], &[0, 1], 1, Ok(1)),
        (&[0], &[0, 1], 2, Err(1)),
        (&[0, 1], &[0, 1], 2, Ok(2)),
        (&[0, 1, 2], &[0, 1, 2], 2, Ok(3)),
        // The same signature twice, and two by the same key.
        (&[0, 0], &[0, 1], 2, Err(1)),
        (&[0, 0, 1], &[0, 1], 2, Ok(2)),
        // A key that is listed twice.
        (&[0], &[0, 0, 1], 2, Err(1)),
        // Keys that nobody trusts, before and behind one that is.
        (&[3], &[0, 1], 1, Err(0)),
        (&[3, 0, 2], &[0, 1], 1, Ok(1)),
        (&[3, 0, 2], &[0, 1], 2, Err(1)),
    ];
    for (signed_by, trusted, threshold, expected) in cases {
        let texts: Vec<_> = signed_by.iter().map(|who| texts[*who].clone()).collect();
        let keys = trust(threshold, trusted.iter().map(|who| &people[*who]));
        let found = match verify(&embed(&file, &texts), Some(&keys)) {
            Ok(signers) => Ok(signers.len()),
            Err(LoadError::TooFewSignatures { needed, signed, .. }) => {
                assert_eq!(needed, threshold);
                Err(signed.len())
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(found, expected, "{signed_by:?} {trusted:?} {threshold}");
        let loaded = load(
            Source::Bytes(&embed(&file, &texts)),
            &Trust::Keys(keys.clone()),
        );
        assert_eq!(loaded.is_ok(), expected.is_ok());
        // Beside the file they count as they do in it.
        let keys = texts
            .iter()
            .try_fold(keys, |keys, text| keys.with_signature(text));
        let beside = verify(&file, Some(&keys.unwrap())).map(|signers| signers.len());
        assert_eq!(beside.ok(), expected.ok());
    }
    let error = verify(
        &embed(&file, &[texts[0].clone(), texts[3].clone()]),
        Some(&trust(2, &people[..3])),
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        format!(
            "signed by 1 of the 2 trusted keys that must have signed; signed: {}; not trusted: {}: have it signed by \
             more of them, or name the keys of those who did",
            people[0].key().id(),
            people[3].key().id()
        )
    );
}

#[test]
fn numbers_of_keys_prove_nothing() {
    let file = answer(1).write();
    let (person, other) = (Person::new(), Person::new());
    let text = person.sign(&file);
    // One key under two numbers, of which only the owner of the list can be the author: whoever has
    // one signature can write the other, for the number is not signed.
    let key_file = person.0.pk.to_box().unwrap().to_string();
    let renumber = |bytes: &mut [u8]| bytes[2] ^= 1;
    let renumbered = SignerKey::parse(&edit_line(&key_file, renumber)).unwrap();
    assert_ne!(renumbered.id(), person.key().id());
    let keys = [person.key(), renumbered, other.key()];
    let texts = [text.clone(), edit_line(&text, renumber)];
    let error = verify(
        &embed(&file, &texts),
        Some(&KeyTrust::new(2, keys.clone()).unwrap()),
    );
    assert!(
        matches!(&error, Err(LoadError::TooFewSignatures { signed, .. }) if signed.len() == 1),
        "{error:?}"
    );
    assert!(KeyTrust::new(2, keys[..2].to_vec()).is_err());
    // Two keys under one number: each is tried.
    let id = Base64::decode_to_vec(person.0.pk.to_base64(), None).unwrap();
    let other_file = edit_line(&other.0.pk.to_box().unwrap().to_string(), |bytes| {
        bytes[2..10].copy_from_slice(&id[2..10]);
    });
    let same_number = SignerKey::parse(&other_file).unwrap();
    let keys = KeyTrust::new(2, [same_number, person.key()]).unwrap();
    let other_text = edit_line(&other.sign(&file), |bytes| {
        bytes[2..10].copy_from_slice(&id[2..10]);
    });
    let signers = verify(&embed(&file, &[text, other_text]), Some(&keys)).unwrap();
    assert_eq!(signers.len(), 2);
}

#[test]
fn a_signature_that_a_trusted_key_did_not_make_refuses_the_file() {
    let file = answer(1).write();
    let (person, other) = (Person::new(), Person::new());
    let keys = trust(1, [&person, &other]);
    let good = other.sign(&file);
    let of_another = "it is of another file, or was changed";
    let cases = [
        (person.sign(&answer(2).write()), of_another),
        // Of the file with a signature in it, and of the file without the block.
        (
            person.sign(&embed(&file, std::slice::from_ref(&good))),
            of_another,
        ),
        (person.sign(&file[..file.len() - 16]), of_another),
        (
            edit_line(&person.sign(&file), |bytes| bytes[1] = b'd'),
            "it is in the legacy form, which does not hash the file first",
        ),
        (
            edit_line(&person.sign(&file), |bytes| bytes[1] = b'x'),
            "it does not have the form of a signature",
        ),
        (
            person.sign(&file) + "more\n",
            "it does not have the form of a signature",
        ),
        (String::new(), "it does not have the form of a signature"),
    ];
    for (text, expected) in cases {
        // Although another signature is enough, wherever it stands.
        for texts in [[text.clone(), good.clone()], [good.clone(), text.clone()]] {
            let found = reason(verify(&embed(&file, &texts), Some(&keys)));
            assert_eq!(found, expected, "{text}");
        }
    }
    // Of a key that nobody trusts nothing is verified, so nothing can be wrong with it.
    let stranger = edit_line(&Person::new().sign(&file), |bytes| bytes[20] ^= 1);
    verify(&embed(&file, &[stranger, good]), Some(&keys)).unwrap();
}

#[test]
fn every_byte_of_a_signature_is_verified_but_its_first_line() {
    let file = answer(1).write();
    let person = Person::new();
    let keys = trust(1, [&person]);
    let text = person.sign(&file).into_bytes();
    let first_line = text.iter().position(|byte| *byte == b'\n').unwrap();
    let verified = |text: &[u8]| {
        let Ok(text) = String::from_utf8(text.to_vec()) else {
            return false;
        };
        verify(&embed(&file, &[text]), Some(&keys)).is_ok()
    };
    assert!(verified(&text));
    for at in 0..text.len() {
        for byte in [text[at] ^ 1, b'A', b'\n', 0, 0xff] {
            let mut changed = text.clone();
            changed[at] = byte;
            let is_same = byte == text[at];
            // Ends of lines are no part of them, so that the last one may be missing.
            let is_comment = at < first_line && byte != b'\n' && byte != 0xff;
            assert_eq!(
                verified(&changed),
                is_same || is_comment,
                "{byte:#x} at {at} of {}",
                String::from_utf8_lossy(&text)
            );
        }
        if at + 1 < text.len() {
            assert!(!verified(&text[..at]), "{at} bytes");
        }
    }
}

#[test]
fn a_signature_does_not_replace_the_digest_and_the_other_checks() {
    let person = Person::new();
    let keys = trust(1, [&person]);
    let mut damaged = answer(1).write();
    let last = damaged.len() - 17;
    damaged[last] ^= 1;
    let signed = embed(&damaged, &[person.sign(&damaged)]);
    let error = load(Source::Bytes(&signed), &Trust::Keys(keys.clone())).unwrap_err();
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
    assert!(matches!(
        unsigned(&damaged).unwrap_err(),
        LoadError::Digest { .. }
    ));
    // Intact and signed, and not what the emitter writes.
    let mut bent = answer(1).write();
    bent[48] = 1;
    reseal(&mut bent);
    let signed = embed(&bent, &[person.sign(&bent)]);
    let error = load(Source::Bytes(&signed), &Trust::Keys(keys.clone())).unwrap_err();
    assert!(matches!(error, LoadError::Elf { .. }), "{error}");
    // Intact, and not signed as it is.
    let file = answer(1).write();
    let signed = embed(&bent, &[person.sign(&file)]);
    assert_eq!(
        reason(verify(&signed, Some(&keys))),
        "it is of another file, or was changed"
    );
}

#[test]
fn a_signature_block_has_one_form_only() {
    let file = answer(1).write();
    let start = file.len() - 16;
    let person = Person::new();
    let good = embed(&file, &[person.sign(&file)]);
    let refusals = |file: &[u8]| {
        let trusts = [
            Trust::Named,
            Trust::Digest(digest(file)),
            Trust::Keys(trust(1, [&person])),
        ];
        trusts.map(|trust| load(Source::Bytes(file), &trust).unwrap_err())
    };
    for (what, at, byte) in [
        ("a longer payload", start + 8, good[start + 8] ^ 1),
        ("a payload beyond all memory", start + 15, 0xff),
        ("no signature", start + 16, 0),
        ("more signatures than are there", start + 16, 2),
        ("a signature beyond the end", start + 22, 1),
        ("a text that is none", start + 30, 0xff),
    ] {
        let mut file = good.clone();
        file[at] = byte;
        for error in refusals(&file) {
            assert!(
                matches!(error, LoadError::SignatureForm(_)),
                "{what}: {error}"
            );
        }
    }
    let mut foreign = good.clone();
    foreign[start] = b'W';
    for error in refusals(&foreign) {
        let is_expected = matches!(error, LoadError::SignatureBlock { file_offset, .. } if file_offset == start as u64);
        assert!(is_expected, "{error}");
    }
    for len_bytes in [start + 16, start + 17, start + 20, good.len() - 1] {
        for error in refusals(&good[..len_bytes]) {
            assert!(
                matches!(error, LoadError::SignatureForm(_)),
                "{len_bytes}: {error}"
            );
        }
    }
    for error in refusals(&good[..start + 15]) {
        assert!(matches!(error, LoadError::Length { .. }), "{error}");
    }
    // More than any file may have, with the right length.
    let mut longest = file[..start + 8].to_vec();
    let payload = usize::try_from(MAX_SIGNATURE_PAYLOAD_LEN_BYTES).unwrap() + 1;
    longest.extend_from_slice(&(payload as u64).to_le_bytes());
    longest.resize(longest.len() + payload, b'x');
    for error in refusals(&longest) {
        assert!(matches!(error, LoadError::Length { .. }), "{error}");
    }
    let texts = vec![person.sign(&file); MAX_SIGNATURES];
    verify(&embed(&file, &texts), Some(&trust(1, [&person]))).unwrap();
}

#[test]
fn what_was_checked_is_what_is_executed_whoever_writes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("module.so");
    let (good, bad) = (answer(42).write(), answer(13).write());
    let person = Person::new();
    fs::write(&path, embed(&good, &[person.sign(&good)])).unwrap();
    let bad = embed(&bad, &[person.sign(&good)]);
    let policy = wasmelt_loader::Policy {
        after_check: Some(Box::new({
            let path = path.clone();
            move || fs::write(&path, &bad).unwrap()
        })),
        ..wasmelt_loader::Policy::default()
    };
    let keys = Trust::Keys(trust(1, [&person]));
    let library = wasmelt_loader::load_with_policy(Source::Path(&path), &keys, &policy).unwrap();
    assert_eq!(call_answer(&library), 42);
    let error = load(Source::Path(&path), &keys).unwrap_err();
    assert!(
        matches!(error, LoadError::InvalidSignature { .. }),
        "{error}"
    );
}

#[test]
fn signatures_are_listed_and_not_verified() {
    let file = answer(1).write();
    let person = Person::new();
    let texts = [person.sign(&answer(2).write()), "no signature".to_owned()];
    let signed = embed(&file, &texts);
    let inspection = inspect(&signed).unwrap();
    assert!(inspection.verdict.is_ok(), "{:?}", inspection.verdict);
    assert_eq!(inspection.digest, digest(&file));
    let [found, none] = &inspection.signatures[..] else {
        panic!("{:?}", inspection.signatures);
    };
    assert_eq!(found.key_id, Some(person.key().id()));
    assert_eq!(found.trusted_comment, "said");
    assert_eq!((none.key_id, none.trusted_comment.as_str()), (None, ""));
    assert!(inspect(&file).unwrap().signatures.is_empty());
    let block = &signed[file.len() - 16..];
    assert_eq!(decode_signature_block(block).unwrap(), texts);
}
