//! The registry of kernels: what each one stresses, its two inputs and the results every engine must give.
//!
//! The list and the inputs are frozen, so that figures of different dates can be compared. Expected results come from
//! the same sources built natively with gcc and with clang.

use std::fmt;

use serde::Serialize;

/// What a kernel mostly exercises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Direct calls of small functions.
    Calls,
    /// Integer arithmetic.
    Integer,
    /// Floating-point arithmetic.
    Float,
    /// Loads and stores.
    Memory,
    /// Conditional branches and branch tables.
    Branches,
    /// Calls through a table.
    Indirect,
    /// Bytes of text.
    Strings,
    /// Bit counting and shuffling.
    Bits,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 8] = [
        Self::Calls,
        Self::Integer,
        Self::Float,
        Self::Memory,
        Self::Branches,
        Self::Indirect,
        Self::Strings,
        Self::Bits,
    ];
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Calls => "calls",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Memory => "memory",
            Self::Branches => "branches",
            Self::Indirect => "indirect",
            Self::Strings => "strings",
            Self::Bits => "bits",
        })
    }
}

/// An argument of a kernel's `run` and the result it must give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The argument.
    pub n: u32,
    /// The checksum that `run(n)` returns.
    pub expected: u32,
}

/// One program to measure: a module without imports that exports `run: (i32) -> i32`.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// Also the name of its files in `kernels/`, without the extension.
    pub name: &'static str,
    /// What it mostly exercises.
    pub category: Category,
    /// Whether its time is mostly the cost of direct calls; averages are given with and without these.
    pub call_dominated: bool,
    /// One line for people.
    pub about: &'static str,
    /// The module, as built by `kernels/build.sh`.
    pub wasm: &'static [u8],
    /// For tests: an interpreter needs milliseconds at most.
    pub small: Input,
    /// For timing: native code needs 2 to 20 ms.
    pub timing: Input,
}

/// The kernel of this name.
pub fn lookup_kernel(name: &str) -> Option<&'static Kernel> {
    KERNELS.iter().find(|kernel| kernel.name == name)
}

macro_rules! kernels {
    ($(kernel {
        name: $name:literal,
        category: $category:ident,
        call_dominated: $call_dominated:literal,
        about: $about:literal,
        small: $small_n:literal => $small_expected:literal,
        timing: $timing_n:literal => $timing_expected:literal,
    })*) => {
        /// Every kernel, by category.
        pub const KERNELS: &[Kernel] = &[$(Kernel {
            name: $name,
            category: Category::$category,
            call_dominated: $call_dominated,
            about: $about,
            wasm: include_bytes!(concat!("../kernels/", $name, ".wasm")),
            small: Input { n: $small_n, expected: $small_expected },
            timing: Input { n: $timing_n, expected: $timing_expected },
        }),*];
    };
}

kernels! {
    kernel {
        name: "fib",
        category: Calls,
        call_dominated: true,
        about: "Doubly recursive Fibonacci numbers",
        small: 12 => 0x13ee_34e7,
        timing: 31 => 0xd111_27bb,
    }
    kernel {
        name: "leaf_calls",
        category: Calls,
        call_dominated: true,
        about: "Tiny leaf functions called from a hot loop",
        small: 1_000 => 0x8fc1_e3d3,
        timing: 1_500_000 => 0xf9e5_4009,
    }
    kernel {
        name: "sha256",
        category: Integer,
        call_dominated: false,
        about: "SHA-256: 32-bit adds, rotates, a rolling schedule",
        small: 10 => 0xaa27_c38d,
        timing: 20_000 => 0x9856_f5a5,
    }
    kernel {
        name: "blake2b",
        category: Integer,
        call_dominated: false,
        about: "BLAKE2b: 64-bit adds and rotates, many live values",
        small: 10 => 0x7d70_60a1,
        timing: 20_000 => 0x6c87_834d,
    }
    kernel {
        name: "chacha20",
        category: Integer,
        call_dominated: false,
        about: "ChaCha20 key stream: sixteen values live across rounds",
        small: 10 => 0x6255_6a5c,
        timing: 30_000 => 0xf9ff_20e8,
    }
    kernel {
        name: "siphash",
        category: Integer,
        call_dominated: false,
        about: "SipHash-2-4 of many short strings",
        small: 100 => 0x819c_504e,
        timing: 80_000 => 0x0b57_6988,
    }
    kernel {
        name: "crc32",
        category: Integer,
        call_dominated: false,
        about: "CRC-32 by table: a chain of dependent loads",
        small: 1_000 => 0xc62e_9cf6,
        timing: 2_000_000 => 0xa94c_8d80,
    }
    kernel {
        name: "mont256",
        category: Integer,
        call_dominated: false,
        about: "Montgomery products modulo a 256-bit prime",
        small: 20 => 0x5193_8cc3,
        timing: 50_000 => 0x3424_5118,
    }
    kernel {
        name: "fe25519",
        category: Integer,
        call_dominated: false,
        about: "Products modulo 2^255 - 19 in 51-bit limbs",
        small: 20 => 0x9a33_8375,
        timing: 50_000 => 0xfd87_c28e,
    }
    kernel {
        name: "modexp",
        category: Integer,
        call_dominated: false,
        about: "Miller and Rabin's primality test: 64-bit remainders",
        small: 100 => 0xeddf_031a,
        timing: 12_000 => 0x79bc_2598,
    }
    kernel {
        name: "pi_spigot",
        category: Integer,
        call_dominated: false,
        about: "Digits of pi: 32-bit division by varying divisors",
        small: 30 => 0x172d_42b4,
        timing: 500 => 0xc000_d01e,
    }
    kernel {
        name: "xorshift_histogram",
        category: Integer,
        call_dominated: false,
        about: "Random numbers counted into bins",
        small: 1_000 => 0x50d2_0386,
        timing: 2_000_000 => 0xc785_a1c4,
    }
    kernel {
        name: "matmul",
        category: Float,
        call_dominated: false,
        about: "Product of two f64 matrices",
        small: 16 => 0x057a_2963,
        timing: 192 => 0x8325_f203,
    }
    kernel {
        name: "nbody",
        category: Float,
        call_dominated: false,
        about: "Five bodies under gravity: f64 division and square root",
        small: 20 => 0xefb7_aea0,
        timing: 30_000 => 0x017c_9df4,
    }
    kernel {
        name: "mandelbrot",
        category: Float,
        call_dominated: false,
        about: "The Mandelbrot set: f64 with a data-dependent exit",
        small: 16 => 0x03f3_5747,
        timing: 256 => 0x1c01_1987,
    }
    kernel {
        name: "fft",
        category: Float,
        call_dominated: false,
        about: "Fourier transforms of 1024 points: strided f64 loads",
        small: 1 => 0x4f87_91ae,
        timing: 120 => 0xf54a_4b5d,
    }
    kernel {
        name: "spectral_norm",
        category: Float,
        call_dominated: false,
        about: "Spectral norm: integer arithmetic feeding f64 division",
        small: 16 => 0xee14_3ae3,
        timing: 320 => 0xde51_2b18,
    }
    kernel {
        name: "blur_f32",
        category: Float,
        call_dominated: false,
        about: "A five-tap blur of an f32 image",
        small: 1 => 0x3b51_3668,
        timing: 60 => 0x86d9_3ef0,
    }
    kernel {
        name: "resample",
        category: Float,
        call_dominated: false,
        about: "Sound through a filter: conversions between i32, f32, f64",
        small: 1_000 => 0x5f13_590d,
        timing: 600_000 => 0xbd09_03b4,
    }
    kernel {
        name: "sieve",
        category: Memory,
        call_dominated: false,
        about: "Sieve of Eratosthenes: strided byte stores",
        small: 2_000 => 0x5070_5eb2,
        timing: 1_200_000 => 0x40f2_924d,
    }
    kernel {
        name: "quicksort",
        category: Memory,
        call_dominated: false,
        about: "Quicksort of integers with an explicit stack",
        small: 500 => 0x38ca_f692,
        timing: 80_000 => 0xaa4d_02bf,
    }
    kernel {
        name: "heapsort",
        category: Memory,
        call_dominated: false,
        about: "Heapsort of 64-bit integers",
        small: 500 => 0xff7e_61e4,
        timing: 50_000 => 0xf6e7_f9a5,
    }
    kernel {
        name: "hash_map",
        category: Memory,
        call_dominated: false,
        about: "An open-addressing hash map under mixed operations",
        small: 1_000 => 0xe2f3_dda7,
        timing: 300_000 => 0xe7cb_30a2,
    }
    kernel {
        name: "copy_fill",
        category: Memory,
        call_dominated: false,
        about: "Copy, fill, move and compare as loops",
        small: 2 => 0x708f_6969,
        timing: 300 => 0x294a_9fbe,
    }
    kernel {
        name: "life",
        category: Memory,
        call_dominated: false,
        about: "Conway's Game of Life on bytes",
        small: 1 => 0x3d77_15bf,
        timing: 60 => 0x5ec5_4e7d,
    }
    kernel {
        name: "lz",
        category: Memory,
        call_dominated: false,
        about: "An LZ77 packer and unpacker",
        small: 1 => 0x96f6_9c39,
        timing: 15 => 0x0d6c_081f,
    }
    kernel {
        name: "dijkstra",
        category: Memory,
        call_dominated: false,
        about: "Shortest paths with a binary heap",
        small: 1 => 0xd39d_7821,
        timing: 16 => 0xbd25_e5f2,
    }
    kernel {
        name: "search_tree",
        category: Memory,
        call_dominated: false,
        about: "A binary search tree: pointer chasing",
        small: 200 => 0x54c3_abbb,
        timing: 16_000 => 0x67a0_68f9,
    }
    kernel {
        name: "transpose",
        category: Memory,
        call_dominated: false,
        about: "Transposes a matrix in tiles",
        small: 1 => 0x703e_662b,
        timing: 40 => 0xdd3d_1d95,
    }
    kernel {
        name: "levenshtein",
        category: Memory,
        call_dominated: false,
        about: "Edit distance by dynamic programming",
        small: 1 => 0xfb85_7a8c,
        timing: 60 => 0xaf19_8aca,
    }
    kernel {
        name: "queens",
        category: Branches,
        call_dominated: false,
        about: "Queens on a board by backtracking",
        small: 5 => 0x10af_a2a0,
        timing: 10 => 0x74bf_5187,
    }
    kernel {
        name: "interpreter",
        category: Branches,
        call_dominated: false,
        about: "A register machine's interpreter loop (br_table)",
        small: 1 => 0x7bfe_fdda,
        timing: 20 => 0x0194_83a7,
    }
    kernel {
        name: "dfa",
        category: Branches,
        call_dominated: false,
        about: "A table-driven automaton over text",
        small: 1 => 0x205e_65ed,
        timing: 200 => 0x0c80_33ce,
    }
    kernel {
        name: "binary_search",
        category: Branches,
        call_dominated: false,
        about: "Binary searches: unpredictable compares",
        small: 100 => 0xcfd1_d793,
        timing: 80_000 => 0x6129_47e3,
    }
    kernel {
        name: "collatz",
        category: Branches,
        call_dominated: false,
        about: "Collatz chains: an unpredictable branch",
        small: 100 => 0xf773_9b7d,
        timing: 40_000 => 0xa862_303b,
    }
    kernel {
        name: "vtable",
        category: Indirect,
        call_dominated: false,
        about: "Filter objects with method tables: mixed call_indirect",
        small: 20 => 0x1978_71f5,
        timing: 30_000 => 0xa6f1_48d7,
    }
    kernel {
        name: "callback_sort",
        category: Indirect,
        call_dominated: false,
        about: "Shell sort through a comparison callback",
        small: 300 => 0x69e5_e8a1,
        timing: 12_000 => 0xd77e_d080,
    }
    kernel {
        name: "base64",
        category: Strings,
        call_dominated: false,
        about: "Base64 there and back",
        small: 2 => 0x5962_ddb3,
        timing: 200 => 0xf21d_6abd,
    }
    kernel {
        name: "utf8",
        category: Strings,
        call_dominated: false,
        about: "UTF-8 validation of mixed scripts",
        small: 2 => 0x999c_7423,
        timing: 150 => 0x3a5d_2a1b,
    }
    kernel {
        name: "json",
        category: Strings,
        call_dominated: false,
        about: "A JSON tokeniser",
        small: 1 => 0x68c8_0f0e,
        timing: 100 => 0xd52c_3075,
    }
    kernel {
        name: "string_search",
        category: Strings,
        call_dominated: false,
        about: "Horspool's string search",
        small: 2 => 0x0062_05cd,
        timing: 150 => 0xaa09_5901,
    }
    kernel {
        name: "word_count",
        category: Strings,
        call_dominated: false,
        about: "Words counted in a hash table of strings",
        small: 1 => 0xba1f_5ea7,
        timing: 60 => 0xe2ed_3c65,
    }
    kernel {
        name: "decimal",
        category: Strings,
        call_dominated: false,
        about: "Integers to decimal text and back",
        small: 100 => 0x0a0a_ad42,
        timing: 100_000 => 0x2e72_d4b5,
    }
    kernel {
        name: "bits",
        category: Bits,
        call_dominated: false,
        about: "Population count, leading and trailing zeros, reversal",
        small: 1_000 => 0x7ef3_352c,
        timing: 800_000 => 0x7cf3_e5bb,
    }
    kernel {
        name: "morton",
        category: Bits,
        call_dominated: false,
        about: "Morton codes: interleaving and walking",
        small: 1 => 0x087b_cbc0,
        timing: 20 => 0x528a_fa62,
    }
    kernel {
        name: "bit_stream",
        category: Bits,
        call_dominated: false,
        about: "Variable-length codes packed into a bit stream",
        small: 1 => 0x613e_d106,
        timing: 30 => 0xdb00_d1b5,
    }
}
