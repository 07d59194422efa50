import type { View } from '../../core/protocol/messages.ts';

interface Follower {
  readonly take: (view: View) => void;
  /** Another guest begins. */
  readonly clear: () => void;
}

/** Who hears of every view that comes. What is fetched after the first view joins when it is there. */
export const followers = new Set<Follower>();
