//! Turns symbols of Rust and C++ into the names that their sources have.
//!
//! Names are the guest's: what would become long is left as it is, and nothing here panics or recurses
//! without a bound (both libraries have one).

use core::fmt::{self, Write as _};

/// Longest symbol that is looked at, and longest name that is made of one.
const MAX_LEN_BYTES: usize = 4096;

/// The name that a symbol stands for, or the symbol.
pub(crate) fn demangle(symbol: &str) -> String {
    if symbol.len() > MAX_LEN_BYTES {
        return symbol.to_owned();
    }
    let name = rust(symbol).or_else(|| cpp(symbol));
    name.unwrap_or_else(|| symbol.to_owned())
}

/// Both schemes of Rust; the hash at the end of the older one is left out.
fn rust(symbol: &str) -> Option<String> {
    let name = rustc_demangle::try_demangle(symbol).ok()?;
    let mut text = Bounded::default();
    write!(text, "{name:#}").ok()?;
    Some(text.0)
}

/// The Itanium scheme.
fn cpp(symbol: &str) -> Option<String> {
    if !symbol.starts_with("_Z") {
        return None;
    }
    let name = cpp_demangle::Symbol::new(symbol).ok()?;
    let mut text = Bounded::default();
    let options = cpp_demangle::DemangleOptions::default();
    name.structured_demangle(&mut text, &options).ok()?;
    Some(text.0)
}

/// Text that refuses to become long.
#[derive(Default)]
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > MAX_LEN_BYTES {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_LEN_BYTES, demangle};

    #[test]
    fn symbols_of_rust_and_cpp_become_names() {
        for (symbol, name) in [
            (
                "_ZN4core9panicking9panic_fmt17h0123456789abcdefE",
                "core::panicking::panic_fmt",
            ),
            (
                "_ZN50_$LT$$RF$mut$u20$W$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
                "<&mut W as core::fmt::Write>::write_str",
            ),
            ("_RNvC6_123foo3bar", "123foo::bar"),
            ("_ZNK3Foo3barEiPKc", "Foo::bar(int, char const*) const"),
            ("_ZN3foo3barEv", "foo::bar()"),
        ] {
            assert_eq!(demangle(symbol), name, "{symbol}");
        }
    }

    #[test]
    fn what_is_no_symbol_stays_as_it_is() {
        for name in [
            "",
            "main",
            "_Z",
            "_R",
            "_ZN",
            "__wasm_call_ctors",
            "std::vector<int>",
        ] {
            assert_eq!(demangle(name), name);
        }
    }

    #[test]
    fn hostile_symbols_stay_short() {
        let deep = format!("_Z1f{}i", "P".repeat(3000));
        let long = format!("_Z1f{}", "i".repeat(MAX_LEN_BYTES));
        // Each substitution names a type that has the one before it twice.
        let mut doubling = "_Z1f1AIiiE".to_owned();
        for id in [
            "S0_", "S1_", "S2_", "S3_", "S4_", "S5_", "S6_", "S7_", "S8_", "S9_",
        ] {
            doubling += &format!("1BI{id}{id}{id}{id}E");
        }
        for symbol in [deep, long, doubling] {
            assert!(demangle(&symbol).len() <= symbol.len().max(MAX_LEN_BYTES));
        }
    }

    #[test]
    fn damaged_symbols_give_some_name() {
        let symbols = [
            "_ZN50_$LT$$RF$mut$u20$W$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
            "_RINvNtC3std3mem8align_ofNtNtC3foo3bar3BazE",
            "_ZNSt3mapISsSt6vectorIiSaIiEESt4lessISsESaISt4pairIKSsS2_EEE4findERS5_",
            "_ZZN3foo3barEvENKUlT_E_clIiEEDaS0_",
        ];
        let mut state = 5u32;
        let mut random = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as usize
        };
        for round in 0..20_000 {
            let mut symbol = symbols[round % symbols.len()].as_bytes().to_vec();
            for _ in 0..1 + random() % 4 {
                // Behind the prefix, so that it stays a symbol; from others, so that it stays nearly one.
                let position = 2 + random() % (symbol.len() - 2);
                let donor = symbols[random() % symbols.len()].as_bytes();
                symbol[position] = donor[random() % donor.len()];
            }
            let symbol = String::from_utf8(symbol).expect("it is ASCII");
            assert!(!demangle(&symbol).is_empty(), "{symbol}");
        }
    }
}
