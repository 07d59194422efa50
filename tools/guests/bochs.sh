#!/usr/bin/env bash
# Runs vmxtest on Bochs, which somebody else wrote from the same manual: what vmxtest asks of a processor has to hold there too.
#   bochs.sh [MODEL]        takes Debian's Bochs, without installing it; MODEL is one of its processors (bochs --help cpu)
#   BOCHS=FOLDER bochs.sh   takes the Bochs whose packages were extracted there
#   ELF=FILE bochs.sh       runs this kernel instead of public/guests/vmxtest.elf; LOG=FILE keeps what Bochs itself has to say
# Exit 0: vmxtest came to its end, and nothing failed but what bochs/differences.txt names; 1: something else; 2: there is no
# Bochs. That list was made with the default model.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/tools/guests/bochs
model=${1:-corei7_haswell_4770}
work=$(mktemp -d)
emulator=
clean() {
  if [ -n "$emulator" ]; then kill "$emulator" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap clean EXIT

missing() {
  echo "$1" >&2
  exit 2
}

bochs=${BOCHS:-}
if [ -z "$bochs" ]; then
  bochs=$work/bochs
  command -v apt-get >/dev/null || missing "There is no apt-get to fetch Bochs with: name a folder with its packages in BOCHS."
  (cd "$work" && apt-get download bochs bochsbios vgabios bochs-term >/dev/null 2>&1) ||
    missing "apt cannot download bochs, bochsbios, vgabios and bochs-term: name a folder with them in BOCHS."
  for package in "$work"/*.deb; do dpkg -x "$package" "$bochs"; done
fi
[ -x "$bochs/usr/bin/bochs-bin" ] || missing "$bochs has no usr/bin/bochs-bin."

elf=${ELF:-$root/public/guests/vmxtest.elf}
objcopy -O binary "$elf" "$work/kernel"
size=$(stat -c %s "$work/kernel")
entry=$(readelf --file-header "$elf" | sed -n 's/.*Entry point address: *//p')
nasm -f bin -DSECTORS=$(((size + 511) / 512)) -DENTRY="$entry" \
  -DCOMMAND_LINE="'vmcall-in-root event-7'" "$here/floppy.asm" -o "$work/floppy"
cat "$work/kernel" >>"$work/floppy"
truncate -s 1474560 "$work/floppy"

cat >"$work/bochsrc" <<END
display_library: term
plugin_ctrl: unmapped=1
cpu: model=$model, count=1, ips=20000000, reset_on_triple_fault=0, ignore_bad_msrs=0
megs: 64
romimage: file=$bochs/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=$bochs/usr/share/vgabios/vgabios.bin
floppya: 1_44=$work/floppy, status=inserted
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
  timeout ${LIMIT:-60} script -qec "$bochs/usr/bin/bochs-bin -q -f $work/bochsrc -rc $work/commands" /dev/null >"$work/output" 2>&1 </dev/null &
emulator=$!
wait "$emulator" || true
emulator=
tr -d '\r' <"$work/serial"
if [ -n "${LOG:-}" ]; then cat "$work/output" "$work/log" >"$LOG" 2>&1; fi

grep -aq '^vmxtest: .* failed' "$work/serial" || {
  echo "vmxtest did not come to its end on Bochs." >&2
  exit 1
}
tr -d '\r' <"$work/serial" | sed -n 's/^FAIL \(.*\): saw .*/\1/p' | grep -vxFf <(grep -v '^# \|^$' "$here/differences.txt") >"$work/unknown" || true
if [ -s "$work/unknown" ]; then
  echo "Failed, and not known to be Bochs's fault:" >&2
  cat "$work/unknown" >&2
  exit 1
fi
echo "All that failed is known to be Bochs's fault: see tools/guests/bochs/differences.txt."
