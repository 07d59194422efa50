#!/bin/sh
# Makes the vectors again on this processor: generate.sh [seed] [cases per form] [directory] [family]
# The committed ones: generate.sh 1 200. The same seed gives the same inputs everywhere.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
seed=${1:-1}
cases=${2:-200}
directory=${3:-$here/vectors}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf 'int main(void) { return 0; }\n' > "$work/probe.c"
if ! ${CC:-gcc} -m32 -static -o "$work/probe" "$work/probe.c" 2> "$work/errors"; then
  cat "$work/errors" >&2
  echo 'generate.sh: gcc cannot build 32-bit programs; on Debian: apt-get install gcc-multilib' >&2
  exit 1
fi
if ! "$work/probe"; then
  echo 'generate.sh: this kernel does not run 32-bit programs (it needs x86-64 or i386 Linux with IA32 emulation)' >&2
  exit 1
fi

${CC:-gcc} -m32 -static -O2 -std=gnu11 -Wall -Wextra -mgeneral-regs-only -o "$work/generate" "$here"/generator/*.c
mkdir -p "$directory" "$work/out"
"$work/generate" "$seed" "$cases" "$work/out" ${4:+"$4"}
for vec in "$work"/out/*.vec; do
  gzip -9 -n < "$vec" > "$directory/$(basename "$vec").gz"
done
