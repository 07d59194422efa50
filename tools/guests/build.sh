#!/usr/bin/env bash
# Builds the project's own guests into public/guests: primer.elf, the same kernel as a guest of Xen, primer-para.elf, the test
# of VMX, vmxtest.elf, and for each a file .json with its symbols, lines and sources; and the test of interrupt controllers,
# apictest.elf.
#   build.sh           writes public/guests
#   build.sh --check   builds elsewhere and compares with public/guests; fails when they differ
# KEEP=folder leaves the object files there, and primer.debug.elf, primer-para.debug.elf, shell.debug.elf, counter.debug.elf
# vmxtest.debug.elf and apictest.debug.elf for a debugger.
# The same compiler makes the same bytes: Debian 12's gcc 12.2 and nasm 2.16 made the committed ones.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
source=$root/core/guests/primer
committed=$root/public/guests
work=${KEEP:-}
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
fi

fail() {
  echo "$1" >&2
  exit 1
}

for tool in gcc ld objcopy readelf nasm; do
  command -v "$tool" >/dev/null || fail "The guests need $tool: apt-get install gcc binutils nasm."
done
echo 'int one;' | gcc -m32 -ffreestanding -c -x c -o "$work/probe.o" - 2>"$work/probe.log" ||
  fail "This gcc cannot make 32-bit x86 code (gcc -m32): use an x86 Debian or Ubuntu with gcc. It said: $(head -1 "$work/probe.log")"

compile=(gcc -m32 -march=i686 -mno-mmx -mno-sse -mno-80387 -masm=intel -mpreferred-stack-boundary=2
  -std=gnu11 -ffreestanding -nostdinc -isystem "$(gcc -print-file-name=include)"
  -O1 -g -gdwarf-4 -fno-omit-frame-pointer -fno-pic -fno-stack-protector -fno-asynchronous-unwind-tables
  -fno-strict-aliasing -fno-jump-tables -fcf-protection=none -fno-ident
  -Wall -Wextra)
assemble=(nasm -f elf32 -g -F dwarf -w+all)
link=(ld -m elf_i386 -nostdlib --build-id=none -z noexecstack -z max-page-size=4096 --no-warn-rwx-segments)

# objects BUILD FILE...: compiles and assembles each for one build, prints the names of the object files.
objects() {
  local build=$1 file
  local define=()
  if [ "$build" = primer-para ]; then define=(-DPARA); fi
  shift
  for file in "$@"; do
    local object=$work/$build-${file//\//-}.o
    case $file in
    *.c) (cd "$source" && "${compile[@]}" -ffile-prefix-map="$source"=. "${define[@]}" -c "$file" -o "$object") || fail "$file does not compile." ;;
    *.asm) (cd "$source" && "${assemble[@]}" -i "$work/" "$file" -o "$object") || fail "$file does not assemble." ;;
    esac
    echo "$object"
  done
}

# program NAME BASE FILE...: links a program for ring 3 at its own address, so that an address names one place only.
program() {
  local name=$1 base=$2
  shift 2
  local parts
  parts=$(objects "$name" user/library.c common/text.c "$@")
  # shellcheck disable=SC2086
  "${link[@]}" --defsym=program_base="$base" -T "$source/user/program.ld" -o "$work/$name.debug.elf" $parts
  objcopy --strip-all "$work/$name.debug.elf" "$work/$name.elf"
}

program shell 0x00400000 user/shell.c user/commands.c user/bench.c
program counter 0x00800000 user/counter.c

# kernel NAME FOLDER SCRIPT FILE...: links a kernel of the shared files and those of FOLDER, and writes its symbol file.
kernel() {
  local name=$1 folder=$2 script=$3
  shift 3
  local parts
  parts=$(objects "$name" "${@/#/$folder/}" kernel/main.c kernel/print.c kernel/console.c kernel/frame.c kernel/space.c \
    kernel/fault.c kernel/process.c kernel/schedule.c kernel/switch.asm kernel/program.c kernel/programs.asm kernel/trap.c \
    kernel/call.c kernel/mem.c kernel/attempt.asm kernel/sensitive.asm kernel/sensitive.c kernel/bench.c common/text.c)
  # shellcheck disable=SC2086
  "${link[@]}" -T "$source/$script" -o "$work/$name.debug.elf" $parts
  objcopy --strip-all "$work/$name.debug.elf" "$work/$name.elf"
  (cd "$root" && npx tsx tools/guests/symbols.ts "$source" "common,kernel,user,primer.ld,$folder" "$work/$name.json" \
    "$work/$name.debug.elf" "$work/shell.debug.elf" "$work/counter.debug.elf")
}

kernel primer native primer.ld boot.asm trap.asm native.c pic.c pit.c uart.c
kernel primer-para para para/para.ld boot.asm trap.asm para.c tables.c events.c ring.c

# The test of VMX takes its text from primer, and runs where it is loaded.
source=$root/core/guests
parts=$(objects vmxtest vmxtest/{boot,trap,enter,real}.asm \
  vmxtest/{main,machine,outcome,check,capabilities,vmcs,ept,instructions,try,entry,guest-state,code}.c \
  vmxtest/exits-{instructions,registers,ports,events}.c vmxtest/{memory,paging,events,state,real,privilege,shadow}.c primer/common/text.c)
# shellcheck disable=SC2086
"${link[@]}" -T "$source/vmxtest/vmxtest.ld" -o "$work/vmxtest.debug.elf" $parts
objcopy --strip-all "$work/vmxtest.debug.elf" "$work/vmxtest.elf"
(cd "$root" && npx tsx tools/guests/symbols.ts "$source" vmxtest,primer/common \
  "$work/vmxtest.json" "$work/vmxtest.debug.elf")

parts=$(objects apictest apictest/boot.asm apictest/{main,machine}.c primer/common/text.c)
# shellcheck disable=SC2086
"${link[@]}" -T "$source/vmxtest/vmxtest.ld" -o "$work/apictest.debug.elf" $parts
objcopy --strip-all "$work/apictest.debug.elf" "$work/apictest.elf"

built=(apictest.elf primer.elf primer.json primer-para.elf primer-para.json vmxtest.elf vmxtest.json)
if [ "${1:-}" = --check ]; then
  for file in "${built[@]}"; do
    cmp -s "$work/$file" "$committed/$file" ||
      fail "public/guests/$file is not what its sources make with $(gcc --version | head -1): run npm run guests."
  done
  echo "public/guests is what its sources make."
else
  mkdir -p "$committed"
  install -m 644 "${built[@]/#/$work/}" "$committed/"
  ls -l "$committed"
fi
