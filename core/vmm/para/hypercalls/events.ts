import { DOMAIN, DOMAIN_0, DOMID_SELF, Refused } from '../abi.ts';
import { type Domain, isSelf } from '../domain.ts';
import type { Hypercall } from './call.ts';

/** Event channels (event_channel.h). A structure's results lie behind what the guest wrote into it. */

type EventOp = (domain: Domain, argument: number) => void;

function ownName(domain: number): number {
  return domain === DOMID_SELF ? DOMAIN : domain;
}

/** The results go into the guest's structure: it must be there before anything is bound. */
function answer(domain: Domain, at: number, bind: () => number): void {
  domain.access.target(at);
  domain.access.write(at, 4, bind());
}

/** EVTCHNSTAT_*. */
const STATUS = { closed: 0, unbound: 1, interdomain: 2, virq: 4, ipi: 5 } as const;

function status(domain: Domain, argument: number): void {
  const { access, events } = domain;
  checkSelf(access.read(argument, 2));
  const port = access.word(argument + 4);
  if (port >= 1024) throw new Refused('EINVAL', `there is no port ${port}`);
  const channel = events.channel(port);
  access.write(argument + 8, 4, STATUS[channel.kind]);
  access.write(argument + 12, 4, 0);
  if (channel.kind === 'unbound') access.write(argument + 16, 2, channel.remote);
  if (channel.kind === 'virq') access.write(argument + 16, 4, channel.virq);
  if (channel.kind === 'interdomain') {
    access.write(argument + 16, 2, channel.remote);
    access.write(argument + 20, 4, channel.port);
  }
}

/** An ordinary domain binds channels for itself only. */
function checkSelf(domain: number): void {
  if (isSelf(domain)) return;
  throw new Refused(domain === DOMAIN_0 ? 'EPERM' : 'ESRCH', `domain ${domain} is not the guest`);
}

const OPERATIONS: readonly (EventOp | undefined)[] = [
  /** bind_interdomain */
  (domain, at) => {
    const remote = ownName(domain.access.read(at, 2));
    const port = domain.access.word(at + 4);
    answer(domain, at + 8, () => domain.events.bindInterdomain(remote, port));
  },
  /** bind_virq */
  (domain, at) => {
    const [virq, vcpu] = [domain.access.word(at), domain.access.word(at + 4)];
    answer(domain, at + 8, () => domain.events.bindVirq(virq, vcpu));
  },
  /** bind_pirq */
  () => {
    throw new Refused('EPERM', 'the guest has no device of the machine');
  },
  /** close */
  (domain, at) => domain.events.close(domain.access.word(at)),
  /** send */
  (domain, at) => domain.events.send(domain.access.word(at)),
  status,
  /** alloc_unbound */
  (domain, at) => {
    checkSelf(domain.access.read(at, 2));
    const remote = ownName(domain.access.read(at + 2, 2));
    answer(domain, at + 4, () => domain.events.allocateUnbound(remote));
  },
  /** bind_ipi */
  (domain, at) => {
    const vcpu = domain.access.word(at);
    answer(domain, at + 4, () => domain.events.bindIpi(vcpu));
  },
  /** bind_vcpu */
  (domain, at) => domain.events.bindVcpu(domain.access.word(at), domain.access.word(at + 4)),
  /** unmask */
  (domain, at) => domain.events.unmask(domain.access.word(at)),
  /** reset */
  (domain, at) => {
    checkSelf(domain.access.read(at, 2));
    domain.events.reset();
  },
];

function perform(domain: Domain, command: number, argument: number): number {
  const operation = OPERATIONS[command];
  if (operation === undefined) throw new Refused('ENOSYS', `there is no event-channel operation ${command}`);
  operation(domain, argument);
  return 0;
}

export const eventChannelOp: Hypercall = (domain, [command, argument]) => perform(domain, command, argument);

/** The old form has the command in front of the structure. */
export const eventChannelOpCompat: Hypercall = (domain, [argument]) =>
  perform(domain, domain.access.word(argument), argument + 4);
