import { describe, expect, it } from 'vitest';
import { FLAG } from '../../../ia32/flags.ts';
import { CR0, CR4, EAX, EBX, ECX, EDI, EDX, ESI } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { PROCESSOR, SECONDARY } from '../../../ia32/vmx/controls.ts';
import type { FieldName } from '../../../ia32/vmx/fields.ts';
import { CODE_SELECTOR, DATA_SELECTOR, TSS } from '../../testing/bench.ts';
import { type Code, HLT, int, jmpFar, mov, toControl, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import { GATE, gate } from '../../testing/tables.ts';
import * as L from '../layout.ts';
import { BITMAPS, GUEST, GUEST_DATA, VMX, VmxBench } from './testing/vmx-bench.ts';

/** At GUEST + 1, behind a NOP. */
const AT = GUEST + 1;
const NOP = x('90');

describe.each(MACHINES)('exits of instructions, $engine', machine => {
  const bench = () => new VmxBench(machine);

  /** The guest's segments of CPL 3. */
  function ring3(b: VmxBench): VmxBench {
    const data = { guestEsSelector: 0, guestSsSelector: 0, guestDsSelector: 0, guestFsSelector: 0, guestGsSelector: 0 };
    for (const name of Object.keys(data) as FieldName[]) b.fields({ [name]: DATA_SELECTOR[3] });
    for (const name of ['Es', 'Ss', 'Ds', 'Fs', 'Gs'] as const) b.fields({ [`guest${name}AccessRights`]: 0xc0f3 });
    return b.fields({ guestCsSelector: CODE_SELECTOR[3], guestCsAccessRights: 0xc0fb });
  }

  /** Runs to the guest's HLT, which exits: what it came to without an exit before. */
  function passes(b: VmxBench, ...parts: readonly Code[]): VmxBench {
    b.add('processorControls', PROCESSOR.hltExiting);
    const exit = b.exitOf(...parts);
    expect(exit).toMatchObject({ reason: 'hlt' });
    return b;
  }

  it.each<[string, Code, string]>([
    ['CPUID', x('0f a2'), 'cpuid'],
    ['INVD', x('0f 08'), 'invd'],
    ['VMCALL', VMX.vmcall, 'vmcall'],
    ['VMLAUNCH', VMX.vmlaunch, 'vmlaunch'],
    ['VMRESUME', VMX.vmresume, 'vmresume'],
    ['VMXOFF', VMX.vmxoff, 'vmxoff'],
    ['VMCLEAR', VMX.vmclear, 'vmclear'],
    ['VMPTRLD', VMX.vmptrld, 'vmptrld'],
    ['VMPTRST', VMX.vmptrst, 'vmptrst'],
    ['VMXON', VMX.vmxon, 'vmxon'],
    ['VMREAD', VMX.vmread, 'vmread'],
    ['VMWRITE', VMX.vmwrite, 'vmwrite'],
    ['INVEPT', VMX.invept, 'invept'],
    ['INVVPID', VMX.invvpid, 'invvpid'],
  ])('%s exits always, with its length', (_, code, reason) => {
    expect(bench().exitOf(NOP, code)).toEqual({ reason, qualification: 0, length: code.length, eip: AT });
  });

  it.each(Object.entries(VMX))('%s exits before the check of CPL', (name, code) => {
    expect(ring3(bench()).exitOf(code)).toMatchObject({ reason: name });
  });

  it('CPUID exits at CPL 3, INVD raises #GP there', () => {
    expect(ring3(bench()).exitOf(x('0f a2')).reason).toBe('cpuid');
    const b = ring3(bench()).fields({ exceptionBitmap: 1 << VECTOR.GP });
    expect(b.exitOf(x('0f 08')).reason).toBe('exceptionOrNmi');
  });

  it.each<[string, Code, number, string, number]>([
    ['HLT', HLT, PROCESSOR.hltExiting, 'hlt', 0],
    ['INVLPG', x('0f 01 3d 45 23 01 00'), PROCESSOR.invlpgExiting, 'invlpg', 0x12345],
    ['RDPMC', x('0f 33'), PROCESSOR.rdpmcExiting, 'rdpmc', 0],
    ['RDTSC', x('0f 31'), PROCESSOR.rdtscExiting, 'rdtsc', 0],
    ['PAUSE', x('f3 90'), PROCESSOR.pauseExiting, 'pause', 0],
    ['MOV CR3, EDX', x('0f 22 da'), PROCESSOR.cr3LoadExiting, 'controlRegisterAccess', 0x203],
    ['MOV EBX, CR3', x('0f 20 db'), PROCESSOR.cr3StoreExiting, 'controlRegisterAccess', 0x313],
    ['MOV DR7, ECX', x('0f 23 f9'), PROCESSOR.movDebugExiting, 'movDebug', 0x107],
    ['MOV ESI, DR4', x('0f 21 e6'), PROCESSOR.movDebugExiting, 'movDebug', 0x614],
    ['IN AL, DX', x('ec'), PROCESSOR.unconditionalIoExiting, 'ioInstruction', 0x12340008],
  ])('%s exits by its control', (_, code, control, reason, qualification) => {
    const b = bench().add('processorControls', control);
    expect(b.exitOf(mov(EDX, 0x1234), NOP, code)).toEqual({
      reason,
      qualification,
      length: code.length,
      eip: GUEST + 6,
    });
  });

  it.each<[string, Code]>([
    ['INVLPG', x('0f 01 3d 45 23 01 00')],
    ['RDTSC', x('0f 31')],
    ['PAUSE', x('f3 90')],
    ['MOV EBX, CR3 and back', x('0f 20 db 0f 22 db')],
    ['MOV ESI, DR6', x('0f 21 f6')],
    ['IN AL, DX', x('ec')],
    ['WBINVD', x('0f 09')],
    ['SGDT', x('0f 01 05 00 10 03 00')],
    ['SLDT', x('0f 00 c0')],
    ['CLTS', x('0f 06')],
    ['SMSW EAX', x('0f 01 e0')],
  ])('%s does not exit without its control', (_, code) => {
    passes(bench(), code);
  });

  it('RDPMC without its control raises #GP: there are no counters', () => {
    const b = bench().fields({ exceptionBitmap: 1 << VECTOR.GP });
    expect(b.exitOf(x('0f 33')).reason).toBe('exceptionOrNmi');
  });

  it('RDTSC that CR4.TSD keeps from CPL 3 raises #GP and does not exit', () => {
    const b = ring3(bench()).add('processorControls', PROCESSOR.rdtscExiting).add('guestCr4', CR4.TSD);
    b.fields({ exceptionBitmap: 1 << VECTOR.GP });
    expect(b.exitOf(x('0f 31')).reason).toBe('exceptionOrNmi');
  });

  it('MOV DR exits before the checks of CPL and of CR4.DE', () => {
    const b = ring3(bench()).add('processorControls', PROCESSOR.movDebugExiting).add('guestCr4', CR4.DE);
    expect(b.exitOf(x('0f 21 e6')).reason).toBe('movDebug');
  });

  it('a NOP is not a PAUSE', () => {
    passes(bench().add('processorControls', PROCESSOR.pauseExiting), NOP, x('66 90'));
  });

  it('HLT without its control halts the guest', () => {
    const b = bench();
    b.guest(HLT);
    b.enter();
    expect([b.cpu.halted, b.operation, b.cpu.i32[L.W_EIP]]).toEqual([true, L.VMX_NON_ROOT, GUEST + 1]);
  });

  it('WBINVD exits by a secondary control', () => {
    const b = bench().add('processorControls', PROCESSOR.secondaryControls);
    b.add('secondaryControls', SECONDARY.wbinvdExiting);
    expect(b.exitOf(x('0f 09'))).toEqual({ reason: 'wbinvd', qualification: 0, length: 2, eip: GUEST });
  });

  it('secondary controls count only when they are switched on', () => {
    passes(bench().fields({ secondaryControls: SECONDARY.wbinvdExiting }), x('0f 09'));
  });

  describe('time', () => {
    it('TSC offsetting adds 64 bits', () => {
      const b = bench().add('processorControls', PROCESSOR.tscOffsetting).fields({ tscOffset: -1 });
      b.cpu.timeStamp = () => 0x500000000 + 7;
      b.set32(0x2011, 0x10);
      passes(b, x('0f 31'));
      expect([b.get(EAX), b.get(EDX)]).toEqual([6, 0x16]);
    });
    it('the offset also shows in RDMSR, and not without its control', () => {
      const b = bench().add('processorControls', PROCESSOR.tscOffsetting | PROCESSOR.msrBitmaps);
      b.fields({ tscOffset: 0x100, msrBitmaps: BITMAPS });
      b.cpu.timeStamp = () => 7;
      passes(b, mov(ECX, 0x10), x('0f 32'));
      expect([b.get(EAX), b.get(EDX)]).toEqual([0x107, 0]);
      const without = bench().fields({ tscOffset: 0x100 });
      without.cpu.timeStamp = () => 7;
      passes(without, x('0f 31'));
      expect(without.get(EAX)).toBe(7);
    });
  });

  describe('control registers', () => {
    const owned = (mask: number, shadow: number) => bench().fields({ cr0Mask: mask, cr0Shadow: shadow });

    it('bits of the monitor read as in the shadow', () => {
      const b = owned(CR0.TS | CR0.WP, CR0.TS);
      passes(b, x('0f 20 c0'));
      expect(b.get(EAX) & (CR0.TS | CR0.WP | CR0.PE)).toBe(CR0.TS | CR0.PE);
      const four = bench().fields({ cr4Mask: CR4.VMXE, cr4Shadow: 0 });
      passes(four, x('0f 20 e0'));
      expect(four.get(EAX) & CR4.VMXE).toBe(0);
    });

    it('SMSW reads the shadow without an exit', () => {
      const b = owned(CR0.TS, CR0.TS);
      passes(b, x('0f 01 e0'));
      expect(b.get(EAX) & 8).toBe(8);
    });

    it('writing what the shadow has does not exit and leaves the real bit', () => {
      const b = owned(CR0.TS | CR0.WP, CR0.TS);
      passes(b, x('0f 20 c0'), x('0d 02 00 00 00'), x('0f 22 c0'));
      expect(b.field('guestCr0') & (CR0.TS | CR0.WP | CR0.MP)).toBe(CR0.WP | CR0.MP);
    });

    it('writing another value exits, before anything is written', () => {
      const b = owned(CR0.TS, 0);
      expect(b.exitOf(x('0f 20 c6'), x('83 ce 0a'), x('0f 22 c6'))).toEqual({
        reason: 'controlRegisterAccess',
        qualification: 0x600,
        length: 3,
        eip: GUEST + 6,
      });
      expect(b.field('guestCr0') & (CR0.TS | CR0.MP)).toBe(0);
    });

    it('CR4 exits likewise', () => {
      const b = bench().fields({ cr4Mask: CR4.PAE, cr4Shadow: 0 });
      expect(b.exitOf(x('0f 20 e0'), x('83 c8 20'), toControl(4))).toMatchObject({
        reason: 'controlRegisterAccess',
        qualification: 4,
      });
    });

    it('a guest cannot clear what VMX operation fixes, where the bit is its own', () => {
      const b = bench().fields({ exceptionBitmap: 1 << VECTOR.GP });
      expect(b.exitOf(x('0f 20 c0'), x('83 e0 df'), toControl(0)).reason).toBe('exceptionOrNmi');
    });

    it('CR3 targets are loaded without an exit', () => {
      const b = bench().add('processorControls', PROCESSOR.cr3LoadExiting);
      const cr3 = b.field('guestCr3');
      b.fields({ cr3TargetCount: 2, cr3Target0: 1, cr3Target1: cr3, cr3Target2: 0x5000 });
      passes(b, mov(EAX, cr3), toControl(3));
      b.guest(mov(EAX, 0x5000), toControl(3));
      b.fields({ guestEip: GUEST });
      expect(b.enter(VMX.vmresume).exit()).toMatchObject({ reason: 'controlRegisterAccess', qualification: 3 });
    });

    it.each<[string, number, number, boolean]>([
      ['the monitor has TS, and it shows', CR0.TS, CR0.TS, true],
      ['the monitor has TS, and it does not show', CR0.TS, 0, false],
      ['TS is the guest’s', 0, CR0.TS, false],
    ])('CLTS: %s', (_, mask, shadow, exits) => {
      const b = owned(mask, shadow).add('guestCr0', CR0.TS);
      b.add('processorControls', PROCESSOR.hltExiting);
      const exit = b.exitOf(x('0f 06'));
      if (exits) expect(exit).toEqual({ reason: 'controlRegisterAccess', qualification: 0x20, length: 2, eip: GUEST });
      else expect(exit.reason).toBe('hlt');
      expect(b.field('guestCr0') & CR0.TS).toBe(mask === 0 ? 0 : CR0.TS);
    });

    it.each<[string, number, number, number, boolean]>([
      ['sets TS against the shadow', CR0.TS, 0, 9, true],
      ['sets TS as the shadow', CR0.TS, CR0.TS, 9, false],
      ['never clears PE', CR0.PE, CR0.PE, 0, false],
      ['sets PE against the shadow', CR0.PE, 0, 1, true],
    ])('LMSW %s', (_, mask, shadow, value, exits) => {
      const b = owned(mask, shadow).add('processorControls', PROCESSOR.hltExiting);
      const exit = b.exitOf(mov(EAX, value), x('0f 01 f0'));
      expect(exit.reason).toBe(exits ? 'controlRegisterAccess' : 'hlt');
      if (exits) expect(exit).toMatchObject({ qualification: (0x30 | (value << 16)) >>> 0, length: 3 });
    });

    it('LMSW from memory tells its address', () => {
      const b = owned(CR0.TS, 0);
      b.write(GUEST_DATA, 4, 0xfff9);
      expect(b.exitOf(x('0f 01 35 00 10 03 00'))).toMatchObject({ qualification: 0xfff90070 });
      expect(b.field('guestLinearAddress')).toBe(GUEST_DATA);
    });
  });

  describe('ports', () => {
    const all = () => bench().add('processorControls', PROCESSOR.unconditionalIoExiting);
    it.each<[string, Code, number]>([
      ['IN AL, 12', x('e4 12'), 0x00120048],
      ['IN EAX, 12', x('e5 12'), 0x0012004b],
      ['OUT 80, AL', x('e6 80'), 0x00800040],
      ['OUT DX, AX', x('66 ef'), 0x12340001],
      ['OUT DX, EAX', x('ef'), 0x12340003],
      ['IN AX, DX', x('66 ed'), 0x12340009],
      ['INSB', x('6c'), 0x12340018],
      ['REP INSD', x('f3 6d'), 0x1234003b],
      ['OUTSB', x('6e'), 0x12340010],
      ['REP OUTSW', x('f3 66 6f'), 0x12340031],
    ])('%s', (_, code, qualification) => {
      const b = all();
      const exit = b.exitOf(mov(EDX, 0xffff1234), mov(ECX, 3), mov(ESI, GUEST_DATA), mov(EDI, GUEST_DATA + 8), code);
      expect(exit).toEqual({ reason: 'ioInstruction', qualification, length: code.length, eip: GUEST + 20 });
      expect(b.get(ECX)).toBe(3);
      expect(b.portLog).toEqual([]);
    });

    it('string instructions tell the address, its size and the segment', () => {
      const b = all();
      b.exitOf(mov(ESI, GUEST_DATA), x('64 6e'));
      expect(b.field('guestLinearAddress')).toBe(GUEST_DATA);
      expect(b.field('exitInstructionInformation')).toBe((1 << 7) | (4 << 15));
      const other = all();
      other.exitOf(mov(EDI, 0xabcd1000), x('67 6c'));
      expect(other.field('guestLinearAddress')).toBe(0x1000);
      expect(other.field('exitInstructionInformation')).toBe(0);
    });

    it('a repeated one with count 0 accesses no port', () => {
      passes(all(), mov(ECX, 0), x('f3 6c'));
    });

    it('the permission map is checked first', () => {
      const b = ring3(all()).fields({ exceptionBitmap: 1 << VECTOR.GP });
      expect(b.exitOf(x('ec')).reason).toBe('exceptionOrNmi');
    });

    it.each<[string, Code, number, boolean]>([
      ['a port that is set', x('ec'), 0x1234, true],
      ['a port that is not', x('ec'), 0x1233, false],
      ['two ports of which the second is set', x('66 ed'), 0x1233, true],
      ['four ports of which none is set', x('ed'), 0x1230, false],
      ['a port of the second bitmap', x('ec'), 0x9000, true],
      ['one beside it', x('ec'), 0x9001, false],
      ['ports that wrap around', x('66 ed'), 0xffff, true],
    ])('bitmaps: %s', (_, code, port, exits) => {
      const b = bench().add('processorControls', PROCESSOR.ioBitmaps | PROCESSOR.unconditionalIoExiting);
      b.add('processorControls', PROCESSOR.hltExiting).fields({ ioBitmapA: BITMAPS, ioBitmapB: BITMAPS + 0x1000 });
      b.write(BITMAPS + (0x1234 >> 3), 1, 1 << (0x1234 & 7));
      b.write(BITMAPS + 0x1000 + (0x1000 >> 3), 1, 1);
      expect(b.exitOf(mov(EDX, port), code).reason).toBe(exits ? 'ioInstruction' : 'hlt');
    });
  });

  describe('model-specific registers', () => {
    const RDMSR = x('0f 32');
    const WRMSR = x('0f 30');
    it('all exit without bitmaps, also those that are not there', () => {
      expect(bench().exitOf(mov(ECX, 0x12345), RDMSR)).toEqual({
        reason: 'rdmsr',
        qualification: 0,
        length: 2,
        eip: GUEST + 5,
      });
      expect(bench().exitOf(mov(ECX, 0x174), WRMSR).reason).toBe('wrmsr');
    });
    it.each<[string, Code, number, number]>([
      ['reading a low one', RDMSR, 0x174, 0x174 >> 3],
      ['reading a high one', RDMSR, 0xc0000080, 1024 + (0x80 >> 3)],
      ['writing a low one', WRMSR, 0x174, 2048 + (0x174 >> 3)],
      ['writing a high one', WRMSR, 0xc0000080, 3072 + (0x80 >> 3)],
    ])('bitmaps: %s', (_, code, number, at) => {
      for (const exits of [false, true]) {
        const b = bench().add('processorControls', PROCESSOR.msrBitmaps | PROCESSOR.hltExiting);
        b.fields({ msrBitmaps: BITMAPS });
        for (let n = 0; n < 4096; n += 4) b.write(BITMAPS + n, 4, exits ? 0 : -1);
        const bit = 1 << (number & 7);
        b.write(BITMAPS + at, 1, exits ? bit : 0xff & ~bit);
        const reason = code === RDMSR ? 'rdmsr' : 'wrmsr';
        expect(b.exitOf(mov(EAX, 0), mov(EDX, 0), mov(ECX, number), code).reason).toBe(exits ? reason : 'hlt');
      }
    });
    it.each([0x2000, 0xbfffffff, 0xc0002000, 0xffffffff])('bitmaps: %i is in none and exits', number => {
      const b = bench().add('processorControls', PROCESSOR.msrBitmaps).fields({ msrBitmaps: BITMAPS });
      expect(b.exitOf(mov(ECX, number), RDMSR).reason).toBe('rdmsr');
    });
    it('at CPL 3 they raise #GP', () => {
      const b = ring3(bench()).fields({ exceptionBitmap: 1 << VECTOR.GP });
      expect(b.exitOf(RDMSR).reason).toBe('exceptionOrNmi');
    });
  });

  describe('descriptor tables and instruction information', () => {
    const tables = () => {
      const b = bench().add('processorControls', PROCESSOR.secondaryControls);
      return b.add('secondaryControls', SECONDARY.descriptorTableExiting);
    };
    const REGISTER = 1 << 10;
    const ABSENT = (1 << 22) | (1 << 27);
    const A32 = 1 << 7;
    const ds = 3 << 15;
    it.each<[string, Code, string, number, number]>([
      ['SGDT [31000]', x('0f 01 05 00 10 03 00'), 'gdtrIdtrAccess', 0x31000, ABSENT | A32 | ds | (1 << 11)],
      ['SIDT [EAX+8]', x('0f 01 48 08'), 'gdtrIdtrAccess', 8, A32 | ds | (1 << 22) | (1 << 11) | (1 << 28)],
      [
        'LGDT [EBX+ESI*4-4]',
        x('0f 01 54 b3 fc'),
        'gdtrIdtrAccess',
        0xfffffffc,
        2 | A32 | ds | (6 << 18) | (3 << 23) | (1 << 11) | (2 << 28),
      ],
      [
        'o16 LIDT FS:[EBP]',
        x('66 64 0f 01 5d 00'),
        'gdtrIdtrAccess',
        0,
        A32 | (4 << 15) | (1 << 22) | (5 << 23) | (3 << 28),
      ],
      [
        'a16 SGDT [BX+SI+1234]',
        x('67 0f 01 80 34 12'),
        'gdtrIdtrAccess',
        0x1234,
        ds | (6 << 18) | (3 << 23) | (1 << 11),
      ],
      ['SLDT EDX', x('0f 00 c2'), 'ldtrTrAccess', 0, REGISTER | (2 << 3)],
      ['STR [EAX]', x('0f 00 08'), 'ldtrTrAccess', 0, A32 | ds | (1 << 22) | (1 << 28)],
      ['LLDT DI', x('0f 00 d7'), 'ldtrTrAccess', 0, REGISTER | (7 << 3) | (2 << 28)],
      ['LTR [ECX]', x('0f 00 19'), 'ldtrTrAccess', 0, A32 | ds | (1 << 22) | (1 << 23) | (3 << 28)],
    ])('%s', (_, code, reason, qualification, information) => {
      const b = tables();
      expect(b.exitOf(code)).toEqual({ reason, qualification, length: code.length, eip: GUEST });
      expect(b.field('exitInstructionInformation')).toBe(information >>> 0);
    });

    it.each<[string, Code, number, number]>([
      ['VMREAD [EAX+8], EDI', x('0f 78 78 08'), 8, A32 | ds | (1 << 22) | (7 << 28)],
      ['VMREAD EDX, ESI', x('0f 78 f2'), 0, REGISTER | (2 << 3) | (6 << 28)],
      ['VMWRITE EDX, ESI', x('0f 79 d6'), 0, REGISTER | (6 << 3) | (2 << 28)],
      ['VMWRITE EBX, [ESP]', x('0f 79 1c 24'), 0, A32 | (2 << 15) | (1 << 22) | (4 << 23) | (3 << 28)],
      ['VMCLEAR [ECX]', x('66 0f c7 31'), 0, A32 | ds | (1 << 22) | (1 << 23)],
      ['VMPTRLD GS:[EDX*8+4]', x('65 0f c7 34 d5 04 00 00 00'), 4, 3 | A32 | (5 << 15) | (2 << 18) | (1 << 27)],
      ['INVEPT ECX, [EAX]', x('66 0f 38 80 08'), 0, A32 | ds | (1 << 22) | (1 << 28)],
      ['INVVPID EDI, [EAX]', x('66 0f 38 81 38'), 0, A32 | ds | (1 << 22) | (7 << 28)],
    ])('%s', (_, code, qualification, information) => {
      const b = bench();
      expect(b.exitOf(code).qualification).toBe(qualification);
      expect(b.field('exitInstructionInformation')).toBe(information >>> 0);
    });

    it('at CPL 3 SGDT exits, LGDT raises #GP', () => {
      expect(ring3(tables()).exitOf(x('0f 01 00')).reason).toBe('gdtrIdtrAccess');
      const b = ring3(tables()).fields({ exceptionBitmap: 1 << VECTOR.GP });
      expect(b.exitOf(x('0f 01 10')).reason).toBe('exceptionOrNmi');
    });
  });

  describe('task switches', () => {
    it('by a task gate in the IDT', () => {
      const b = bench();
      b.gate(0x40, gate(GATE.task, 0x58, 0));
      b.descriptor(0x58, [0x30000067, 0x8900]);
      expect(b.exitOf(int(0x40))).toEqual({
        reason: 'taskSwitch',
        qualification: 0xc0000058,
        length: 2,
        eip: GUEST,
      });
      expect(b.field('idtVectoringInformation')).toBe(0x80000440);
    });
    it('by a far jump and a far call to a TSS, and by IRET', () => {
      const far = bench();
      far.descriptor(0x58, [0x30000067, 0x8900]);
      expect(far.exitOf(jmpFar(0x58, 0))).toMatchObject({ reason: 'taskSwitch', qualification: 0x80000058, length: 7 });
      const call = bench();
      call.descriptor(0x58, [0x30000067, 0x8900]);
      expect(call.exitOf(x('9a 00 00 00 00 58 00'))).toMatchObject({ reason: 'taskSwitch', qualification: 0x58 });
      const back = bench().add('guestEflags', FLAG.NT);
      back.descriptor(0x60, [0x30000067, 0x8b00]);
      back.write(TSS, 2, 0x60);
      expect(back.exitOf(x('cf'))).toMatchObject({ reason: 'taskSwitch', qualification: 0x40000060, length: 1 });
    });
  });

  it('the monitor reads what the guest left in general registers', () => {
    const b = bench();
    b.exitOf(mov(EAX, 0x11), mov(EBX, 0x22), mov(ESI, 0x33), x('0f a2'));
    expect([b.get(EAX), b.get(EBX), b.get(ESI)]).toEqual([0x11, 0x22, 0x33]);
  });
});
