import { describe, expect, it } from 'vitest';
import { FLAG } from '../../../ia32/flags.ts';
import { EAX, ECX, EDI, ESI, ESP } from '../../../ia32/registers.ts';
import { VECTOR } from '../../../ia32/vectors.ts';
import { ENTRY_CONTROL, EXIT_CONTROL, PIN, PROCESSOR } from '../../../ia32/vmx/controls.ts';
import { ACTIVITY, BLOCKING } from '../../../ia32/vmx/exits.ts';
import { CODE_SELECTOR, IDT } from '../../testing/bench.ts';
import { type Code, HLT, int, load, mov, STI, toSegment, x } from '../../testing/code.ts';
import { MACHINES } from '../../testing/machines.ts';
import { GATE, gate } from '../../testing/tables.ts';
import * as L from '../layout.ts';
import { GUEST, GUEST_STACK, VMCS, VMX, VmxBench } from './testing/vmx-bench.ts';
import { REGION } from './vmcs.ts';

const NOP = x('90');
const CPUID = x('0f a2');
/** A page that is not there. */
const FAR = 0x00500000;
const VALID = 0x80000000;
const HARDWARE = 3 << 8;
const CODE_VALID = 1 << 11;

describe.each(MACHINES)('events of guests, $engine', machine => {
  const bench = () => new VmxBench(machine);
  const wanting = (...vectors: readonly number[]) =>
    bench().fields({ exceptionBitmap: vectors.reduce((bits, vector) => bits | (1 << vector), 0) });

  /** The interruption and vectoring fields of the exit. */
  const interruption = (b: VmxBench) => [
    b.field('exitInterruptionInformation'),
    b.field('exitInterruptionErrorCode'),
    b.field('idtVectoringInformation'),
    b.field('idtVectoringErrorCode'),
  ];

  describe('exceptions', () => {
    it.each<[string, Code, number, number | null]>([
      ['#UD', x('0f 0b'), VECTOR.UD, null],
      ['#DE', x('31 c9 f7 f1'), VECTOR.DE, null],
      ['#GP with a selector', [...mov(EAX, 0x1234), ...toSegment(0)], VECTOR.GP, 0x1234],
      ['#NP', [...mov(EAX, 0x58), ...toSegment(0)], VECTOR.NP, 0x58],
      ['#BR', x('62 05 00 10 03 00'), VECTOR.BR, null],
    ])('%s exits by the bitmap, before it', (_, code, vector, error) => {
      const b = wanting(vector);
      b.descriptor(0x58, [0xffff, 0xcf1300]);
      b.write(0x31000, 4, 1);
      b.set(EAX, 0);
      const exit = b.exitOf(code);
      expect(exit).toMatchObject({ reason: 'exceptionOrNmi', qualification: 0, length: 0 });
      const info = VALID + HARDWARE + vector + (error === null ? 0 : CODE_VALID);
      expect(interruption(b)).toEqual([info, error ?? 0, 0, 0]);
      // A fault: RF set, the instruction to be run again.
      expect(b.field('guestEflags') & FLAG.RF).toBe(FLAG.RF);
    });

    it('others go through the guest’s IDT', () => {
      const b = wanting(VECTOR.GP);
      b.guest(x('0f 0b'));
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.UD) + 1);
      expect(b.operation).toBe(L.VMX_NON_ROOT);
    });

    it('a page fault tells its address and does not change CR2', () => {
      const b = wanting(VECTOR.PF);
      b.cpu.i32[L.W_CR2] = 0x77;
      expect(b.exitOf(NOP, load(FAR + 5))).toEqual({
        reason: 'exceptionOrNmi',
        qualification: FAR + 5,
        length: 0,
        eip: GUEST + 1,
      });
      expect(interruption(b)).toEqual([VALID + HARDWARE + CODE_VALID + VECTOR.PF, 0, 0, 0]);
      expect(b.cpu.i32[L.W_CR2]).toBe(0x77);
    });

    it.each<[string, number, number, number, boolean]>([
      ['the code matches, the bit is set', 1, 2, 2, true],
      ['the code does not match, the bit is set', 1, 2, 0, false],
      ['the code matches, the bit is clear', 0, 2, 2, false],
      ['the code does not match, the bit is clear', 0, 2, 0, true],
      ['nothing can match, the bit is set', 1, 0, 1, false],
    ])('page faults, mask and match: %s', (_, bit, mask, match, exits) => {
      const b = bench().fields({
        exceptionBitmap: bit << VECTOR.PF,
        pageFaultErrorCodeMask: mask,
        pageFaultErrorCodeMatch: match,
      });
      // A write: error code 2.
      b.guest([0xa3, 0, 0, 0x50, 0]);
      b.enter();
      expect(b.operation).toBe(exits ? L.VMX_ROOT : L.VMX_NON_ROOT);
      if (!exits) expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.PF) + 1);
    });

    it.each<[string, Code, number, number]>([
      ['INT3', x('cc'), VECTOR.BP, 6],
      ['INTO', x('b0 7f 04 01 ce'), VECTOR.OF, 6],
      ['INT1', x('f1'), VECTOR.DB, 5],
    ])('%s exits as a software exception with its length', (_, code, vector, type) => {
      const b = wanting(vector);
      expect(b.exitOf(code)).toMatchObject({ reason: 'exceptionOrNmi', length: 1, eip: GUEST + code.length - 1 });
      expect(interruption(b)).toEqual([VALID + (type << 8) + vector, 0, 0, 0]);
    });

    it('INT n does not, whatever its vector', () => {
      const b = wanting(VECTOR.BP, VECTOR.UD, VECTOR.NMI);
      b.guest(int(6));
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(6) + 1);
      expect(b.operation).toBe(L.VMX_NON_ROOT);
    });

    it('in real mode there are no error codes', () => {
      const b = realMode(wanting(VECTOR.GP));
      // MOV EAX, [FFFF]: beyond the limit
      expect(b.exitOf(x('66 a1 ff ff')).reason).toBe('exceptionOrNmi');
      expect(interruption(b)).toEqual([VALID + HARDWARE + VECTOR.GP, 0, 0, 0]);
    });

    it('the single-step trap exits with its condition and leaves DR6', () => {
      const b = wanting(VECTOR.DB).add('guestEflags', FLAG.TF);
      const dr6 = b.cpu.i32[L.W_DR + 6];
      expect(b.exitOf(NOP, NOP)).toMatchObject({ reason: 'exceptionOrNmi', qualification: 1 << 14, eip: GUEST + 1 });
      expect(b.cpu.i32[L.W_DR + 6]).toBe(dr6);
    });

    it('DR7.GD exits with its condition and stays', () => {
      const b = wanting(VECTOR.DB)
        .add('entryControls', 4)
        .add('guestDr7', 1 << 13)
        .add('exitControls', 4);
      expect(b.exitOf(x('0f 21 f0'))).toMatchObject({ reason: 'exceptionOrNmi', qualification: 1 << 13, eip: GUEST });
      expect(b.field('guestDr7')).toBe(0x2400);
    });
  });

  describe('during delivery', () => {
    it('an exception while another one is delivered is looked up before it makes a double fault', () => {
      const b = wanting(VECTOR.NP);
      // The handler of #GP is not present.
      b.gate(VECTOR.GP, [0, 0x0e00]);
      const exit = b.exitOf(mov(EAX, 0x1234), toSegment(0));
      expect(exit).toMatchObject({ reason: 'exceptionOrNmi', eip: GUEST + 5 });
      expect(interruption(b)).toEqual([
        VALID + HARDWARE + CODE_VALID + VECTOR.NP,
        VECTOR.GP * 8 + 3,
        VALID + HARDWARE + CODE_VALID + VECTOR.GP,
        0x1234,
      ]);
    });

    it('a double fault that exits is no exit during delivery', () => {
      const b = wanting(VECTOR.DF);
      b.gate(VECTOR.GP, [0, 0x0e00]);
      b.exitOf(mov(EAX, 0x1234), toSegment(0));
      expect(interruption(b)).toEqual([VALID + HARDWARE + CODE_VALID + VECTOR.DF, 0, 0, 0]);
    });

    it('a triple fault exits', () => {
      const b = bench().fields({ guestIdtrLimit: 0 });
      expect(b.exitOf(NOP, x('0f 0b'))).toEqual({ reason: 'tripleFault', qualification: 0, length: 0, eip: GUEST + 1 });
      expect(interruption(b)).toEqual([0, 0, 0, 0]);
    });

    it('an exception while INT n is delivered has it and its length', () => {
      const b = wanting(VECTOR.GP).fields({ guestIdtrLimit: 0x1ff });
      expect(b.exitOf(NOP, int(0x80))).toEqual({
        reason: 'exceptionOrNmi',
        qualification: 0,
        length: 2,
        eip: GUEST + 1,
      });
      expect(interruption(b)).toEqual([VALID + HARDWARE + CODE_VALID + VECTOR.GP, 0x402, VALID + 0x480, 0]);
    });

    it('the IDT not mapped by EPT: an EPT violation that names the event', () => {
      const b = bench().ept();
      b.write(b.eptEntry(IDT), 4, 0);
      expect(b.exitOf(NOP, x('0f 0b'))).toMatchObject({ reason: 'eptViolation', qualification: 0x181, eip: GUEST + 1 });
      expect(interruption(b)).toEqual([0, 0, VALID + HARDWARE + VECTOR.UD, 0]);
      expect(b.field('guestPhysicalAddress')).toBe(IDT + 8 * VECTOR.UD);
    });

    it.each<[string, Code, number, number]>([
      ['#UD', x('0f 0b'), VECTOR.UD, FLAG.RF],
      ['INT 40', int(0x40), 0x40, 0],
      ['INT3', x('cc'), VECTOR.BP, 0],
    ])(
      '%s through a task gate or an IDT that is not mapped: RF is saved as it would be pushed (27.3.3)',
      (_, code, vector, rf) => {
        const task = bench();
        task.gate(vector, [0x580000, 0x8500]);
        task.descriptor(0x58, [0x30000067, 0x8900]);
        expect(task.exitOf(code).reason).toBe('taskSwitch');
        expect(task.field('guestEflags') & FLAG.RF).toBe(rf);
        const b = bench().ept();
        b.write(b.eptEntry(IDT), 4, 0);
        expect(b.exitOf(code).reason).toBe('eptViolation');
        expect(b.field('guestEflags') & FLAG.RF).toBe(rf);
      },
    );

    it('the exit that comes after a delivery has nothing of it', () => {
      const b = bench();
      b.gate(0x40, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST + 0x100));
      b.bytes(GUEST + 0x100, CPUID);
      expect(b.exitOf(int(0x40)).reason).toBe('cpuid');
      expect(interruption(b)).toEqual([0, 0, 0, 0]);
    });
  });

  describe('external interrupts', () => {
    const exiting = () => bench().add('pinControls', PIN.externalInterruptExiting);

    it('exit whatever IF says, and stay pending', () => {
      const b = exiting();
      b.raise(0x31);
      expect(b.exitOf(NOP)).toEqual({ reason: 'externalInterrupt', qualification: 0, length: 0, eip: GUEST });
      expect(interruption(b)).toEqual([0, 0, 0, 0]);
      expect(b.cpu.interrupts?.pending()).toBe(true);
    });

    it('are acknowledged by an exit control, with their vector', () => {
      const b = exiting().add('exitControls', EXIT_CONTROL.acknowledgeInterrupt);
      b.raise(0x31);
      b.exitOf(NOP);
      expect(interruption(b)).toEqual([VALID + 0x31, 0, 0, 0]);
      expect(b.cpu.interrupts?.pending()).toBe(false);
    });

    it('end a halt, which the activity state tells', () => {
      const b = exiting();
      b.guest(HLT);
      b.enter();
      expect(b.cpu.halted).toBe(true);
      b.raise(0x31);
      b.cpu.run(10, false);
      expect(b.exit()).toMatchObject({ reason: 'externalInterrupt', eip: GUEST + 1 });
      expect(b.field('guestActivity')).toBe(ACTIVITY.hlt);
    });

    it('wait behind MOV SS', () => {
      const b = exiting().fields({ guestInterruptibility: BLOCKING.movSs });
      b.raise(0x31);
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'externalInterrupt', eip: GUEST + 1 });
    });

    it('without the control they go to the guest when IF allows it', () => {
      const b = bench();
      b.raise(0x31);
      b.guest(NOP, STI, NOP, NOP);
      b.enter();
      expect(b.operation).toBe(L.VMX_NON_ROOT);
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(0x31) + 1);
      expect(b.linear(b.get(ESP))).toBe(GUEST + 3);
    });
  });

  describe('NMIs', () => {
    const halted = (b: VmxBench) => {
      b.guest(HLT);
      b.enter();
      b.cpu.raiseNmi();
      b.cpu.run(10, false);
      return b;
    };

    it('exit by the control, whatever IF says, and block further ones behind the exit (27.5.5)', () => {
      const b = halted(bench().add('pinControls', PIN.nmiExiting));
      expect(b.exit()).toMatchObject({ reason: 'exceptionOrNmi', qualification: 0, eip: GUEST + 1 });
      expect(interruption(b)).toEqual([VALID + (2 << 8) + VECTOR.NMI, 0, 0, 0]);
      expect(b.field('guestActivity')).toBe(ACTIVITY.hlt);
      expect(b.field('guestInterruptibility')).toBe(0);
      b.cpu.raiseNmi();
      expect(b.cpu.hasNmi).toBe(false);
    });

    it('without the control go to the guest, which is told of in the interruptibility state', () => {
      const b = bench();
      b.gate(VECTOR.NMI, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST + 0x100));
      b.bytes(GUEST + 0x100, CPUID);
      halted(b);
      expect(b.exit()).toMatchObject({ reason: 'cpuid', eip: GUEST + 0x100 });
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.nmi);
    });
  });

  describe('interrupt window', () => {
    const window = () => bench().add('processorControls', PROCESSOR.interruptWindowExiting);
    it('exits at once where interrupts can be taken', () => {
      expect(window().add('guestEflags', FLAG.IF).exitOf(NOP)).toMatchObject({ reason: 'interruptWindow', eip: GUEST });
    });
    it('exits behind the instruction after STI', () => {
      expect(window().exitOf(NOP, STI, NOP, NOP)).toMatchObject({ reason: 'interruptWindow', eip: GUEST + 3 });
    });
    it('waits for POPF', () => {
      expect(window().exitOf(NOP, x('68 02 02 00 00 9d'), NOP)).toMatchObject({
        reason: 'interruptWindow',
        eip: GUEST + 7,
      });
    });
    it('ends a halt', () => {
      const b = window().add('guestEflags', FLAG.IF).fields({ guestActivity: ACTIVITY.hlt });
      expect(b.exitOf(NOP).reason).toBe('interruptWindow');
      expect(b.field('guestActivity')).toBe(ACTIVITY.hlt);
    });
    it('comes before an interrupt', () => {
      const b = window().add('guestEflags', FLAG.IF).add('pinControls', PIN.externalInterruptExiting);
      b.raise(0x31);
      expect(b.exitOf(NOP).reason).toBe('interruptWindow');
    });
  });

  describe('injection', () => {
    const inject = (b: VmxBench, information: number, length = 0, code = 0) =>
      b.fields({
        entryInterruptionInformation: VALID | information,
        entryInstructionLength: length,
        entryExceptionErrorCode: code,
      });
    /** EIP, CS, EFLAGS that the delivery pushed. */
    const frame = (b: VmxBench, skip = 0) => [0, 4, 8].map(at => b.linear(b.get(ESP) + skip + at));

    it('an external interrupt: the guest begins in the handler, which returns to its EIP', () => {
      const b = inject(bench().add('guestEflags', FLAG.IF), 0x35);
      b.guest(CPUID);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(0x35) + 1);
      expect(frame(b)).toEqual([GUEST, CODE_SELECTOR[0], 0x202]);
      b.cpu.i32[L.W_HALTED] = 0;
      b.cpu.run(10, true);
      expect(b.exit()).toMatchObject({ reason: 'cpuid', eip: GUEST });
    });

    it('the valid bit is cleared by the exit', () => {
      const b = inject(bench(), HARDWARE | VECTOR.UD);
      b.gate(VECTOR.UD, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST));
      expect(b.exitOf(CPUID).reason).toBe('cpuid');
      expect(b.field('entryInterruptionInformation')).toBe(HARDWARE | VECTOR.UD);
    });

    it('an exception with its error code', () => {
      const b = inject(bench(), HARDWARE | CODE_VALID | VECTOR.GP, 0, 0x1238);
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.GP) + 1);
      expect(b.linear(b.get(ESP))).toBe(0x1238);
      expect(frame(b, 4)[0]).toBe(GUEST);
    });

    it('a page fault does not change CR2', () => {
      const b = inject(bench(), HARDWARE | CODE_VALID | VECTOR.PF, 0, 2);
      b.cpu.i32[L.W_CR2] = 0x1234;
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.PF) + 1);
      expect(b.cpu.i32[L.W_CR2]).toBe(0x1234);
    });

    it.each<[string, number, number]>([
      ['a software interrupt', 4, 0x80],
      ['a software exception', 6, VECTOR.BP],
      ['INT1', 5, VECTOR.DB],
    ])('%s returns behind its instruction', (_, type, vector) => {
      const b = inject(bench(), (type << 8) | vector, 2);
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(vector) + 1);
      expect(frame(b)[0]).toBe(GUEST + 2);
    });

    it('a software interrupt is checked against the gate’s DPL, INT1 is not', () => {
      for (const [type, vector, reached] of [
        [4, 0x80, VECTOR.GP],
        [6, VECTOR.BP, VECTOR.GP],
        [5, VECTOR.DB, VECTOR.DB],
      ] as const) {
        const b = inject(bench(), (type << 8) | vector, 1);
        b.fields({ guestCsSelector: CODE_SELECTOR[3], guestCsAccessRights: 0xc0fb });
        b.fields({ guestSsSelector: 0x23, guestSsAccessRights: 0xc0f3 });
        b.guest(NOP);
        b.enter();
        expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(reached) + 1);
      }
    });

    it('an exit on the way has it as the event that was delivered, with EIP and length', () => {
      const b = inject(wanting(VECTOR.GP).fields({ guestIdtrLimit: 0x1ff }), 0x480, 2);
      expect(b.exitOf(NOP)).toEqual({ reason: 'exceptionOrNmi', qualification: 0, length: 2, eip: GUEST });
      expect(interruption(b)).toEqual([VALID + HARDWARE + CODE_VALID + VECTOR.GP, 0x402, VALID + 0x480, 0]);
    });

    it.each([0, FLAG.RF])('a fault pushes RF as the guest state has it: %i', rf => {
      const b = inject(bench().add('guestEflags', rf), HARDWARE | VECTOR.UD);
      b.guest(NOP);
      b.enter();
      expect(b.read(b.get(ESP) + 8, 4) & FLAG.RF).toBe(rf);
    });

    it.each<[string, number, number, number]>([
      ['#NP while #GP is injected is #DF', CODE_VALID | VECTOR.GP, VECTOR.GP, VECTOR.DF],
      ['#NP while #UD is injected is #NP', VECTOR.UD, VECTOR.UD, VECTOR.NP],
      ['#NP while #PF is injected is #DF', CODE_VALID | VECTOR.PF, VECTOR.PF, VECTOR.DF],
    ])('%s', (_, information, absent, reached) => {
      const b = inject(bench(), HARDWARE | information);
      b.gate(absent, [0, 0x0e00]);
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(reached) + 1);
    });

    it('an exit while a fault is injected leaves RF as the guest state has it', () => {
      const b = inject(bench().ept(), HARDWARE | VECTOR.UD);
      b.write(b.eptEntry(IDT), 4, 0);
      expect(b.exitOf(NOP).reason).toBe('eptViolation');
      expect(b.field('guestEflags') & FLAG.RF).toBe(0);
    });

    it('a fault while #DF is injected is a triple fault', () => {
      const b = inject(bench(), HARDWARE | CODE_VALID | VECTOR.DF).fields({ guestIdtrLimit: 0 });
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'tripleFault', eip: GUEST });
    });

    it('an NMI blocks further ones until IRET', () => {
      const b = inject(bench(), 0x202);
      b.gate(2, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST + 0x100));
      b.bytes(GUEST + 0x100, [...CPUID, 0xcf]);
      expect(b.exitOf(NOP, CPUID).reason).toBe('cpuid');
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.nmi);
      b.fields({ guestEip: b.field('guestEip') + 2 });
      expect(b.enter(VMX.vmresume).exit()).toMatchObject({ reason: 'cpuid', eip: GUEST + 1 });
      expect(b.field('guestInterruptibility')).toBe(0);
    });

    it.each<[string, number, number]>([
      ['a return that faults ends the blocking, and its exit says so', 0, BLOCKING.nmi],
      ['where NMIs exit a return ends nothing', PIN.nmiExiting, 0],
    ])('%s', (_, pin, unblocked) => {
      const b = inject(wanting(VECTOR.GP).add('pinControls', pin), 0x202);
      b.gate(2, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST + 0x100));
      // ADD dword [ESP+4], 1000; IRET
      b.bytes(GUEST + 0x100, x('81 44 24 04 00 10 00 00 cf'));
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'exceptionOrNmi', eip: GUEST + 0x108 });
      expect(b.field('exitInterruptionInformation') & 0x1000).toBe(unblocked << 9);
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.nmi - unblocked);
    });

    it('an EPT violation of a return from an NMI says that it ended the blocking', () => {
      const b = inject(bench().ept(), 0x202);
      b.gate(2, gate(GATE.interrupt, CODE_SELECTOR[0], GUEST + 0x100));
      b.bytes(GUEST + 0x100, [...mov(ESP, 0x9000), 0xcf]);
      b.write(b.eptEntry(0x9000), 4, 0);
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'eptViolation', qualification: 0x1181 });
    });

    it('a pending monitor trap flag exits before the first instruction', () => {
      const b = inject(bench(), 0x700);
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'monitorTrapFlag', eip: GUEST });
    });

    it('wakes a guest that halts', () => {
      const b = inject(bench().add('guestEflags', FLAG.IF), 0x35).fields({ guestActivity: ACTIVITY.hlt });
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(0x35) + 1);
    });

    it('in real mode goes through the vector table', () => {
      const b = inject(realMode(bench()).add('guestEflags', FLAG.IF), 0x35);
      b.write(IDT + 4 * 0x35, 4, ((GUEST >> 4) << 16) | 0x200);
      b.bytes(GUEST + 0x200, CPUID);
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'cpuid', eip: 0x200 });
      expect(b.read(GUEST_STACK - 6, 2)).toBe(0);
    });
  });

  describe('monitor trap flag', () => {
    const trapping = () => bench().add('processorControls', PROCESSOR.monitorTrapFlag);

    it('exits after each instruction', () => {
      const b = trapping();
      const starts = b.guest(NOP, mov(EAX, 5), x('eb 00'), int(0x40), NOP);
      b.enter();
      const seen: number[] = [];
      for (let n = 0; n < 4; n++) {
        expect(b.exit()).toMatchObject({ reason: 'monitorTrapFlag', qualification: 0, length: 0 });
        seen.push(b.field('guestEip'));
        b.enter(VMX.vmresume);
      }
      expect(seen).toEqual([starts[1], starts[2], starts[3], b.handler(0x40)]);
      expect(b.get(EAX)).toBe(5);
    });

    it('exits in the handler of a fault', () => {
      const b = trapping();
      expect(b.exitOf(x('0f 0b'))).toMatchObject({ reason: 'monitorTrapFlag', eip: b.handler(VECTOR.UD) });
    });

    it('exits in the handler of an injected event', () => {
      const b = trapping().fields({ entryInterruptionInformation: VALID | HARDWARE | VECTOR.UD });
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'monitorTrapFlag', eip: b.handler(VECTOR.UD) });
    });

    it('exits in the handler of an interrupt', () => {
      const b = trapping().add('guestEflags', FLAG.IF);
      b.raise(0x31);
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'monitorTrapFlag', eip: b.handler(0x31) });
    });

    it('an instruction that exits by itself does so', () => {
      expect(trapping().exitOf(CPUID).reason).toBe('cpuid');
    });

    it('comes before the single-step trap, which stays pending', () => {
      const b = trapping().add('guestEflags', FLAG.TF);
      expect(b.exitOf(NOP, NOP)).toMatchObject({ reason: 'monitorTrapFlag', eip: GUEST + 1 });
      expect(b.field('guestPendingDebugExceptions')).toBe(1 << 14);
    });

    it('counts one iteration of a repeated string instruction', () => {
      const b = trapping();
      b.set(ECX, 5);
      b.set(EDI, 0x31000);
      b.set(ESI, 0x31100);
      expect(b.exitOf(x('f3 a4'))).toMatchObject({ reason: 'monitorTrapFlag', eip: GUEST });
      expect(b.get(ECX)).toBe(4);
    });
  });

  describe('pending debug exceptions', () => {
    it('are delivered before the first instruction', () => {
      const b = bench().fields({ guestPendingDebugExceptions: 1 << 14 });
      b.guest(NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.DB) + 1);
      expect(b.linear(b.get(ESP))).toBe(GUEST);
      expect(b.cpu.i32[L.W_DR + 6] & (1 << 14)).toBe(1 << 14);
    });
    it('exit by the bitmap with their conditions', () => {
      const b = wanting(VECTOR.DB).fields({ guestPendingDebugExceptions: (1 << 12) | 2 });
      expect(b.exitOf(NOP)).toMatchObject({ reason: 'exceptionOrNmi', qualification: 2, eip: GUEST });
    });
    it('a breakpoint that is not enabled is nothing', () => {
      const b = wanting(VECTOR.DB).fields({ guestPendingDebugExceptions: 2 });
      expect(b.exitOf(CPUID).reason).toBe('cpuid');
    });
    it('wait behind MOV SS', () => {
      const b = wanting(VECTOR.DB).fields({
        guestPendingDebugExceptions: 1 << 14,
        guestInterruptibility: BLOCKING.movSs,
        guestEflags: FLAG.TF | 2,
      });
      expect(b.exitOf(NOP, NOP)).toMatchObject({ reason: 'exceptionOrNmi', eip: GUEST + 1 });
    });
  });

  describe('breakpoints by address', () => {
    const DATA = 0x31000;
    const STORE = x('a3 00 10 03 00');
    /** DR0, enabled for execution (0), writes (1) or all accesses (3) of four bytes, as the entry loads it. */
    const breaking = (b: VmxBench, address: number, type: 0 | 1 | 3) => {
      b.add('entryControls', ENTRY_CONTROL.loadDebugControls).add('exitControls', EXIT_CONTROL.saveDebugControls);
      b.fields({ guestDr7: 0x401 | ((type === 0 ? 0 : type | 0xc) << 16) });
      b.cpu.i32[L.W_DR] = address;
      return b;
    };

    it('come with DR7 of the entry, and go with the exit', () => {
      const b = breaking(bench(), DATA, 1);
      const [, behind] = b.guest(STORE, NOP);
      b.enter();
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(VECTOR.DB) + 1);
      expect(b.linear(b.get(ESP))).toBe(behind);
      const c = breaking(bench(), DATA, 1);
      c.exitOf(CPUID);
      expect(c.cpu.i32[L.W_DR + 7]).toBe(0x400);
      expect(c.field('guestDr7')).toBe(0x401 | (0xd << 16));
    });

    it('exit by the bitmap: the qualification has what DR6 does not get', () => {
      const b = breaking(wanting(VECTOR.DB), DATA, 1);
      expect(b.exitOf(STORE, NOP)).toMatchObject({ reason: 'exceptionOrNmi', qualification: 1, eip: GUEST + 5 });
      expect(b.cpu.i32[L.W_DR + 6] & 0xe00f).toBe(0);
      const c = breaking(wanting(VECTOR.DB), GUEST + 1, 0);
      expect(c.exitOf(NOP, NOP)).toMatchObject({ reason: 'exceptionOrNmi', qualification: 1, eip: GUEST + 1 });
      expect(c.field('guestEflags') & FLAG.RF).toBe(0);
      const d = breaking(wanting(VECTOR.DB), DATA, 1).add('guestEflags', FLAG.TF);
      expect(d.exitOf(STORE, NOP)).toMatchObject({ qualification: 0x4001, eip: GUEST + 5 });
    });

    it('not with RF, which lasts for one instruction; one that exits saves it as 0', () => {
      const b = breaking(wanting(VECTOR.DB), GUEST, 0).add('guestEflags', FLAG.RF);
      expect(b.exitOf(NOP, CPUID)).toMatchObject({ reason: 'cpuid', eip: GUEST + 1 });
      expect(b.field('guestEflags') & FLAG.RF).toBe(0);
      const c = breaking(wanting(VECTOR.DB), GUEST, 0).add('guestEflags', FLAG.RF);
      expect(c.exitOf(CPUID)).toMatchObject({ reason: 'cpuid', eip: GUEST });
      expect(c.field('guestEflags') & FLAG.RF).toBe(0);
    });

    it('that MOV SS holds off are pending where the next instruction exits', () => {
      const b = breaking(wanting(VECTOR.DB), DATA, 3);
      b.write(DATA, 4, 0x10);
      expect(b.exitOf(x('8e 15 00 10 03 00'), CPUID)).toMatchObject({ reason: 'cpuid', eip: GUEST + 6 });
      expect(b.field('guestPendingDebugExceptions')).toBe((1 << 12) | 1);
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.movSs);
    });

    it('are pending behind the exit of the monitor trap flag', () => {
      const b = breaking(bench().add('processorControls', PROCESSOR.monitorTrapFlag), DATA, 1);
      expect(b.exitOf(STORE, NOP)).toMatchObject({ reason: 'monitorTrapFlag', eip: GUEST + 5 });
      expect(b.field('guestPendingDebugExceptions')).toBe((1 << 12) | 1);
    });
  });

  describe('interruptibility', () => {
    it('STI’s shadow is in the field where an instruction exits in it', () => {
      const b = bench();
      expect(b.exitOf(STI, CPUID)).toMatchObject({ reason: 'cpuid', eip: GUEST + 1 });
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.sti);
      expect(bench().exitOf(STI, NOP, CPUID).reason).toBe('cpuid');
    });
    it('MOV SS’s too', () => {
      const b = bench();
      b.exitOf(mov(EAX, 0x10), toSegment(2), CPUID);
      expect(b.field('guestInterruptibility')).toBe(BLOCKING.movSs);
    });
    it('is loaded by the entry: an interrupt waits for one instruction', () => {
      const b = bench().fields({ guestInterruptibility: BLOCKING.sti, guestEflags: FLAG.IF | 2 });
      b.raise(0x31);
      b.guest(NOP, NOP);
      b.enter();
      expect(b.linear(b.get(ESP))).toBe(GUEST + 1);
    });
  });

  describe('activity', () => {
    it('HLT: the guest waits', () => {
      const b = bench().fields({ guestActivity: ACTIVITY.hlt, guestEflags: FLAG.IF | 2 });
      b.guest(CPUID);
      b.enter();
      expect([b.cpu.halted, b.cpu.i32[L.W_EIP], b.operation]).toEqual([true, GUEST, L.VMX_NON_ROOT]);
      b.raise(0x31);
      b.cpu.run(1, true);
      expect(b.cpu.i32[L.W_EIP]).toBe(b.handler(0x31) + 1);
    });
    it('shutdown: nothing wakes it but the timer', () => {
      const b = bench().fields({ guestActivity: ACTIVITY.shutdown, guestEflags: FLAG.IF | 2 });
      b.raise(0x31);
      b.guest(CPUID);
      b.enter();
      expect([b.cpu.halted, b.cpu.i32[L.W_EIP], b.cpu.isWakeable]).toEqual([true, GUEST, false]);
    });
  });

  describe('preemption timer', () => {
    const timed = (steps: number) => bench().add('pinControls', PIN.preemptionTimer).fields({ preemptionTimer: steps });
    const nops: Code = new Array<number>(100).fill(0x90);

    it.each([0, 1, 2, 7, 31, 32, 33, 60, 99])('exits after exactly %i steps', steps => {
      expect(timed(steps).exitOf(nops)).toEqual({
        reason: 'preemptionTimer',
        qualification: 0,
        length: 0,
        eip: GUEST + steps,
      });
    });

    it('the run is cut anywhere, and it comes at the same step', () => {
      for (const slice of [1, 2, 3, 10]) {
        const b = timed(50);
        b.guest(nops);
        b.enter(VMX.vmlaunch, 1);
        while (!b.cpu.halted) b.cpu.run(slice, false);
        expect(b.field('guestEip')).toBe(GUEST + 50);
      }
    });

    it('is saved by an exit control, and otherwise stays', () => {
      const b = timed(50);
      expect(b.exitOf(nops.slice(0, 20), CPUID).reason).toBe('cpuid');
      expect(b.field('preemptionTimer')).toBe(50);
      const saved = timed(50).add('exitControls', EXIT_CONTROL.savePreemptionTimer);
      saved.exitOf(nops.slice(0, 20), CPUID);
      // The CPUID was started.
      expect(saved.field('preemptionTimer')).toBe(29);
    });

    it('runs on while the guest halts', () => {
      const b = timed(1000);
      b.guest(nops.slice(0, 5), HLT);
      b.enter();
      expect(b.exit()).toMatchObject({ reason: 'preemptionTimer', eip: GUEST + 6 });
      expect(b.field('guestActivity')).toBe(ACTIVITY.hlt);
      // VMLAUNCH, 1000 steps of the guest, HLT of the host.
      expect(b.cpu.count).toBe(1002);
    });

    it('comes before an interrupt window, behind a monitor trap', () => {
      const window = timed(0).add('processorControls', PROCESSOR.interruptWindowExiting).add('guestEflags', FLAG.IF);
      expect(window.exitOf(nops).reason).toBe('preemptionTimer');
      const trap = timed(1).add('processorControls', PROCESSOR.monitorTrapFlag);
      expect(trap.exitOf(nops).reason).toBe('monitorTrapFlag');
    });

    it('a REP instruction in a loop is interrupted too', () => {
      const b = timed(3);
      b.set(ECX, 0x100000);
      b.set(EDI, 0x31000);
      b.set(ESI, 0x31000);
      expect(b.exitOf(x('f3 a6 eb fc')).reason).toBe('preemptionTimer');
    });
  });

  it('the host finds the state that its fields say, and no exit is pending', () => {
    const b = bench().add('guestEflags', FLAG.IF | FLAG.DF);
    b.exitOf(CPUID);
    expect(b.cpu.eflags()).toBe(2);
    expect(b.cpu.i32[L.W_DR + 7]).toBe(0x400);
    expect(b.cpu.i32[L.W_GDTR_LIMIT]).toBe(0xffff);
  });

  it('a VMX abort shuts the processor down and leaves its number', () => {
    const b = bench().fields({ exitMsrLoadCount: 1, exitMsrLoadAddress: 0x68000 });
    b.write(0x68000, 4, 0x12345);
    b.guest(CPUID);
    expect(() => b.enter()).toThrow('VMX abort 4');
    expect(b.read(VMCS + REGION.abort)).toBe(4);
  });
});

/** An unrestricted guest in real mode, with EPT, its code segment at GUEST. */
function realMode(b: VmxBench): VmxBench {
  b.ept().add('secondaryControls', 0x80);
  b.fields({ guestCr0: 0x30, guestCsSelector: GUEST >> 4, guestCsBase: GUEST, guestEip: 0, guestTrAccessRights: 0x8b });
  for (const name of ['Es', 'Cs', 'Ss', 'Ds', 'Fs', 'Gs'] as const) {
    b.fields({ [`guest${name}Limit`]: 0xffff, [`guest${name}AccessRights`]: 0x93 });
  }
  return b.fields({ guestCsAccessRights: 0x9b, guestIdtrLimit: 0x3ff });
}
