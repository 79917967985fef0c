// SPDX-License-Identifier: Apache-2.0
/**
 * Planted bugs, one of each class that the simulation has to find. Each names the worlds in which it can show, and what the oracle says of it.
 * A simulation that does not find them would find nothing else either.
 */
import type { Profile } from './scenario.ts';
import type { Bugs } from './world.ts';

export type Mutant = {
  name: string;
  bugs: Bugs;
  /** Bugs that the world has to live with: the same one ends well with these alone. */
  borne?: Bugs;
  profile: Profile;
  shape?: string;
  /** One of the problems of the first world that shows it. */
  says: RegExp;
};

export const mutants: Mutant[] = [
  {
    name: 'double count: a restored rank has the state of one checkpoint and the bits of the one before',
    bugs: { restoresOldBits: true },
    profile: 'kills',
    shape: 'plain',
    says: /counts .* instead of|mean .* instead of/,
  },
  {
    name: 'bit set at receipt: what is held counts as folded',
    bugs: { bitsAtReceipt: true },
    profile: 'kills',
    shape: 'groups',
    says: /units are missing|has not ended/,
  },
  {
    name: 'held member lost at restore: a rank that was started again does not say so',
    bugs: { hidesRestart: true },
    profile: 'kills',
    shape: 'groups',
    says: /has not ended|units are missing|ended as|not all of its data arrived/,
  },
  {
    name: 'lost lease: what is taken back is not leased again',
    bugs: { losesLeases: true },
    profile: 'kills',
    shape: 'spread',
    says: /has not ended/,
  },
  {
    name: 'torn checkpoint taken as good',
    bugs: { believesTorn: true },
    profile: 'disk',
    shape: 'spread',
    says: /crashed|instead of|the digest is not|units are missing|were folded/,
  },
  {
    name: 'missing time-out: nobody is found silent',
    bugs: { hasNoTimeouts: true },
    profile: 'kills',
    says: /has not ended/,
  },
  {
    name: 'missing fence of an old epoch',
    bugs: { hasNoFence: true },
    profile: 'freezes',
    says: /accepted a lease that was given in epoch|was given to|although a newer head/,
  },
  {
    name: 'unacknowledged frame dropped: what was sent is never sent again',
    bugs: { forgetsUnacknowledged: true },
    profile: 'cuts',
    says: /was started \d+ times|has not ended/,
  },
  {
    name: 'a fold that a rank refuses is given up: it does not hold what it had said to have received',
    bugs: { tellsTooEarly: true, ignoresDenials: true },
    borne: { tellsTooEarly: true },
    profile: 'calm',
    shape: 'whole',
    says: /has not ended/,
  },
];
