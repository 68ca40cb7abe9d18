#!/bin/sh
# Stands in for rustdoc where its JSON output is wanted, which a stable one gives only when told so. Told to cargo, it
# would reach build scripts too, and half of the tree would be built anew.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
