#!/usr/bin/env bash
# Builds the kernel of random tests, core/guests/fuzz, as FOLDER/fuzz.elf, and what makes tests for it as FOLDER/generate.
#   build.sh [FOLDER]     (node_modules/.cache/fuzz)
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath -m "${1:-$root/node_modules/.cache/fuzz}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for tool in gcc ld objcopy nasm; do
  command -v "$tool" >/dev/null || {
    echo "The tests need $tool: apt-get install gcc binutils nasm." >&2
    exit 2
  }
done
compile=(gcc -m32 -march=i686 -mno-mmx -mno-sse -mno-80387 -masm=intel -mpreferred-stack-boundary=2
  -std=gnu11 -ffreestanding -nostdinc -isystem "$(gcc -print-file-name=include)"
  -O3 -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-strict-aliasing -fno-jump-tables -fcf-protection=none -fno-ident -Wall -Wextra)
cd "$root/core/guests"
for file in fuzz/*.c primer/common/text.c; do
  "${compile[@]}" -c "$file" -o "$work/$(basename "$file").o"
done
for file in fuzz/*.asm; do nasm -f elf32 -w+all "$file" -o "$work/$(basename "$file").o"; done
mkdir -p "$out"
gcc -O2 -std=gnu11 -Wall -Wextra -o "$out/generate" "$root"/tools/fuzz/generator/*.c
ld -m elf_i386 -nostdlib --build-id=none -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments \
  -T fuzz/fuzz.ld -o "$work/fuzz.elf" "$work"/*.o
objcopy --strip-all "$work/fuzz.elf" "$out/fuzz.elf"
chmod 644 "$out/fuzz.elf"
