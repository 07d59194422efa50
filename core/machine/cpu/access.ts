import { FLAG } from '../../ia32/flags.ts';
import { NO_REGISTER, SS, TR } from '../../ia32/registers.ts';
import { VECTOR } from '../../ia32/vectors.ts';
import * as L from './layout.ts';
import { ATTRIBUTE } from './state.ts';
import { Translation } from './translation.ts';

/**
 * How the processor reaches memory: segment checks, TLB, page walk, then RAM or a device. The fast paths are a table
 * look-up and an access; all else is in the methods whose names end in Slow.
 */
export class Access extends Translation {
  // Linear memory

  /** Reads with the rights of the current privilege level. Sizes 1, 2, 4; the result of size 4 is signed. */
  readLinear(linear: number, size: number): number {
    const { i32 } = this;
    const entry = i32[i32[L.W_READ_TABLE] + (linear >>> 12)];
    if (((linear | entry) & 0xfff) <= 4096 - size && entry !== L.INVALID) {
      const at = (linear + entry) >>> 0;
      if (size === 4) return this.view.getInt32(at, true);
      return size === 1 ? this.u8[at] : this.view.getUint16(at, true);
    }
    return this.readSlow(linear, size, i32[L.W_CPL] === 3);
  }

  writeLinear(linear: number, size: number, value: number): void {
    const { i32 } = this;
    const entry = i32[i32[L.W_WRITE_TABLE] + (linear >>> 12)];
    if (((linear | entry) & 0xfff) <= 4096 - size && (entry & 1) === 0) {
      const at = (linear + entry) >>> 0;
      if (size === 4) this.view.setInt32(at, value, true);
      else if (size === 1) this.u8[at] = value;
      else this.view.setInt16(at, value, true);
      return;
    }
    this.writeSlow(linear, size, value, i32[L.W_CPL] === 3);
  }

  /** Reads with supervisor rights whatever the privilege level: descriptor tables, TSS (SDM volume 3, 4.6.1). */
  readSystem(linear: number, size: number): number {
    return this.readAs(linear, size, false);
  }

  /** Reads with the rights of user or supervisor. */
  readAs(linear: number, size: number, user: boolean): number {
    const entry = this.i32[L.W_TLB + (user ? L.USER_TABLES : 0) + (linear >>> 12)];
    if (((linear | entry) & 0xfff) <= 4096 - size && entry !== L.INVALID) {
      const at = (linear + entry) >>> 0;
      if (size === 4) return this.view.getInt32(at, true);
      return size === 1 ? this.u8[at] : this.view.getUint16(at, true);
    }
    return this.readSlow(linear, size, user);
  }

  writeAs(linear: number, size: number, value: number, user: boolean): void {
    const entry = this.i32[L.W_TLB_WRITE + (user ? L.USER_TABLES : 0) + (linear >>> 12)];
    if (size === 4 && ((linear | entry) & 0xfff) <= 4092) this.view.setInt32((linear + entry) >>> 0, value, true);
    else this.writeSlow(linear, size, value, user);
  }

  writeSystem(linear: number, size: number, value: number): void {
    this.writeSlow(linear, size, value, false);
  }

  #checkAlignment(linear: number, size: number, user: boolean): void {
    if (user && this.i32[L.W_ALIGNMENT] !== 0 && (linear & (size - 1)) !== 0) this.raiseFault(VECTOR.AC, 0);
  }

  readSlow(linear: number, size: number, user: boolean): number {
    this.#checkAlignment(linear, size, user);
    const inPage = 4096 - (linear & 0xfff);
    const first = this.reach(linear, 'read', user);
    if (size <= inPage) {
      if (this.watches.watchesData) this.watches.notice('read', linear, size);
      return this.physical.read(first, size);
    }
    const second = this.reach((linear + inPage) | 0, 'read', user);
    if (this.watches.watchesData) this.watches.notice('read', linear, size);
    let value = 0;
    for (let n = 0; n < size; n++) {
      const byte = n < inPage ? this.physical.read(first + n, 1) : this.physical.read(second + n - inPage, 1);
      value |= byte << (8 * n);
    }
    return value;
  }

  /** Both pages are translated before the first byte is written, so that a fault leaves memory alone. */
  writeSlow(linear: number, size: number, value: number, user: boolean): void {
    this.#checkAlignment(linear, size, user);
    const inPage = 4096 - (linear & 0xfff);
    const first = this.reach(linear, 'write', user);
    if (size <= inPage) {
      if (this.watches.watchesData) this.watches.notice('write', linear, size);
      this.tlb.release(linear, user);
      this.writePhysical(first, size, value);
      return;
    }
    const second = this.reach((linear + inPage) | 0, 'write', user);
    if (this.watches.watchesData) this.watches.notice('write', linear, size);
    for (let n = 0; n < size; n++) {
      this.writePhysical(n < inPage ? first + n : second + n - inPage, 1, (value >>> (8 * n)) & 0xff);
    }
  }

  /** Raises what a write of `size` bytes (1 to 4096) would raise; A and D bits are set as if it was made. */
  probeWriteLinear(linear: number, size: number): void {
    const { i32 } = this;
    const table = i32[L.W_WRITE_TABLE];
    const last = (linear + size - 1) | 0;
    const user = i32[L.W_CPL] === 3;
    if (size <= 4 || size === 8) this.#checkAlignment(linear, size, user);
    if (this.tlb.entry(table + (linear >>> 12)) === L.INVALID) this.translate(linear, 'write', user);
    if ((linear ^ last) & ~0xfff && this.tlb.entry(table + (last >>> 12)) === L.INVALID)
      this.translate(last & ~0xfff, 'write', user);
  }

  /** Raises what a read of `size` bytes would raise. */
  probeReadLinear(linear: number, size: number): void {
    const { i32 } = this;
    const table = i32[L.W_READ_TABLE];
    const last = (linear + size - 1) | 0;
    const user = i32[L.W_CPL] === 3;
    if (this.tlb.entry(table + (linear >>> 12)) === L.INVALID) this.translate(linear, 'read', user);
    if ((linear ^ last) & ~0xfff && this.tlb.entry(table + (last >>> 12)) === L.INVALID)
      this.translate(last & ~0xfff, 'read', user);
  }

  // Segmented memory

  /** Linear address of a read of `size` bytes at segment:offset, after limit and type checks. */
  linearForRead(segment: number, offset: number, size: number): number {
    const at = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
    if ((this.i32[at + L.S_CHECKED] & 1) === 0) return offset;
    return this.#checkSegment(segment, offset, size, false);
  }

  linearForWrite(segment: number, offset: number, size: number): number {
    const at = L.W_SEGMENTS + segment * L.SEGMENT_WORDS;
    if ((this.i32[at + L.S_CHECKED] & 2) === 0) return offset;
    return this.#checkSegment(segment, offset, size, true);
  }

  /** Type and limit checks (SDM volume 3, 5.3 and 5.5): #SS(0) through SS, #GP(0) otherwise. */
  #checkSegment(segment: number, offset: number, size: number, write: boolean): number {
    const vector = segment === SS ? VECTOR.SS : VECTOR.GP;
    const attributes = this.segment(segment, L.S_ATTRIBUTES);
    if ((attributes & ATTRIBUTE.present) === 0) this.raiseFault(vector, 0);
    const isCode = (attributes & ATTRIBUTE.code) !== 0;
    const allowed = write
      ? !isCode && (attributes & ATTRIBUTE.writable) !== 0
      : !isCode || (attributes & ATTRIBUTE.readable) !== 0;
    // In real and virtual-8086 mode CS can be written.
    if (!allowed && this.usesDescriptors) this.raiseFault(vector, 0);
    const limit = this.segment(segment, L.S_LIMIT) >>> 0;
    const first = offset >>> 0;
    const last = first + size - 1;
    if (!isCode && (attributes & ATTRIBUTE.expandDown) !== 0) {
      const upper = (attributes & ATTRIBUTE.big) !== 0 ? 0xffffffff : 0xffff;
      if (first <= limit || last > upper) this.raiseFault(vector, 0);
    } else if (last > limit) {
      this.raiseFault(vector, 0);
    }
    return (this.segment(segment, L.S_BASE) + offset) | 0;
  }

  /** Recomputes what follows from the registers, after a snapshot replaced them: nothing in it is taken on trust. */
  rederive(): void {
    const { i32 } = this;
    i32[NO_REGISTER] = 0;
    i32[L.W_EFLAGS] |= FLAG.ONE;
    i32[L.W_ATTEND] = 0;
    i32[L.W_FLAGS_KIND] = Math.min(Math.max(i32[L.W_FLAGS_KIND], L.LAZY_NONE), L.LAZY_RESULT);
    if (![1, 2, 4].includes(i32[L.W_FLAGS_SIZE])) i32[L.W_FLAGS_SIZE] = 4;
    for (let index = 0; index <= TR; index++) this.deriveSegment(index);
    this.setCpl(i32[L.W_CPL] & 3);
    this.#rederiveVmx();
    this.debug.hits = 0;
    this.updateBreakpoints();
    i32[L.W_ATTEND] = 0;
    this.newEpoch();
  }

  #rederiveVmx(): void {
    const { i32 } = this;
    const isRegion = (word: number) => (i32[word] & 0xfff) === 0 && this.physical.isRam(i32[word] >>> 0);
    const hasVmcs = i32[L.W_VMCS_POINTER] !== L.NO_VMCS && isRegion(L.W_VMCS_POINTER);
    const operation = i32[L.W_VMX_OPERATION];
    const isValid = operation === L.VMX_ROOT || (operation === L.VMX_NON_ROOT && hasVmcs);
    if (!hasVmcs || !isValid) i32[L.W_VMCS_POINTER] = L.NO_VMCS;
    if (!isValid) i32[L.W_VMX_OPERATION] = L.VMX_OFF;
    if (i32[L.W_VMX_OPERATION] === L.VMX_NON_ROOT) return;
    i32.fill(0, L.W_VMX_PIN, L.W_VMX_WATCH + 1);
    if (i32[L.W_PENDING_DEBUG] !== 0) i32[L.W_VMX_WATCH] = L.WATCH_DEBUG;
  }
}
