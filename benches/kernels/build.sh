#!/bin/sh
# Rebuilds the kernels' `.wasm` files from their sources: `benches/kernels/build.sh [OUT_FOLDER]`.
#
# Needed only after a change of a source. The committed files come from Debian's clang 14.0.6 with its wasm-ld; that
# version gives the same bytes again (a test compares them), another one need not. CLANG names another compiler.
# The same sources build natively with `cc -O2 -fno-math-errno -ffp-contract=off -c NAME.c`.
set -eu
sources=$(cd "$(dirname "$0")" && pwd)
out=${1:-$sources}
clang=${CLANG:-clang}
cd "$sources"
for source in *.c; do
    "$clang" --target=wasm32 -mcpu=mvp -std=c11 -O2 -ffreestanding -fno-builtin -fno-math-errno -ffp-contract=off \
        -Wall -Wextra -Werror -nostdlib -Wl,--no-entry -Wl,-z,stack-size=16384 \
        -o "$out/${source%.c}.wasm" "$source"
done
