#!/usr/bin/env bash
# Runs a multiboot kernel on Bochs; what it sends over the serial line goes to stdout.
#   bochs.sh ELF TESTS COMMAND_LINE   takes Debian's Bochs, without installing it; the file TESTS is its hard disk
#   BOCHS=FOLDER bochs.sh ...         takes the Bochs whose packages were extracted there
# Exit 2: there is no Bochs. Ended by a signal, it still prints what there is.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
elf=$1
tests=$(realpath "$2")
command_line=$3
model=${MODEL:-core_duo_t2400_yonah}
work=$(mktemp -d)
emulator=
clean() {
  if [ -n "$emulator" ]; then kill "$emulator" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' INT
trap 'if [ -n "$emulator" ]; then kill "$emulator" 2>/dev/null || true; else exit 1; fi' TERM

missing() {
  echo "$1" >&2
  exit 2
}

bochs=${BOCHS:-$root/node_modules/.cache/bochs}
if [ ! -x "$bochs/usr/bin/bochs-bin" ]; then
  [ -z "${BOCHS:-}" ] || missing "$bochs has no usr/bin/bochs-bin."
  command -v apt-get >/dev/null || missing "There is no apt-get to fetch Bochs with: name a folder with its packages in BOCHS."
  (cd "$work" && apt-get download bochs bochsbios vgabios bochs-term >/dev/null 2>&1) ||
    missing "apt cannot download bochs, bochsbios, vgabios and bochs-term: name a folder with them in BOCHS."
  for package in "$work"/*.deb; do dpkg -x "$package" "$bochs"; done
fi

ln -s "$bochs" "$work/bochs" # it does not stand long names
ln -s "$tests" "$work/tests"
bochs=$work/bochs
objcopy -O binary "$elf" "$work/kernel"
size=$(stat -c %s "$work/kernel")
entry=$(readelf --file-header "$elf" | sed -n 's/.*Entry point address: *//p')
nasm -f bin -DSECTORS=$(((size + 511) / 512)) -DENTRY="$entry" -DCOMMAND_LINE="'$command_line'" \
  "$root/tools/guests/bochs/floppy.asm" -o "$work/floppy"
cat "$work/kernel" >>"$work/floppy"
truncate -s 1474560 "$work/floppy"
cat >"$work/bochsrc" <<END
display_library: term
plugin_ctrl: unmapped=1
cpu: model=$model, count=1, ips=1000000, reset_on_triple_fault=0, ignore_bad_msrs=0
megs: 128
romimage: file=$bochs/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$bochs/usr/share/vgabios/vgabios.bin
floppya: 1_44=$work/floppy, status=inserted
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path=$work/tests, mode=flat, cylinders=$(($(stat -c %s "$tests") / 516096)), heads=16, spt=63
boot: floppy
com1: enabled=1, mode=file, dev=$work/serial
clock: sync=none
panic: action=fatal
log: $work/log
END
libraries=$bochs/usr/lib/x86_64-linux-gnu
touch "$work/serial"
printf 'c\nq\n' >"$work/commands" # its debugger starts first
# Its display wants a terminal: script makes one.
LTDL_LIBRARY_PATH=$libraries/bochs/plugins LD_LIBRARY_PATH=$libraries BXSHARE=$bochs/usr/share/bochs TERM=vt100 \
  timeout "${LIMIT:-300}" script -qec "$bochs/usr/bin/bochs-bin -q -f $work/bochsrc -rc $work/commands" /dev/null >"$work/output" 2>&1 </dev/null &
emulator=$!
wait "$emulator" || true
emulator=
if [ -n "${LOG:-}" ]; then cat "$work/output" "$work/log" >"$LOG" 2>&1; fi
tr -d '\r' <"$work/serial"
