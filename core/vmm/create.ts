import type { Pc } from '../machine/pc.ts';
import type { DomainPlan } from '../xen/domain-plan.ts';
import { ScanAndPatch } from './full/patch/technique.ts';
import { BinaryTranslation } from './full/translate/technique.ts';
import { TrapAndEmulate } from './full/trap.ts';
import { NestedPaging, ShadowedPaging } from './hardware/paging.ts';
import { HardwareAssist } from './hardware/technique.ts';
import type { Host } from './host/host.ts';
import type { ShadowPaging } from './memory/shadow.ts';
import { Paravirtualization } from './para/para.ts';
import { ModeError, type MonitorMode, type Paging, type Technique } from './technique.ts';
import type { VirtualMachine } from './vm.ts';

/** What techniques are built on, and what of the monitor they call. */
export interface Parts {
  readonly host: Host;
  readonly vm: VirtualMachine;
  readonly shadow: ShadowPaging;
  readonly pc: Pc;
  /** Null for a kernel that is not made for paravirtualization. */
  readonly domain: DomainPlan | null;
  /** Date of the guest's real-time clock at power-on, in Unix seconds. */
  readonly startTime: number;
  readonly onConsole: (byte: number) => void;
  /** Emulates the instruction at the guest's EIP. */
  readonly emulate: () => void;
  /** The technique has emulated one itself. */
  readonly emulated: () => void;
}

/** The technique of a mode. Throws ModeError for a guest that cannot be run so. */
export function createTechnique(mode: MonitorMode, paging: Paging, parts: Parts): Technique {
  const { host, shadow, emulate } = parts;
  const { vcpu } = parts.vm;
  switch (mode) {
    case 'trap':
      return new TrapAndEmulate(host, vcpu, shadow);
    case 'translate':
      return new BinaryTranslation(host, vcpu, shadow, emulate);
    case 'patch':
      return new ScanAndPatch(host, vcpu, shadow, emulate);
    case 'para':
      return createPara(parts);
    case 'hardware': {
      const tables = paging === 'nested' ? new NestedPaging(host, vcpu) : new ShadowedPaging(vcpu, shadow);
      return new HardwareAssist(host, vcpu, tables, emulate);
    }
  }
}

function createPara({ host, vm, pc, domain, startTime, onConsole, emulate, emulated }: Parts): Technique {
  if (domain === null) throw new ModeError('This kernel is not made for --mode para: it has no Xen notes.');
  const { clock, cpu } = pc;
  return new Paravirtualization(host, vm.vcpu, {
    plan: domain,
    clock: { now: () => clock.now(), timeStamp: () => cpu.timeStamp() },
    date: () => startTime + clock.now() / 1e9,
    onConsole,
    end: ending => {
      vm.requested = ending;
    },
    emulate,
    emulated,
  });
}
