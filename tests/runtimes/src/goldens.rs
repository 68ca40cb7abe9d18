//! Known results of four runtimes, recorded with another engine and the nodes' own allocator.

/// What one call of one runtime must give.
#[derive(Debug)]
pub struct Golden {
    /// The entry point.
    pub export: &'static str,
    /// Bytes of the result.
    pub len_bytes: usize,
    /// BLAKE2b-256 of the result, in hexadecimal.
    pub blake2_256: &'static str,
    /// Allocations that the guest asks for.
    pub mallocs: usize,
    /// Pages of the memory in the end.
    pub pages: u32,
}

/// One runtime and what its calls must give.
#[derive(Debug)]
pub struct GoldenRuntime {
    /// Path below the corpus.
    pub file: &'static str,
    /// First bytes of the SHA-256 of the decompressed module, in hexadecimal.
    pub sha256_prefix: &'static str,
    /// Bytes of the decompressed module.
    pub len_bytes: usize,
    /// `Core_version` and `Metadata_metadata`.
    pub calls: [Golden; 2],
    /// Result of `Metadata_metadata_versions`, in hexadecimal, where it is known.
    pub metadata_versions: Option<&'static str>,
}

const fn core_version(
    len_bytes: usize,
    blake2_256: &'static str,
    mallocs: usize,
    pages: u32,
) -> Golden {
    Golden {
        export: "Core_version",
        len_bytes,
        blake2_256,
        mallocs,
        pages,
    }
}

const fn metadata(
    len_bytes: usize,
    blake2_256: &'static str,
    mallocs: usize,
    pages: u32,
) -> Golden {
    Golden {
        export: "Metadata_metadata",
        len_bytes,
        blake2_256,
        mallocs,
        pages,
    }
}

/// The four runtimes.
pub const GOLDENS: &[GoldenRuntime] = &[
    GoldenRuntime {
        file: "gosemble/rust_node_template_runtime.wasm",
        sha256_prefix: "dc1e26318a554cb4",
        len_bytes: 1_049_764,
        calls: [
            core_version(
                190,
                "5967b4a8ea9e99b36baf828738eb52cffc2cd20f33761e63aeb2818d144de5dc",
                4,
                18,
            ),
            metadata(
                33_195,
                "dc5257f2ae2782f53552896fea57f85b4ee98b08bf5f9f830d9ef7bbf0ef8ab0",
                2_176,
                36,
            ),
        ],
        metadata_versions: Some("080e0000000f000000"),
    },
    GoldenRuntime {
        file: "gosemble/gosemble-2024-e-a574a72.wasm",
        sha256_prefix: "36d334b146ad75c6",
        len_bytes: 1_179_726,
        calls: [
            core_version(
                190,
                "b8a8c5bd2eb2b7f72481b868092dffc4ef4c54ae27b31d3c5f15d12f92506bc8",
                154,
                20,
            ),
            metadata(
                26_450,
                "2997a377aad59ee6a9c2db59a6b83957aabd5cc28278f527ea0a53d7ad983651",
                43_021,
                40,
            ),
        ],
        metadata_versions: Some("080e0000000f000000"),
    },
    GoldenRuntime {
        file: "substrate/polkadot-9400.wasm",
        sha256_prefix: "df4aedc9e5a7844b",
        len_bytes: 6_369_272,
        calls: [
            core_version(
                247,
                "0674355deae25933b658b8c53e5e2803aa71f8cf671d42ef5b544e0912713858",
                8,
                22,
            ),
            metadata(
                360_659,
                "05918fb7426c49cc805f079206fc516c2f3084b7b9b4b09f4835cfa09cea1bac",
                11_315,
                88,
            ),
        ],
        metadata_versions: None,
    },
    GoldenRuntime {
        file: "substrate/westend-9300.compact.compressed.wasm.zst",
        sha256_prefix: "719c1ded48f4e58e",
        len_bytes: 6_348_887,
        calls: [
            core_version(
                233,
                "948bd53c1cdfbfcfcaf708f22a782ec2fc0d3123dd6fbd2d51715d85e3da42ae",
                8,
                21,
            ),
            metadata(
                288_466,
                "57a790f4014d3c7ffcc05b3e807731de612b5c5b689abc6467ceda9b4891b051",
                9_387,
                84,
            ),
        ],
        metadata_versions: None,
    },
];
