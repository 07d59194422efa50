import { describe, expect, it } from 'vitest';
import { CR0, CR4, EAX, ECX, EDI, ESI } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { DIRECTORY } from '../../testing/bench.ts';
import { type Code, dword, HLT, load, mov, store, toControl, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import * as L from '../layout.ts';
import { EPT_TABLES, GUEST, GUEST_DATA, VMX, VmxBench } from './testing/vmx-bench.ts';

const CPUID = x('0f a2');
/** Guest-physical beyond RAM that EPT maps to GUEST_DATA, and a linear address for it. */
const HIGH = 0x3ff000;
const READ = 1;
const WRITE = 2;
const FETCH = 4;
const LINEAR = 0x80;
const FINAL = 0x100;

describe.each(MACHINES)('EPT of guests, $engine', machine => {
  const bench = () => new VmxBench(machine).ept();
  /** What the EPT entries allow, as the qualification has it. */
  const allows = (bits: number) => bits << 3;

  /** The violation with its addresses. */
  function violation(b: VmxBench, ...parts: readonly Code[]) {
    const { reason, qualification, eip } = b.exitOf(...parts);
    expect(reason).toBe('eptViolation');
    return [qualification, b.field('guestPhysicalAddress'), b.field('guestLinearAddress'), eip];
  }
  const setEpt = (b: VmxBench, page: number, entry: number) => b.write(b.eptEntry(page), 4, entry);

  it('memory is where EPT says', () => {
    const b = bench();
    setEpt(b, HIGH, GUEST_DATA | 0x37);
    b.write(GUEST_DATA + 0x10, 4, 0x1234);
    b.exitOf(load(HIGH + 0x10), store(HIGH + 0x14), CPUID);
    expect(b.exit().reason).toBe('cpuid');
    expect([b.read(GUEST_DATA + 0x14), b.get(EAX)]).toEqual([0x1234, 0x1234]);
  });

  it('the host’s own translations are not the guest’s', () => {
    const b = bench();
    setEpt(b, GUEST_DATA, (GUEST_DATA + 0x1000) | 0x37);
    b.write(GUEST_DATA, 4, 1);
    b.write(GUEST_DATA + 0x1000, 4, 2);
    b.exitOf(load(GUEST_DATA), CPUID);
    expect(b.get(EAX)).toBe(2);
    expect(b.cpu.reach(GUEST_DATA, 'read', false)).toBe(GUEST_DATA);
  });

  describe('violations', () => {
    it.each<[string, readonly number[], number, number, number]>([
      ['reading what is not there', load(GUEST_DATA + 8), 0, READ, 0],
      ['writing what is not there', store(GUEST_DATA + 8), 0, WRITE, 0],
      ['writing what may be read', store(GUEST_DATA + 8), 0x31, WRITE, 1],
      ['reading what may be executed', load(GUEST_DATA + 8), 0x34, READ, 4],
      ['writing what may be read and executed', store(GUEST_DATA + 8), 0x35, WRITE, 5],
    ])('%s', (_, code, bits, access, allowed) => {
      const b = bench();
      setEpt(b, GUEST_DATA, bits === 0 ? 0 : GUEST_DATA | bits);
      const qualification = access | allows(allowed) | LINEAR | FINAL;
      expect(violation(b, x('90'), code)).toEqual([qualification, GUEST_DATA + 8, GUEST_DATA + 8, GUEST + 1]);
    });

    it('executing what may be read and written', () => {
      const b = bench();
      setEpt(b, GUEST_DATA, GUEST_DATA | 0x33);
      b.bytes(GUEST_DATA, CPUID);
      const expected = [FETCH | allows(3) | LINEAR | FINAL, GUEST_DATA, GUEST_DATA, GUEST_DATA];
      expect(violation(b, [0xe9, ...dword(GUEST_DATA - GUEST - 5)])).toEqual(expected);
    });

    it('execute-only pages can be executed', () => {
      const b = bench();
      setEpt(b, GUEST_DATA, GUEST_DATA | 0x34);
      b.bytes(GUEST_DATA, CPUID);
      expect(b.exitOf([0xe9, ...dword(GUEST_DATA - GUEST - 5)]).reason).toBe('cpuid');
    });

    it('an instruction that crosses into a page that is not there', () => {
      const b = bench();
      setEpt(b, GUEST_DATA, 0);
      b.bytes(GUEST_DATA - 1, [0x0f]);
      expect(violation(b, [0xe9, ...dword(GUEST_DATA - 1 - GUEST - 5)])).toEqual([
        FETCH | LINEAR | FINAL,
        GUEST_DATA,
        GUEST_DATA,
        GUEST_DATA - 1,
      ]);
    });

    it('an access that crosses into a page that is not there writes nothing', () => {
      const b = bench();
      setEpt(b, GUEST_DATA + 0x1000, 0);
      b.write(GUEST_DATA + 0xffc, 4, 0x55555555);
      const exit = violation(b, mov(EAX, -1), store(GUEST_DATA + 0xffe));
      expect(exit).toEqual([WRITE | LINEAR | FINAL, GUEST_DATA + 0x1000, GUEST_DATA + 0x1000, GUEST + 5]);
      expect(b.read(GUEST_DATA + 0xffc)).toBe(0x55555555);
    });

    it('the page directory is not there', () => {
      const b = bench();
      setEpt(b, DIRECTORY, 0);
      expect(violation(b)).toEqual([READ | LINEAR, DIRECTORY, GUEST, GUEST]);
    });

    it('the page table is not there', () => {
      const b = bench();
      const table = b.pte(GUEST_DATA) & ~0xfff;
      setEpt(b, table, 0);
      expect(violation(b)).toEqual([READ | LINEAR, table + (GUEST >> 12) * 4, GUEST, GUEST]);
    });

    it('a page table that may only be read cannot take accessed and dirty flags', () => {
      const b = bench();
      const at = b.pte(GUEST_DATA);
      setEpt(b, at, (at & ~0xfff) | 0x31);
      for (const page of [GUEST, 0x1000, 0x3000, 0xd000]) b.page(page, page | 0x67);
      b.page(GUEST_DATA, GUEST_DATA | 0x27);
      b.guest(load(GUEST_DATA), store(GUEST_DATA));
      // The directory entry is accessed already by the host's own walks or becomes so.
      expect(b.enter().exit()).toMatchObject({ reason: 'eptViolation', eip: GUEST + 5 });
      expect(b.field('exitQualification')).toBe(WRITE | allows(1) | LINEAR);
      expect(b.field('guestPhysicalAddress')).toBe(at);
    });

    it('MOV CR3 to PDPTEs that are not there has no linear address', () => {
      const b = bench();
      const pdpt = 0x50000;
      b.write(pdpt, 4, 0x51001);
      b.write(0x51000, 4, 0xe3);
      b.add('guestCr4', CR4.PAE).fields({ guestCr3: pdpt, guestPdpte0: 0x51001 });
      setEpt(b, GUEST_DATA, 0);
      const { reason, qualification } = b.exitOf(mov(EAX, GUEST_DATA + 0x20), toControl(3));
      expect([reason, qualification]).toEqual(['eptViolation', READ]);
      expect(b.field('guestPhysicalAddress')).toBe(GUEST_DATA + 0x20);
      expect(b.field('guestCr3')).toBe(pdpt);
    });

    it('can be resumed when the page is there', () => {
      const b = bench();
      setEpt(b, GUEST_DATA, 0);
      b.write(GUEST_DATA, 4, 0x77);
      b.exitOf(mov(ECX, 3), load(GUEST_DATA), CPUID);
      setEpt(b, GUEST_DATA, GUEST_DATA | 0x37);
      expect(b.enter(VMX.vmresume).exit()).toMatchObject({ reason: 'cpuid', eip: GUEST + 10 });
      expect([b.get(EAX), b.get(ECX)]).toEqual([0x77, 3]);
    });

    it('in a repeated string instruction leaves what is done done', () => {
      const b = bench();
      setEpt(b, GUEST_DATA + 0x2000, 0);
      const code = [...mov(ESI, GUEST_DATA), ...mov(EDI, GUEST_DATA + 0x1ff8), ...mov(ECX, 8), ...x('f3 a5')];
      expect(violation(b, code)).toEqual([
        WRITE | LINEAR | FINAL,
        GUEST_DATA + 0x2000,
        GUEST_DATA + 0x2000,
        GUEST + 15,
      ]);
      expect([b.get(ECX), b.get(EDI), b.get(ESI)]).toEqual([6, GUEST_DATA + 0x2000, GUEST_DATA + 8]);
    });

    it('come behind the guest’s own page faults', () => {
      const b = bench().fields({ exceptionBitmap: 1 << VECTOR.PF });
      setEpt(b, GUEST_DATA, 0);
      b.page(GUEST_DATA, 0);
      expect(b.exitOf(load(GUEST_DATA)).reason).toBe('exceptionOrNmi');
    });

    it('addresses beyond the tables', () => {
      const b = bench();
      b.page(0x300000, 0xfee00000 | 0x67);
      expect(violation(b, load(0x300020))).toEqual([READ | LINEAR | FINAL, 0xfee00020, 0x300020, GUEST]);
    });
  });

  it('a misconfiguration exits with its address and nothing else', () => {
    const b = bench();
    setEpt(b, GUEST_DATA, GUEST_DATA | 0x32);
    expect(b.exitOf(load(GUEST_DATA + 4))).toEqual({
      reason: 'eptMisconfiguration',
      qualification: 0,
      length: 0,
      eip: GUEST,
    });
    expect(b.field('guestPhysicalAddress')).toBe(GUEST_DATA + 4);
  });

  describe('accessed and dirty flags', () => {
    const ad = () => {
      const b = bench();
      return b.fields({ eptPointer: b.field('eptPointer') | 0x40 });
    };
    const flags = (b: VmxBench, page: number) => (b.read(b.eptEntry(page)) >> 8) & 3;

    it('are set by reading and writing, and not without their bit in the pointer', () => {
      const b = ad();
      b.exitOf(load(GUEST_DATA), store(GUEST_DATA + 0x1000), CPUID);
      expect([flags(b, GUEST), flags(b, GUEST_DATA), flags(b, GUEST_DATA + 0x1000)]).toEqual([1, 1, 3]);
      expect(b.read(EPT_TABLES) & 0x300).toBe(0x100);
      const without = bench();
      without.exitOf(store(GUEST_DATA), CPUID);
      expect(flags(without, GUEST_DATA)).toBe(0);
    });

    it('reading first and writing then sets the dirty flag', () => {
      const b = ad();
      b.exitOf(load(GUEST_DATA), store(GUEST_DATA), CPUID);
      expect(flags(b, GUEST_DATA)).toBe(3);
    });

    it('guest tables count as written', () => {
      const b = ad();
      b.exitOf(CPUID);
      expect(flags(b, DIRECTORY)).toBe(3);
    });

    it('a guest table that may only be read is then a violation of both kinds', () => {
      const b = ad();
      setEpt(b, DIRECTORY, DIRECTORY | 0x31);
      expect(violation(b)).toEqual([READ | WRITE | allows(1) | LINEAR, DIRECTORY, GUEST, GUEST]);
    });
  });

  it('large pages of EPT', () => {
    const b = bench();
    b.write(EPT_TABLES + 0x2000 + 8, 4, 0xb7);
    b.page(0x300000, (0x200000 + GUEST_DATA) | 7);
    b.write(GUEST_DATA, 4, 0x99);
    b.exitOf(load(0x300000), CPUID);
    expect(b.get(EAX)).toBe(0x99);
  });

  it('the guest’s INVLPG and MOV CR3 drop the combined translation', () => {
    const b = bench();
    b.write(GUEST_DATA, 4, 1);
    b.write(GUEST_DATA + 0x1000, 4, 2);
    const pte = b.pte(GUEST_DATA);
    // The stale entry is still used until INVLPG.
    b.exitOf(
      load(GUEST_DATA),
      [0xc7, 0x05, ...dword(pte), ...dword((GUEST_DATA + 0x1000) | 7)],
      load(GUEST_DATA),
      x('89 c6'),
      [0x0f, 0x01, 0x3d, ...dword(GUEST_DATA)],
      load(GUEST_DATA),
      CPUID,
    );
    expect([b.get(ESI), b.get(EAX)]).toEqual([1, 2]);
  });

  describe('unrestricted guest', () => {
    const unrestricted = () => bench().add('secondaryControls', SECONDARY.unrestrictedGuest);

    it('without paging linear addresses are guest-physical', () => {
      const b = unrestricted();
      b.fields({ guestCr0: b.field('guestCr0') & ~CR0.PG });
      setEpt(b, GUEST_DATA, (GUEST_DATA + 0x1000) | 0x37);
      b.write(GUEST_DATA + 0x1000, 4, 0x42);
      b.exitOf(load(GUEST_DATA), CPUID);
      expect(b.get(EAX)).toBe(0x42);
      setEpt(b, GUEST_DATA, 0);
      b.fields({ guestEip: GUEST });
      expect(b.enter(VMX.vmresume).exit().reason).toBe('eptViolation');
      expect(b.field('exitQualification')).toBe(READ | LINEAR | FINAL);
    });

    it('can leave and enter paging and protected mode by itself', () => {
      const b = unrestricted().add('processorControls', PROCESSOR.hltExiting);
      b.fields({ guestCr0: b.field('guestCr0') & ~CR0.PG });
      const code = [...x('0f 20 c0 0d 00 00 00 80 0f 22 c0'), ...load(GUEST_DATA), ...HLT];
      expect(b.exitOf(code).reason).toBe('hlt');
      expect(b.field('guestCr0') >>> 31).toBe(1);
    });

    it('runs in real mode', () => {
      const b = unrestricted();
      b.fields({ guestCr0: 0x30, guestEip: 0, guestCsSelector: GUEST >> 4, guestCsBase: GUEST });
      for (const name of ['Es', 'Cs', 'Ss', 'Ds', 'Fs', 'Gs'] as const) {
        b.fields({ [`guest${name}Limit`]: 0xffff, [`guest${name}AccessRights`]: 0x93 });
      }
      // MOV AX, 3100; MOV DS, AX; MOV [8], AX; CPUID
      const exit = b.exitOf(x('b8 00 31 8e d8 a3 08 00 0f a2'));
      expect(exit).toMatchObject({ reason: 'cpuid', eip: 8 });
      expect([b.field('guestDsSelector'), b.field('guestDsBase')]).toEqual([0x3100, 0x31000]);
      expect(b.read(GUEST_DATA + 8, 2)).toBe(0x3100);
    });
  });

  it('the debugger looks through EPT and leaves it alone', () => {
    const b = bench();
    setEpt(b, HIGH, GUEST_DATA | 0x37);
    b.write(GUEST_DATA, 4, 0xab);
    b.guest(HLT);
    b.enter();
    expect(b.operation).toBe(L.VMX_NON_ROOT);
    const before = b.ram();
    expect(b.cpu.lookUp(HIGH + 4)).toBe(GUEST_DATA + 4);
    expect(b.cpu.peekByte(HIGH)).toBe(0xab);
    setEpt(b, HIGH, 0);
    expect(b.cpu.lookUp(HIGH)).toBe(-1);
    setEpt(b, HIGH, GUEST_DATA | 0x37);
    expect(Buffer.compare(b.ram(), before)).toBe(0);
  });

  it('code that the guest writes through another address is decoded anew', () => {
    const b = bench();
    setEpt(b, HIGH, GUEST | 0x37);
    // A loop of two: MOV ECX, imm is patched the first time around.
    const [, loop] = b.guest(
      x('31 f6'),
      [...mov(ECX, 1), ...x('46 83 fe 02'), ...x('74 09')],
      [...x('c6 05'), ...dword(HIGH + 3), 0x55, ...x('eb ec')],
    );
    expect(loop).toBe(GUEST + 2);
    b.add('processorControls', PROCESSOR.hltExiting);
    expect(b.enter().exit().reason).toBe('hlt');
    expect(b.get(ECX)).toBe(0x55);
  });
});
