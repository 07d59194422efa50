import { describe, expect, it } from 'vitest';
import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CR4, EAX, EDX } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { ENTRY_CONTROL, EXIT_CONTROL, PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import { ACTIVITY, BLOCKING } from '../../../ia32/vmx/exits.ts';
import type { FieldName } from '../../../ia32/vmx/fields.ts';
import { mov, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import * as L from '../layout.ts';
import { BITMAPS, GUEST, HOST_STACK, MSR_LISTS, OTHER_VMCS, VMX, VmxBench } from './testing/vmx-bench.ts';
import { REVISION } from './vmcs.ts';

type Values = Partial<Readonly<Record<FieldName, number>>>;

const CPUID = x('0f a2');
const VALID = 0x80000000;
const HARDWARE = 0x300;

describe.each(MACHINES)('VM entry, $engine', machine => {
  const bench = () => {
    const b = new VmxBench(machine);
    b.guest(CPUID);
    return b;
  };

  it('the bench’s own state is valid, also with EPT, PAE and as an unrestricted guest', () => {
    expect(bench().enter().outcome()).toBe('exit cpuid');
    expect(bench().ept().enter().outcome()).toBe('exit cpuid');
    expect(bench().ept().add('secondaryControls', SECONDARY.unrestrictedGuest).enter().outcome()).toBe('exit cpuid');
  });

  // Controls (26.2.1)

  describe('controls that are not valid: error 7', () => {
    it.each<[string, (b: VmxBench) => void]>([
      ['five CR3 targets', b => b.fields({ cr3TargetCount: 5 })],
      ['I/O bitmap A not aligned', b => b.add('processorControls', PROCESSOR.ioBitmaps).fields({ ioBitmapA: 0x800 })],
      ['I/O bitmap B not aligned', b => b.add('processorControls', PROCESSOR.ioBitmaps).fields({ ioBitmapB: 1 })],
      ['I/O bitmap A beyond 32 bits', b => b.add('processorControls', PROCESSOR.ioBitmaps).set32(0x2001, 1)],
      ['MSR bitmaps not aligned', b => b.add('processorControls', PROCESSOR.msrBitmaps).fields({ msrBitmaps: 0x10 })],
      ['MSR bitmaps beyond 32 bits', b => b.add('processorControls', PROCESSOR.msrBitmaps).set32(0x2005, 1)],
      ['VPID 0', b => secondary(b, SECONDARY.vpid)],
      ['unrestricted guest without EPT', b => secondary(b, SECONDARY.unrestrictedGuest)],
      ['EPT pointer: a reserved memory type', b => b.ept().fields({ eptPointer: 0x70000 | 0x1a })],
      ['EPT pointer: three levels', b => b.ept().fields({ eptPointer: 0x70000 | 0x16 })],
      ['EPT pointer: reserved bits', b => b.ept().fields({ eptPointer: 0x70000 | 0x9e })],
      ['EPT pointer beyond 32 bits', b => b.ept().set32(0x201b, 1)],
      ['saving a timer that does not run', b => b.add('exitControls', EXIT_CONTROL.savePreemptionTimer)],
      ...(['exitMsrStore', 'exitMsrLoad', 'entryMsrLoad'] as const).flatMap(list => [
        [`${list} not aligned`, (b: VmxBench) => msrList(b, list, MSR_LISTS + 8, 1)] as [string, (b: VmxBench) => void],
        [`${list} over 4 GB`, (b: VmxBench) => msrList(b, list, 0xfffffff0, 2)] as [string, (b: VmxBench) => void],
      ]),
      ['event of type 1', b => inject(b, 0x100)],
      ['event with reserved bits', b => inject(b, 0x1020)],
      ['NMI with another vector than 2', b => inject(b, 0x203)],
      ['hardware exception 32', b => inject(b, HARDWARE | 32)],
      ['other event with a vector', b => inject(b, 0x701)],
      ['error code for #UD', b => inject(b, HARDWARE | 0x800 | VECTOR.UD)],
      ['no error code for #GP', b => inject(b, HARDWARE | VECTOR.GP)],
      ['error code for an interrupt', b => inject(b, 0x820)],
      [
        'error code with bit 15',
        b => inject(b, HARDWARE | 0x800 | VECTOR.GP).fields({ entryExceptionErrorCode: 0x8000 }),
      ],
      ['software interrupt of length 0', b => inject(b, 0x480)],
      ['software exception of length 16', b => inject(b, 0x603).fields({ entryInstructionLength: 16 })],
      ['privileged software exception of length 0', b => inject(b, 0x501)],
    ])('%s', (_, spoil) => {
      const b = bench();
      spoil(b);
      expect(b.enter().outcome()).toBe('error 7');
      expect(b.cpu.i32[L.W_VMX_OPERATION]).toBe(L.VMX_ROOT);
    });

    it('what does not count is not checked', () => {
      const b = bench().fields({ ioBitmapA: 1, msrBitmaps: 1, eptPointer: 1, vpid: 0, exitMsrLoadAddress: 1 });
      b.fields({ entryInterruptionInformation: 0x7fffffff, secondaryControls: -1 });
      expect(b.enter().outcome()).toBe('exit cpuid');
    });
  });

  // Host state (26.2.2 to 26.2.4)

  describe('host state that is not valid: error 8', () => {
    it.each<[string, (b: VmxBench) => void]>([
      ['CR0 without PE', b => clear(b, 'hostCr0', CR0.PE)],
      ['CR0 without NE', b => clear(b, 'hostCr0', CR0.NE)],
      ['CR0 without PG', b => clear(b, 'hostCr0', CR0.PG)],
      ['CR4 without VMXE', b => clear(b, 'hostCr4', CR4.VMXE)],
      ['CR4 with a bit that is not there', b => b.add('hostCr4', 0x800)],
      ['PAT with a reserved type', b => b.add('exitControls', EXIT_CONTROL.loadPat).fields({ hostPat: 0x200 })],
      ['EFER with LME', b => b.add('exitControls', EXIT_CONTROL.loadEfer).fields({ hostEfer: 0x100 })],
      ...(['Es', 'Cs', 'Ss', 'Ds', 'Fs', 'Gs', 'Tr'] as const).flatMap(name => [
        [`RPL in ${name}`, (b: VmxBench) => void b.add(`host${name}Selector`, 1)] as [string, (b: VmxBench) => void],
        [`TI in ${name}`, (b: VmxBench) => void b.add(`host${name}Selector`, 4)] as [string, (b: VmxBench) => void],
      ]),
      ['CS null', b => b.fields({ hostCsSelector: 0 })],
      ['SS null', b => b.fields({ hostSsSelector: 0 })],
      ['TR null', b => b.fields({ hostTrSelector: 0 })],
    ])('%s', (_, spoil) => {
      const b = bench();
      spoil(b);
      expect(b.enter().outcome()).toBe('error 8');
    });

    it('data segments may be null, and are then not usable', () => {
      const b = bench().fields({ hostDsSelector: 0, hostFsSelector: 0 });
      expect(b.enter().outcome()).toBe('exit cpuid');
      expect([b.cpu.segment(3, L.S_ATTRIBUTES), b.cpu.segment(0, L.S_ATTRIBUTES)]).toEqual([0, 0xc093]);
    });
  });

  // Guest state (26.3.1)

  describe('guest state that is not valid: exit 33', () => {
    const v86 = (b: VmxBench) => {
      for (const name of ['Es', 'Cs', 'Ss', 'Ds', 'Fs', 'Gs'] as const) {
        b.fields({ [`guest${name}Selector`]: 0x3000, [`guest${name}Base`]: 0x30000 });
        b.fields({ [`guest${name}Limit`]: 0xffff, [`guest${name}AccessRights`]: 0xf3 });
      }
      return b.add('guestEflags', FLAG.VM).fields({ guestEip: 0 });
    };
    const unrestricted = (b: VmxBench) => b.ept().add('secondaryControls', SECONDARY.unrestrictedGuest);

    it('CS counts as usable whatever its access rights say (26.3.1.2 and 26.3.2.2)', () => {
      const b = bench().add('guestCsAccessRights', 0x10000);
      expect(b.enter().outcome()).toBe('exit cpuid');
      expect(b.field('guestCsAccessRights') & 0x10080).toBe(0x80);
    });

    it('virtual-8086 mode is valid as that mode has it', () => {
      expect(v86(bench()).enter().outcome()).toBe('exit cpuid');
    });

    it.each<[string, (b: VmxBench) => void]>([
      ['CR0 without PE', b => clear(b, 'guestCr0', CR0.PE)],
      ['CR0 without PG', b => clear(b, 'guestCr0', CR0.PG)],
      ['CR0 without NE', b => clear(b, 'guestCr0', CR0.NE)],
      ['unrestricted: CR0 without NE', b => clear(unrestricted(b), 'guestCr0', CR0.NE)],
      ['unrestricted: PG without PE', b => clear(unrestricted(b), 'guestCr0', CR0.PE)],
      ['CR4 without VMXE', b => clear(b, 'guestCr4', CR4.VMXE)],
      ['CR4 with a bit that is not there', b => b.add('guestCr4', 0x800)],
      ['IA32_DEBUGCTL', b => b.add('entryControls', ENTRY_CONTROL.loadDebugControls).fields({ guestDebugControl: 1 })],
      ['PAT', b => b.add('entryControls', ENTRY_CONTROL.loadPat).fields({ guestPat: 3 })],
      ['EFER', b => b.add('entryControls', ENTRY_CONTROL.loadEfer).fields({ guestEfer: 1 })],
      ['TR in the LDT', b => b.add('guestTrSelector', 4)],
      ['TR not usable', b => b.add('guestTrAccessRights', 0x10000)],
      ['TR available', b => b.fields({ guestTrAccessRights: 0x89 })],
      ['TR not present', b => b.fields({ guestTrAccessRights: 0x0b })],
      ['TR a segment', b => b.fields({ guestTrAccessRights: 0x9b })],
      ['TR with reserved bits', b => b.fields({ guestTrAccessRights: 0x18b })],
      ['TR with a granularity that cannot be', b => b.fields({ guestTrAccessRights: 0x808b })],
      ['LDTR of another type', b => b.fields({ guestLdtrAccessRights: 0x83 })],
      ['LDTR in the LDT', b => b.fields({ guestLdtrAccessRights: 0x82, guestLdtrSelector: 4 })],
      ['LDTR too long without granularity', b => b.fields({ guestLdtrAccessRights: 0x82, guestLdtrLimit: 0x100000 })],
      ['RPL of SS is not that of CS', b => b.fields({ guestSsSelector: 0x13 })],
      ['CS not accessed', b => b.fields({ guestCsAccessRights: 0xc09a })],
      ['CS data', b => b.fields({ guestCsAccessRights: 0xc093 })],
      ['CS not present', b => b.fields({ guestCsAccessRights: 0xc01b })],
      ['CS a system segment', b => b.fields({ guestCsAccessRights: 0xc08b })],
      ['CS with another DPL than SS', b => b.fields({ guestCsAccessRights: 0xc0bb })],
      ['conforming CS with a DPL above that of SS', b => b.fields({ guestCsAccessRights: 0xc0bf })],
      ['CS with reserved bits', b => b.add('guestCsAccessRights', 0x100)],
      ['CS with bit 17', b => b.add('guestCsAccessRights', 0x20000)],
      ['CS of 4 GB without granularity', b => b.fields({ guestCsAccessRights: 0x409b })],
      ['SS code', b => b.fields({ guestSsAccessRights: 0xc09b })],
      ['SS not writable', b => b.fields({ guestSsAccessRights: 0xc091 })],
      ['SS not present', b => b.fields({ guestSsAccessRights: 0xc013 })],
      ['DPL of SS is not its RPL', b => b.fields({ guestSsAccessRights: 0xc0f3 })],
      ['DS not accessed', b => b.fields({ guestDsAccessRights: 0xc092 })],
      ['ES code that cannot be read', b => b.fields({ guestEsAccessRights: 0xc099 })],
      ['FS with a DPL below its RPL', b => b.fields({ guestFsSelector: 0x13 })],
      ['GS a system segment', b => b.fields({ guestGsAccessRights: 0xc083 })],
      ['DS with a limit that granularity cannot say', b => b.fields({ guestDsLimit: 0xffff0 })],
      ['GDTR with a limit above FFFF', b => b.fields({ guestGdtrLimit: 0x10000 })],
      ['IDTR with a limit above FFFF', b => b.fields({ guestIdtrLimit: 0x10000 })],
      ['EFLAGS without bit 1', b => b.fields({ guestEflags: 0 })],
      ...([3, 5, 15, 22, 31] as const).map(
        bit =>
          [`EFLAGS with bit ${bit}`, (b: VmxBench) => void b.add('guestEflags', 1 << bit)] as [
            string,
            (b: VmxBench) => void,
          ],
      ),
      ['v86: a base that is not 16 selectors', b => v86(b).fields({ guestDsBase: 0x30010 })],
      ['v86: a limit that is not FFFF', b => v86(b).fields({ guestGsLimit: 0xfffff })],
      ['v86: rights that are not F3', b => v86(b).fields({ guestCsAccessRights: 0xfb })],
      ['an interrupt while IF is clear', b => inject(b, 0x30)],
      ['an activity state that is not there', b => b.fields({ guestActivity: ACTIVITY.waitForSipi })],
      ['an activity state above', b => b.fields({ guestActivity: 4 })],
      ['HLT at CPL 3', b => cpl3(b).fields({ guestActivity: ACTIVITY.hlt })],
      [
        'HLT behind STI',
        b => b.add('guestEflags', FLAG.IF).fields({ guestActivity: ACTIVITY.hlt, guestInterruptibility: BLOCKING.sti }),
      ],
      ['HLT with an exception', b => inject(b, HARDWARE | VECTOR.UD).fields({ guestActivity: ACTIVITY.hlt })],
      [
        'shutdown with an interrupt',
        b => inject(b, 0x30).add('guestEflags', FLAG.IF).fields({ guestActivity: ACTIVITY.shutdown }),
      ],
      ['reserved interruptibility', b => b.fields({ guestInterruptibility: 32 })],
      ['blocking by SMI', b => b.fields({ guestInterruptibility: BLOCKING.smi })],
      ['STI and MOV SS', b => b.add('guestEflags', FLAG.IF).fields({ guestInterruptibility: 3 })],
      ['STI without IF', b => b.fields({ guestInterruptibility: BLOCKING.sti })],
      [
        'an interrupt behind STI',
        b => inject(b, 0x30).add('guestEflags', FLAG.IF).fields({ guestInterruptibility: BLOCKING.sti }),
      ],
      ['an NMI behind MOV SS', b => inject(b, 0x202).fields({ guestInterruptibility: BLOCKING.movSs })],
      ['reserved pending debug exceptions', b => b.fields({ guestPendingDebugExceptions: 1 << 13 })],
      [
        'BS behind MOV SS without TF',
        b => b.fields({ guestInterruptibility: BLOCKING.movSs, guestPendingDebugExceptions: 1 << 14 }),
      ],
      [
        'no BS behind MOV SS with TF',
        b => b.add('guestEflags', FLAG.TF).fields({ guestInterruptibility: BLOCKING.movSs }),
      ],
    ])('%s', (_, spoil) => {
      const b = bench();
      spoil(b);
      const before = b.ram();
      b.enter();
      expect(b.exit()).toMatchObject({ reason: 'entryInvalidGuestState, entry failed', qualification: 0 });
      expect(b.get(4)).toBe(HOST_STACK);
      expect(b.ram().slice(GUEST, GUEST + 4)).toEqual(before.slice(GUEST, GUEST + 4));
    });

    it.each<[string, (b: VmxBench) => void, number]>([
      ['a link pointer that is not aligned', b => link(b, OTHER_VMCS + 8, 0), 4],
      ['a link pointer beyond 32 bits', b => link(b, OTHER_VMCS, 1), 4],
      ['a link pointer to no VMCS', b => link(b, OTHER_VMCS, 0), 4],
      ['PDPTEs of the VMCS', b => pae(b.ept()).fields({ guestPdpte2: 3 }), 2],
      ['PDPTEs of the VMCS with a high word', b => void pae(b.ept()).set32(0x280b, 1), 2],
      [
        'PDPTEs in memory',
        b => {
          pae(b);
          b.write(PDPT + 8, 4, 0x1e7);
        },
        2,
      ],
    ])('%s, with its qualification', (_, spoil, qualification) => {
      const b = bench();
      spoil(b);
      b.enter();
      expect(b.exit()).toMatchObject({ reason: 'entryInvalidGuestState, entry failed', qualification });
    });

    it('a link pointer to a VMCS is valid', () => {
      const b = bench();
      b.write(OTHER_VMCS, 4, REVISION);
      link(b, OTHER_VMCS, 0);
      expect(b.enter().outcome()).toBe('exit cpuid');
    });

    it('a failed entry leaves the guest state and the event alone', () => {
      const b = inject(bench(), 0x30).fields({ guestEip: 0x1234, guestActivity: 0, exitInstructionLength: 9 });
      b.enter();
      expect([b.field('guestEip'), b.field('entryInterruptionInformation')]).toEqual([0x1234, VALID + 0x30]);
      expect(b.field('exitInstructionLength')).toBe(9);
    });
  });

  // Loading and saving

  it('loads and saves the whole guest state', () => {
    const b = bench().ept();
    b.add('entryControls', ENTRY_CONTROL.loadPat | ENTRY_CONTROL.loadEfer | ENTRY_CONTROL.loadDebugControls);
    b.add('exitControls', EXIT_CONTROL.savePat | EXIT_CONTROL.saveEfer | EXIT_CONTROL.saveDebugControls);
    const values: Values = {
      guestCr0: b.field('guestCr0') + CR0.MP,
      guestCr4: b.field('guestCr4') | CR4.PSE,
      guestDr7: 0x700,
      guestPat: 0x01040506,
      guestEfer: 0x800,
      guestSysenterCs: 0x11,
      guestSysenterEsp: 0x2222,
      guestSysenterEip: 0x3333,
      guestEsp: 0x4444,
      guestEflags: 0xcd7,
      guestGdtrBase: 0x5555,
      guestGdtrLimit: 0x66,
      guestIdtrBase: 0x7777,
      guestIdtrLimit: 0x88,
      guestFsBase: 0x9999,
      guestGsLimit: 0xaaa,
      guestGsAccessRights: 0x4093,
      guestLdtrSelector: 0x18,
      guestLdtrBase: 0xbbbb,
      guestLdtrLimit: 0xcc,
      guestLdtrAccessRights: 0x82,
      guestEsAccessRights: 0x10000,
    };
    b.fields(values);
    expect(b.enter().outcome()).toBe('exit cpuid');
    for (const name of Object.keys(values) as FieldName[]) expect([name, b.field(name)]).toEqual([name, values[name]]);
  });

  it('without their controls debug registers, PAT and EFER are kept', () => {
    const b = bench().fields({ guestDr7: 0x700, guestPat: 0x01040506, guestEfer: 0x800 });
    const before = [b.msr(0x277), b.msr(0xc0000080)];
    b.enter();
    expect([b.msr(0x277), b.msr(0xc0000080)]).toEqual(before);
    expect([b.field('guestDr7'), b.field('guestPat')]).toEqual([0x700, 0x01040506]);
  });

  it('CR0.CD and CR0.NW are left as they are', () => {
    const b = bench().add('guestCr0', CR0.CD | CR0.NW);
    b.enter();
    expect(b.field('guestCr0') & (CR0.CD | CR0.NW)).toBe(0);
  });

  it('PAE paging: PDPTEs come from the VMCS with EPT, and go back there', () => {
    const b = pae(bench().ept());
    const pdptes = () => ([0, 1, 2, 3] as const).map(n => b.field(`guestPdpte${n}`));
    const before = pdptes();
    for (let n = 0; n < 4; n++) b.write(PDPT + 8 * n, 4, 0);
    expect(b.enter().outcome()).toBe('exit cpuid');
    expect(pdptes()).toEqual(before);
  });

  it('PAE paging of the host: its PDPTEs are loaded by the exit', () => {
    const b = bench();
    const tables = PDPT;
    b.write(tables, 4, 0x51000 | 1);
    // 2 MB pages at identical addresses.
    b.write(0x51000, 4, 0xe3);
    b.fields({ hostCr3: tables }).add('hostCr4', CR4.PAE);
    expect(b.enter().outcome()).toBe('exit cpuid');
    expect(b.cpu.pdpte(0)).toBe(0x51001);
    b.write(tables + 8, 4, 0x1e7);
    b.fields({ guestEip: GUEST });
    expect(() => b.enter(VMX.vmresume)).toThrow('VMX abort 2');
  });

  describe('MSR areas', () => {
    const entry = (b: VmxBench, n: number, index: number, low: number, high = 0, reserved = 0) => {
      [index, reserved, low, high].forEach((word, at) => {
        b.write(MSR_LISTS + 16 * n + 4 * at, 4, word);
      });
    };

    it('are loaded by the entry', () => {
      const b = bench().add('processorControls', PROCESSOR.msrBitmaps).fields({ msrBitmaps: BITMAPS });
      entry(b, 0, 0x277, 0x01040506, 0x06050401);
      b.fields({ entryMsrLoadAddress: MSR_LISTS, entryMsrLoadCount: 1 });
      b.guest(mov(1, 0x277), x('0f 32'), x('0f 01 c1'));
      expect(b.enter().outcome()).toBe('exit vmcall');
      expect([b.get(EAX), b.get(EDX)]).toEqual([0x01040506, 0x06050401]);
    });

    it.each<[string, (b: VmxBench) => void]>([
      ['a register that is not there', b => entry(b, 1, 0x12345, 0)],
      ['a value that is not allowed', b => entry(b, 1, 0x277, 2)],
      ['a reserved word', b => entry(b, 1, 0x277, 0, 0, 1)],
      ['FS base', b => entry(b, 1, 0xc0000100, 0)],
      ['an x2APIC register', b => entry(b, 1, 0x800, 0)],
    ])('an entry that cannot be loaded is exit 34 with its number: %s', (_, spoil) => {
      const b = bench().fields({ entryMsrLoadAddress: MSR_LISTS, entryMsrLoadCount: 2 });
      entry(b, 0, 0x174, 1);
      spoil(b);
      b.enter();
      expect(b.exit()).toMatchObject({ reason: 'entryMsrLoading, entry failed', qualification: 2 });
    });

    it('are stored and loaded by the exit', () => {
      const b = bench();
      entry(b, 0, 0x175, 0);
      entry(b, 1, 0x277, 0, 0);
      b.fields({ guestSysenterEsp: 0x1111, hostSysenterEsp: 0x2222 });
      b.fields({ exitMsrStoreAddress: MSR_LISTS, exitMsrStoreCount: 1 });
      b.fields({ exitMsrLoadAddress: MSR_LISTS + 16, exitMsrLoadCount: 1 });
      b.enter();
      expect(b.exit().reason).toBe('cpuid');
      expect(b.read(MSR_LISTS + 8)).toBe(0x1111);
      expect(b.msr(0x277)).toEqual([0, 0]);
      expect(b.msr(0x175)).toEqual([0x2222, 0]);
    });

    it('one that cannot be stored is a VMX abort', () => {
      const b = bench().fields({ exitMsrStoreAddress: MSR_LISTS, exitMsrStoreCount: 1 });
      entry(b, 0, 0x12345, 0);
      expect(() => b.enter()).toThrow('VMX abort 1');
    });
  });

  it('a VMCS keeps its guest while another one is current', () => {
    const b = bench();
    b.write(OTHER_VMCS, 4, REVISION);
    for (let n = 4; n < 4096; n += 4) b.write(OTHER_VMCS + n, 4, b.read(b.cpu.i32[L.W_VMCS_POINTER] + n));
    b.guest(CPUID, x('0f 01 c1'));
    expect(b.enter().outcome()).toBe('exit cpuid');
    const first = b.cpu.i32[L.W_VMCS_POINTER];
    b.cpu.i32[L.W_VMCS_POINTER] = OTHER_VMCS;
    b.fields({ guestEip: GUEST + 2 });
    expect(b.enter().outcome()).toBe('exit vmcall');
    b.cpu.i32[L.W_VMCS_POINTER] = first;
    b.fields({ guestEip: GUEST + 2 });
    expect(b.enter(VMX.vmresume).outcome()).toBe('exit vmcall');
  });
});

function secondary(b: VmxBench, bits: number): VmxBench {
  return b.add('processorControls', PROCESSOR.secondaryControls).add('secondaryControls', bits);
}

function clear(b: VmxBench, name: FieldName, bits: number): VmxBench {
  return b.fields({ [name]: b.field(name) & ~bits });
}

function inject(b: VmxBench, information: number): VmxBench {
  return b.fields({ entryInterruptionInformation: VALID | information });
}

function msrList(b: VmxBench, list: 'exitMsrStore' | 'exitMsrLoad' | 'entryMsrLoad', address: number, count: number) {
  b.fields({ [`${list}Address`]: address, [`${list}Count`]: count });
}

function link(b: VmxBench, low: number, high: number): void {
  b.fields({ vmcsLinkPointer: low });
  b.set32(0x2801, high);
}

function cpl3(b: VmxBench): VmxBench {
  return b.fields({
    guestCsSelector: 0x1b,
    guestCsAccessRights: 0xc0fb,
    guestSsSelector: 0x23,
    guestSsAccessRights: 0xc0f3,
  });
}

/** Where the PDPTEs of a guest with PAE paging lie, and its page directories. */
const PDPT = 0x50000;

/** The guest with PAE paging, the first 2 MB at their own addresses. */
function pae(b: VmxBench): VmxBench {
  for (const n of [0, 1, 2, 3] as const) {
    const low = (PDPT + 0x1000 * (n + 1)) | 1;
    b.write(PDPT + 8 * n, 4, low);
    b.fields({ [`guestPdpte${n}`]: low });
  }
  b.write(PDPT + 0x1000, 4, 0xe3);
  return b.add('guestCr4', CR4.PAE).fields({ guestCr3: PDPT });
}
