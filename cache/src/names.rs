//! The names in a cache's folder, and what each stands for.

use crate::Key;

/// How a temporary file's name begins.
pub(crate) const TEMPORARY_PREFIX: &str = "tmp-";

/// What a name in the folder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// An entry.
    Entry(Key),
    /// Something else that belongs to a key.
    Beside(Key, Beside),
    /// A file that is being written, or that a writer which was killed has left.
    Temporary,
}

/// What is kept beside an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// Its time of modification is that of the entry's last use.
    Used,
    /// A folder of files, one for each holder that pins the entry.
    Pins,
    /// Locked by whoever makes the entry.
    Lock,
    /// An entry that was moved aside; a number follows where the name was taken.
    Bad,
    /// Why it was.
    Why,
}

impl Beside {
    const ALL: [Self; 5] = [Self::Used, Self::Pins, Self::Lock, Self::Bad, Self::Why];

    fn suffix(self) -> &'static str {
        match self {
            Self::Used => "used",
            Self::Pins => "pins",
            Self::Lock => "lock",
            Self::Bad => "bad",
            Self::Why => "why",
        }
    }

    /// The name for a key.
    pub(crate) fn of(self, key: &Key) -> String {
        format!("{key}.{}", self.suffix())
    }
}

impl Name {
    /// What a name stands for; none for what is not ours.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if let Some(rest) = name.strip_prefix(TEMPORARY_PREFIX) {
            return is_fresh(rest).then_some(Self::Temporary);
        }
        let Some((key, suffix)) = name.split_once('.') else {
            return Key::from_name(name).map(Self::Entry);
        };
        let key = Key::from_name(key)?;
        let kind = suffix.split_once('.').map_or(suffix, |(kind, _)| kind);
        let beside = Beside::ALL
            .into_iter()
            .find(|beside| beside.suffix() == kind)?;
        // Only what was moved aside may have a number.
        (kind == suffix || beside == Beside::Bad).then_some(Self::Beside(key, beside))
    }
}

/// Whether it is what stands behind the prefix of a temporary file: process id, random bits, count.
fn is_fresh(rest: &str) -> bool {
    let mut parts = rest.split('-');
    let mut next = || parts.next().unwrap_or_default();
    let (pid, random, count) = (next(), next(), next());
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_random = random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number(pid) && is_random && is_number(count) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::{Beside, Name};
    use crate::Key;

    #[test]
    fn every_name_that_is_written_is_read_back() {
        let key = Key::from_bytes([7; 32]);
        assert_eq!(Name::parse(&key.to_string()), Some(Name::Entry(key)));
        for beside in Beside::ALL {
            let name = beside.of(&key);
            assert_eq!(Name::parse(&name), Some(Name::Beside(key, beside)));
        }
        let second = format!("{}.1", Beside::Bad.of(&key));
        assert_eq!(Name::parse(&second), Some(Name::Beside(key, Beside::Bad)));
        let temporary = Name::parse("tmp-1-00000000000000af-3");
        assert_eq!(temporary, Some(Name::Temporary));
    }

    #[test]
    fn what_others_put_there_is_not_ours() {
        let key = Key::from_bytes([7; 32]);
        for name in [
            "",
            ".",
            "..",
            "README",
            "07.used",
            "tmp-notes.txt",
            "tmp-1-2-3",
            "tmp-1-00000000000000af-",
            "tmp-1-00000000000000af-3-4",
        ] {
            assert_eq!(Name::parse(name), None, "{name}");
        }
        for suffix in [".", ".other", ".used.1", ".used.bad"] {
            let name = format!("{key}{suffix}");
            assert_eq!(Name::parse(&name), None, "{name}");
        }
    }
}
