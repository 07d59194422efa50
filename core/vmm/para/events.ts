import { DOMAIN, DOMAIN_0, PORTS, Refused, VIRQ } from './abi.ts';
import type { ParaCounts } from './counts.ts';
import type { SharedInfo } from './shared-info.ts';

/** The one virtual processor's number. */
const VCPU = 0;

/** An event channel, as its port is bound (event_channel.h, EVTCHNSTAT_*). */
export type Channel =
  | { readonly kind: 'closed' }
  | { readonly kind: 'unbound'; readonly remote: number }
  /** To a port of this domain, or to a back end that the monitor plays. */
  | { readonly kind: 'interdomain'; readonly remote: number; readonly port: number; readonly backEnd: BackEnd | null }
  | { readonly kind: 'virq'; readonly virq: number }
  | { readonly kind: 'ipi' };

/** The monitor's end of a channel: hears that the guest sent an event. */
export interface BackEnd {
  notified(): void;
}

const CLOSED: Channel = { kind: 'closed' };

/** Virtual interrupts that belong to a processor; the others are the whole machine's, and an ordinary domain hears none of them. */
function isPerProcessor(virq: number): boolean {
  return virq === VIRQ.timer || virq === VIRQ.debug || virq === VIRQ.xenoprof;
}

/** Event channels with the two-level bitmaps of the shared page. */
export class EventChannels {
  readonly #shared: SharedInfo;
  readonly #counts: ParaCounts;
  readonly #channels: Channel[] = Array.from({ length: PORTS }, () => CLOSED);
  /** Virtual interrupt -> port, or 0. */
  readonly #virqs = new Uint16Array(VIRQ.count);

  constructor(shared: SharedInfo, counts: ParaCounts) {
    this.#counts = counts;
    this.#shared = shared;
  }

  channel(port: number): Channel {
    return this.#channels[port] ?? CLOSED;
  }

  /** The channel at a port that the guest named. Throws Refused. */
  #open(port: number): Channel {
    const channel = this.#channels[port];
    if (channel === undefined || port === 0 || channel.kind === 'closed') {
      throw new Refused('EINVAL', `port ${port} is not open`);
    }
    return channel;
  }

  /** Port 0 is nobody's. */
  #bind(channel: Channel): number {
    const port = this.#channels.findIndex((taken, n) => n > 0 && taken.kind === 'closed');
    if (port < 0) throw new Refused('ENOSPC', 'every port is taken');
    this.#channels[port] = channel;
    return port;
  }

  /** A channel to a back end that the monitor plays. */
  bindBackEnd(backEnd: BackEnd): number {
    return this.#bind({ kind: 'interdomain', remote: DOMAIN_0, port: 0, backEnd });
  }

  allocateUnbound(remote: number): number {
    return this.#bind({ kind: 'unbound', remote });
  }

  /** Connects to a port that waits for this domain: only its own can, since domain 0 offers none. */
  bindInterdomain(remote: number, port: number): number {
    if (remote !== DOMAIN && remote !== DOMAIN_0) throw new Refused('ESRCH', `there is no domain ${remote}`);
    const other = remote === DOMAIN ? this.#channels[port] : undefined;
    if (other === undefined || other.kind !== 'unbound' || other.remote !== DOMAIN) {
      throw new Refused('EINVAL', `port ${port} of domain ${remote} does not wait for a connection`);
    }
    const local = this.#bind({ kind: 'interdomain', remote, port, backEnd: null });
    this.#channels[port] = { kind: 'interdomain', remote: DOMAIN, port: local, backEnd: null };
    // An event may have been sent before anybody listened.
    this.raise(local);
    return local;
  }

  bindVirq(virq: number, vcpu: number): number {
    if (virq >= VIRQ.count) throw new Refused('EINVAL', `there is no virtual interrupt ${virq}`);
    if (vcpu !== VCPU) throw new Refused(isPerProcessor(virq) ? 'ENOENT' : 'EINVAL', `there is no processor ${vcpu}`);
    if (this.#virqs[virq] !== 0) throw new Refused('EEXIST', `virtual interrupt ${virq} is bound already`);
    const port = this.#bind({ kind: 'virq', virq });
    this.#virqs[virq] = port;
    return port;
  }

  bindIpi(vcpu: number): number {
    if (vcpu !== VCPU) throw new Refused('ENOENT', `there is no processor ${vcpu}`);
    return this.#bind({ kind: 'ipi' });
  }

  /** Which processor hears of a port: there is one. */
  bindVcpu(port: number, vcpu: number): void {
    if (vcpu !== VCPU) throw new Refused('ENOENT', `there is no processor ${vcpu}`);
    const channel = this.#open(port);
    const isFixed = channel.kind === 'ipi' || (channel.kind === 'virq' && isPerProcessor(channel.virq));
    if (isFixed) throw new Refused('EINVAL', `port ${port} is bound to its processor`);
  }

  close(port: number): void {
    const channel = this.#open(port);
    if (channel.kind === 'virq') this.#virqs[channel.virq] = 0;
    if (channel.kind === 'interdomain' && channel.backEnd === null) {
      this.#channels[channel.port] = { kind: 'unbound', remote: DOMAIN };
    }
    this.#channels[port] = CLOSED;
    this.#shared.clearPending(port);
  }

  /** Closes all. */
  reset(): void {
    for (let port = 1; port < PORTS; port++) if (this.channel(port).kind !== 'closed') this.close(port);
  }

  /** The guest sends an event to the other end of a channel. */
  send(port: number): void {
    const channel = this.#open(port);
    if (channel.kind === 'interdomain') {
      if (channel.backEnd === null) this.raise(channel.port);
      else channel.backEnd.notified();
    } else if (channel.kind === 'ipi') {
      this.raise(port);
    } else if (channel.kind !== 'unbound') {
      throw new Refused('EINVAL', `nothing can be sent through port ${port}`);
    }
  }

  unmask(port: number): void {
    this.#open(port);
    this.#shared.clearMask(port);
    if (this.#shared.isPending(port)) this.#shared.raise(port);
  }

  /** An event for the guest. */
  raise(port: number): void {
    if (!this.#shared.setPending(port)) return;
    this.#counts.events++;
    if (!this.#shared.isMasked(port)) this.#shared.raise(port);
  }

  raiseVirq(virq: number): void {
    const port = this.#virqs[virq];
    if (port !== 0) this.raise(port);
  }
}
