#!/bin/sh
# Builds the program as it was at an earlier revision and prints where it is, for the benchmark to
# compare with: scripts/before.sh [REVISION]. Without one: the last tag that is not this commit, or
# the commit below. Builds once per revision. Prints nothing if there is no history to build from.
set -eu
cd "$(dirname "$0")/.."

# The last build before a stop of one toy was made as strong as a stop of everything.
first=f7fc4eecb84c3b5ed6cba1ead9d206b12fdccbe0

say() { echo "$*" >&2; }

if ! git rev-parse --git-dir >/dev/null 2>&1; then
    say "no git history here: the benchmark has no earlier build to compare with"
    exit 0
fi
revision=${1:-$(git describe --tags --abbrev=0 'HEAD^' 2>/dev/null || echo "$first")}
if ! commit=$(git rev-parse --quiet --verify "$revision^{commit}"); then
    # Asked for by name, that is a mistake; else a shallow clone.
    say "$revision is not in the history of this clone: no earlier build to compare with"
    [ $# -eq 0 ] && exit 0
    exit 1
fi

folder=target/before/$commit
program=$folder/toy2mqtt
if [ ! -x "$program" ]; then
    say "building $revision once, to compare with"
    # No worktree of git's: nothing is left in the repository's own data.
    rm -rf "$folder"
    mkdir -p "$folder/source"
    git archive "$commit" | tar -x -C "$folder/source"
    # As `cargo bench` builds the program: the default features, the same profile, and, from one
    # revision to the next, the same dependencies, which are kept.
    CARGO_TARGET_DIR="$PWD/target/before/build" \
        cargo build --quiet --release --locked --bin toy2mqtt \
        --manifest-path "$folder/source/Cargo.toml" >&2
    cp target/before/build/release/toy2mqtt "$program.new"
    mv "$program.new" "$program"
    rm -rf "$folder/source"
fi
echo "$PWD/$program"
