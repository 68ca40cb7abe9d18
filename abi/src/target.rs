//! Names targets, CPU levels and CPU features.

use core::fmt;

/// Instruction set of an artifact. The numbers are ELF's `e_machine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Arch {
    /// x86-64, System V convention.
    X86_64 = 62,
    /// 64-bit Arm, AAPCS64 convention.
    Aarch64 = 183,
}

impl Arch {
    /// Every supported instruction set.
    pub const ALL: &'static [Arch] = &[Arch::X86_64, Arch::Aarch64];

    /// Target triple.
    #[must_use]
    pub const fn triple(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64-unknown-linux-gnu",
            Arch::Aarch64 => "aarch64-unknown-linux-gnu",
        }
    }

    /// Alignment of ELF segments: the largest host page the target may have.
    #[must_use]
    pub const fn segment_alignment_bytes(self) -> u64 {
        match self {
            Arch::X86_64 => 4096,
            Arch::Aarch64 => 65_536,
        }
    }

    /// The instruction set with this `e_machine` number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|arch| *arch as u16 == number)
    }

    /// The instruction set of the machine this code runs on, when it is a supported one.
    #[must_use]
    pub const fn host() -> Option<Self> {
        if cfg!(target_arch = "x86_64") {
            Some(Arch::X86_64)
        } else if cfg!(target_arch = "aarch64") {
            Some(Arch::Aarch64)
        } else {
            None
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.triple())
    }
}

macro_rules! cpu_features {
    ($( $name:ident = $bit:literal, $text:literal, $cranelift:literal, levels: [$($level:ident),*]; )*) => {
        /// A CPU feature that compiled code may need. Bits are part of the stored format.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum CpuFeature {
            $(
                #[doc = concat!("`", $text, "`.")]
                $name = $bit,
            )*
        }

        impl CpuFeature {
            /// Every feature.
            pub const ALL: &'static [CpuFeature] = &[ $( CpuFeature::$name, )* ];

            /// Name as the operating system and compilers spell it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( CpuFeature::$name => $text, )* }
            }

            /// Cranelift's setting for it.
            #[must_use]
            pub const fn cranelift_flag(self) -> &'static str {
                match self { $( CpuFeature::$name => $cranelift, )* }
            }
        }

        impl CpuLevel {
            /// Features that a named level guarantees; none for [`CpuLevel::Native`], whose
            /// features are those of the machine that was asked.
            #[must_use]
            pub const fn features(self) -> CpuFeatures {
                let mut bits = 0u64;
                $( $( if matches!(self, CpuLevel::$level) { bits |= 1 << $bit; } )* )*
                CpuFeatures { bits }
            }
        }
    };
}

cpu_features! {
    Sse3 = 0, "sse3", "has_sse3", levels: [X86_64V2, X86_64V3];
    Ssse3 = 1, "ssse3", "has_ssse3", levels: [X86_64V2, X86_64V3];
    Sse41 = 2, "sse4.1", "has_sse41", levels: [X86_64V2, X86_64V3];
    Sse42 = 3, "sse4.2", "has_sse42", levels: [X86_64V2, X86_64V3];
    Popcnt = 4, "popcnt", "has_popcnt", levels: [X86_64V2, X86_64V3];
    Avx = 5, "avx", "has_avx", levels: [X86_64V3];
    Avx2 = 6, "avx2", "has_avx2", levels: [X86_64V3];
    Fma = 7, "fma", "has_fma", levels: [X86_64V3];
    Bmi1 = 8, "bmi1", "has_bmi1", levels: [X86_64V3];
    Bmi2 = 9, "bmi2", "has_bmi2", levels: [X86_64V3];
    Lzcnt = 10, "lzcnt", "has_lzcnt", levels: [X86_64V3];
}

/// A set of [`CpuFeature`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CpuFeatures {
    bits: u64,
}

impl CpuFeatures {
    /// No feature beyond the architecture's own baseline.
    pub const NONE: Self = Self { bits: 0 };

    /// The set with these bits, as stored; unknown bits are kept.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self { bits }
    }

    /// The bits, as stored: bit n is the feature with number n.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.bits
    }

    /// This set with one more feature.
    #[must_use]
    pub const fn with(self, feature: CpuFeature) -> Self {
        Self {
            bits: self.bits | 1 << feature as u8,
        }
    }

    /// Whether the set has the feature.
    #[must_use]
    pub const fn contains(self, feature: CpuFeature) -> bool {
        self.bits & (1 << feature as u8) != 0
    }

    /// What this set has and `other` lacks.
    #[must_use]
    pub const fn missing_from(self, other: Self) -> Self {
        Self {
            bits: self.bits & !other.bits,
        }
    }

    /// Whether the set is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The known features of the set, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = CpuFeature> {
        CpuFeature::ALL
            .iter()
            .copied()
            .filter(move |feature| self.contains(*feature))
    }
}

impl fmt::Display for CpuFeatures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for feature in self.iter() {
            write!(f, "{separator}{}", feature.name())?;
            separator = ", ";
        }
        if separator.is_empty() {
            f.write_str("none")
        } else {
            Ok(())
        }
    }
}

/// A named set of CPU features that an artifact may rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum CpuLevel {
    /// `x86-64-v2`: SSE4.2 and popcnt, the default on x86-64.
    #[default]
    X86_64V2 = 1,
    /// `x86-64-v3`: AVX2, FMA, BMI.
    X86_64V3 = 2,
    /// `armv8-a`: the default, and only, level on aarch64.
    Armv8A = 3,
    /// The features of one machine, listed one by one.
    Native = 4,
}

impl CpuLevel {
    /// Every level.
    pub const ALL: &'static [CpuLevel] = &[
        CpuLevel::X86_64V2,
        CpuLevel::X86_64V3,
        CpuLevel::Armv8A,
        CpuLevel::Native,
    ];

    /// Name on the command line and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            CpuLevel::X86_64V2 => "x86-64-v2",
            CpuLevel::X86_64V3 => "x86-64-v3",
            CpuLevel::Armv8A => "armv8-a",
            CpuLevel::Native => "native",
        }
    }

    /// The level with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|level| level.name() == name)
    }

    /// The level with this stored number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|level| *level as u8 == number)
    }

    /// The level that a target has when none is asked for.
    #[must_use]
    pub const fn default_for(arch: Arch) -> Self {
        match arch {
            Arch::X86_64 => CpuLevel::X86_64V2,
            Arch::Aarch64 => CpuLevel::Armv8A,
        }
    }
}

impl fmt::Display for CpuLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
