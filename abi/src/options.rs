//! Records the options that decide an artifact's bytes.

use crate::bytes::{DecodeError, Reader, Writer};
use core::fmt;

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $( $(#[$vdoc:meta])* $variant:ident = $number:literal, $text:literal; )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        #[repr(u8)]
        pub enum $name { $( $(#[$vdoc])* $variant = $number, )* }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[ $( $name::$variant, )* ];

            /// Name on the command line and in messages.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( $name::$variant => $text, )* }
            }

            /// The value with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }

            /// The value with this stored number.
            #[must_use]
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| *value as u8 == number)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

named_enum! {
    /// How hard the compiler tries.
    OptLevel {
        /// No optimiser and the single-pass register allocator: compiles fastest.
        None = 0, "none";
        /// Everything that makes the code fast.
        #[default]
        Speed = 1, "speed";
    }
}

named_enum! {
    /// How compiled code keeps accesses inside linear memory.
    BoundsStrategy {
        /// A reservation that no 32-bit address can leave; needs signals.
        #[default]
        Guard = 0, "guard";
        /// A compare and a branch before each access; works with any memory.
        Explicit = 1, "explicit";
    }
}

named_enum! {
    /// Which language a module may use, and what the compiler does to it.
    Preset {
        /// WebAssembly 1.0 as first published: no import or export of mutable globals.
        StrictMvp = 0, "strict-mvp";
        /// The MVP plus import and export of mutable globals: the language of the 1.0 suite.
        #[default]
        Wasm1 = 1, "wasm1";
        /// What Polkadot hosts accept: `wasm1`, sign-extension tolerated, no start function, and
        /// an imported memory turned into a defined one that is exported as `memory`.
        Polkadot = 2, "polkadot";
    }
}

named_enum! {
    /// What an artifact says about where its code comes from.
    DebugInfo {
        /// Nothing but names and offsets in the module.
        None = 0, "none";
        /// Lines of source for backtraces, when the module has debug information.
        #[default]
        Lines = 1, "lines";
        /// Also what debuggers and profilers read: of each instruction the line of source or, when the
        /// module has no debug information, the offset in the module.
        Full = 2, "full";
    }
}

/// Every option that can change the bytes of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CodegenOptions {
    /// Language and treatment of the module.
    pub preset: Preset,
    /// Effort.
    pub opt_level: OptLevel,
    /// Memory strategy.
    pub bounds: BoundsStrategy,
    /// Whether traps may arrive as signals; without, every trap is an explicit check that raises.
    pub signals: bool,
    /// Whether the results of float arithmetic have canonical NaN bits.
    pub nan_canonicalization: bool,
    /// Whether fuel is metered.
    pub fuel: bool,
    /// Whether the interrupt flag is checked.
    pub interruption: bool,
    /// Whether explicit bounds checks also hold under speculation.
    pub spectre_mitigation: bool,
    /// Whether active calls are counted, up to a limit that the store has.
    pub call_depth: bool,
    /// Where the code comes from, for people.
    pub debug_info: DebugInfo,
}

impl CodegenOptions {
    const FLAGS: u8 = 6;
    /// The flags' byte has the debug information in its highest bits, and no room for another flag.
    const DEBUG_INFO_SHIFT: u8 = Self::FLAGS;

    fn flags(&self) -> [bool; Self::FLAGS as usize] {
        [
            self.signals,
            self.nan_canonicalization,
            self.fuel,
            self.interruption,
            self.spectre_mitigation,
            self.call_depth,
        ]
    }

    /// Writes the options: three bytes of enums, one of flags and the debug information.
    pub fn encode(&self, writer: &mut Writer) {
        writer.u8(self.preset as u8);
        writer.u8(self.opt_level as u8);
        writer.u8(self.bounds as u8);
        let mut flags = (self.debug_info as u8) << Self::DEBUG_INFO_SHIFT;
        for (bit, flag) in self.flags().into_iter().enumerate() {
            flags |= u8::from(flag) << bit;
        }
        writer.u8(flags);
    }

    /// Reads what [`CodegenOptions::encode`] wrote.
    ///
    /// # Errors
    ///
    /// If a number is unknown.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.position();
        let bad = |what| DecodeError { position: at, what };
        let preset = Preset::from_number(reader.u8()?).ok_or(bad("preset"))?;
        let opt_level = OptLevel::from_number(reader.u8()?).ok_or(bad("optimisation level"))?;
        let bounds = BoundsStrategy::from_number(reader.u8()?).ok_or(bad("bounds strategy"))?;
        let byte = reader.u8()?;
        let debug_info = DebugInfo::from_number(byte >> Self::DEBUG_INFO_SHIFT)
            .ok_or(bad("debug information"))?;
        let flag = |bit: u8| byte >> bit & 1 == 1;
        Ok(Self {
            preset,
            opt_level,
            bounds,
            signals: flag(0),
            nan_canonicalization: flag(1),
            fuel: flag(2),
            interruption: flag(3),
            spectre_mitigation: flag(4),
            call_depth: flag(5),
            debug_info,
        })
    }
}
