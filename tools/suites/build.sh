#!/usr/bin/env bash
# Builds the suites that `npm run test:suites` runs, in a folder outside of the project: bash tools/suites/build.sh FOLDER
# What is not there yet is fetched with git; who has no way to the network puts the sources there before. Needs gcc for 32 bits, nasm, gdb and Node.
# None of it is the project's, and none of it is ever committed.
set -euo pipefail
[ $# -eq 1 ] || { echo "usage: $0 FOLDER"; exit 2; }
mkdir -p "$1"
cd "$1"

sources() {
  [ -d "$2" ] || git clone "$1" "$2"
}

sources https://gitlab.com/kvm-unit-tests/kvm-unit-tests.git kvm-unit-tests
(
  cd kvm-unit-tests
  [ -f config.mak ] || ./configure --arch=i386
  make -j"$(nproc)"
  # These are built for 64 bits only unless asked for.
  make x86/{idt_test,ioapic,memory,pcid,rdpru}.flat
)

sources https://github.com/barotto/test386.asm.git test386.asm
(
  cd test386.asm
  # Progress at port 80h and results on COM1, from a ROM of 128 KiB.
  sed -i -E '/^POST_PORT equ/s/equ.*/equ 0x80/; /^COM_PORT equ/s/equ.*/equ 1/; /^ROM128 equ/s/equ.*/equ 1/' src/configuration.asm
  make
)

sources https://github.com/copy/v86.git v86
(
  cd v86/tests/nasm
  node create_tests.js
  # What this machine's own processor makes of each: takes some minutes.
  node gen_fixtures.js
)

sources https://github.com/mit-pdos/xv6-public.git xv6-public
# Its sources are older than two warnings that newer compilers give.
make -C xv6-public CC='gcc -Wno-error=array-bounds -Wno-error=infinite-recursion' kernelmemfs
