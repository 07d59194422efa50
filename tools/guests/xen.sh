#!/usr/bin/env bash
# Runs primer-para on a real Xen, as its first domain, in QEMU, and tries every command: what was learnt from Xen's public
# headers has to hold where it comes from.
#   xen.sh              takes Debian's hypervisor package, without installing it
#   XEN=FILE xen.sh     takes this hypervisor, plain or compressed with gzip
# It has to be built with CONFIG_PV32, without which Xen starts no 32-bit kernel; Debian's 4.14 and 4.17 are not.
# Exit 0: all commands work; 1: one does not; 2: there is nothing to try it on.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
qemu=
clean() {
  if [ -n "$qemu" ]; then kill "$qemu" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap clean EXIT

missing() {
  echo "$1" >&2
  exit 2
}
fail() {
  echo "$1" >&2
  tail -25 "$work/output" >&2
  exit 1
}

command -v qemu-system-x86_64 >/dev/null || missing "This needs qemu-system-x86_64: apt-get install qemu-system-x86."

xen=${XEN:-}
if [ -z "$xen" ]; then
  command -v apt-get >/dev/null || missing "There is no apt-get to fetch a Xen with: name a hypervisor's file in XEN."
  name=$(apt-cache search --names-only '^xen-hypervisor-[0-9.]+-amd64$' | tail -1 | cut -d ' ' -f 1)
  [ -n "$name" ] || missing "apt knows no Xen hypervisor: name a hypervisor's file in XEN."
  (cd "$work" && apt-get download "$name" >/dev/null 2>&1) || missing "apt cannot download $name: name a hypervisor's file in XEN."
  dpkg -x "$work/$name"_*.deb "$work/package"
  xen=$(echo "$work"/package/boot/xen-*-amd64.gz)
fi
[ -f "$xen" ] || missing "$xen does not exist."
if gzip -t "$xen" 2>/dev/null; then gzip -dc "$xen" >"$work/xen"; else cp "$xen" "$work/xen"; fi

mkfifo "$work/input"
touch "$work/output"
qemu-system-x86_64 -m 256 -display none -monitor none -serial stdio -no-reboot -kernel "$work/xen" \
  -initrd "$root/public/guests/primer-para.elf" -append 'com1=115200 console=com1 pv=32 dom0_mem=32M' \
  <"$work/input" >"$work/output" 2>&1 &
qemu=$!
exec 3>"$work/input"

seen=0 # characters of the output that were looked at before
# Waits until the output since the last answer has this text. The answer is in $answer.
expect() {
  local second
  for ((second = 0; second < 120; second++)); do
    answer=$(tail -c "+$((seen + 1))" "$work/output" | tr -d '\r')
    if [[ $answer == *"$1"* ]]; then
      seen=$(stat -c %s "$work/output")
      return
    fi
    if [[ $answer == *'CONFIG_PV32 missing'* ]]; then
      missing "This Xen was built without CONFIG_PV32, so it starts no 32-bit kernel: name one in XEN that was built with it."
    fi
    kill -0 "$qemu" 2>/dev/null || fail "QEMU has ended before '$1' came."
    sleep 0.5
  done
  fail "'$1' did not come."
}
# Types a line and checks that the answer, up to the next prompt, has these texts.
try() {
  local line=$1
  shift
  printf '%s\r' "$line" >&3
  expect 'primer$ '
  local text
  for text in "$@"; do
    [[ $answer == *"$text"* ]] || fail "The answer to $line lacks '$text'."
  done
  echo "$line: right"
}

expect 'primer$ '
grep -ao 'primer 1.0.*MB' "$work/output" || fail "There is no banner."
try help 'sensitive instructions, executed by the kernel'
try ps '  shell' '  counter'
try mem 'r-- kernel' 'r-x ring 3' 'the monitor' 'frames are free'
try fault 'error code 00000005' 'the kernel and the shell live'
try sensitive 'IF not set, IF not cleared' 'shows ring 1' 'of 20 as in ring 0'
try fork 'I am process 4' 'process 6 has ended with status 2'
try bench 'fork, exit and wait' 'IN from port 0x80'
try ps '  shell' '  counter'
printf 'reboot\r' >&3
expect 'Dom0 shutdown'
echo 'reboot: right'
