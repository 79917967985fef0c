// SPDX-License-Identifier: Apache-2.0
/**
 * What happens to a study, decided by its seed alone: which variant, which faults, and at which share of the study done
 * each of them strikes. Pure, so that a seed always means the same schedule; when exactly a fault meets the processes is the
 * real world's affair.
 */
import { Random } from '@melissa/kit';
import { TIMEOUT_SECONDS, variants, type Variant } from './variants.ts';

export type Victim = 'solver' | 'pilot' | 'rank' | 'head' | 'cli';
export type Fault = { at: number } & (
  | { kind: 'kill'; victim: Victim }
  /** SIGSTOP, then SIGCONT after `seconds`. */
  | { kind: 'freeze'; victim: Victim; seconds: number }
  /** Every connection through the relay is reset. */
  | { kind: 'cut'; times: number }
  /** Bytes pass late by `ms`, for `seconds`. */
  | { kind: 'delay'; ms: number; seconds: number }
  /** Nothing passes, and no connection is reset, for `seconds`. */
  | { kind: 'stall'; seconds: number }
  /** No byte more can be written to checkpoint/, for `seconds`. */
  | { kind: 'diskFull'; seconds: number }
  /** The command line and with it everything is killed, and the newest checkpoint of every rank is damaged. */
  | { kind: 'damage'; how: 'truncate' | 'flip' }
);
export type Schedule = { seed: number; variant: Variant; faults: Fault[]; isLinkOnly: boolean };

/** The name under which a fault is counted. */
export const faultName = (fault: Fault): string =>
  fault.kind === 'kill' || fault.kind === 'freeze' ? `${fault.kind}:${fault.victim}` : fault.kind;

export type Ability = { mpi: boolean; mounts: boolean };

const victims: Victim[] = ['solver', 'pilot', 'rank', 'head', 'cli'];
const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;

export function scheduleOf(seed: number, ability: Ability): Schedule {
  const random = Random.at(0x6368616f73, seed);
  const usable = variants.filter((variant) => ability.mpi || variant.clientRanks === 1);
  const variant = pick(random.fork('variant'), usable);
  const draws = random.fork('faults');
  // One seed in eight breaks links alone: such a study must not lease any simulation a second time.
  const isLinkOnly = draws.chance(1 / 8);
  const faults: Fault[] = [];
  const count = 2 + draws.below(4);
  for (let i = 0; i < count; i++) faults.push(isLinkOnly ? linkFault(draws, true) : anyFault(draws, ability));
  faults.sort((a, b) => a.at - b.at);
  return { seed, variant, faults, isLinkOnly };
}

const moment = (random: Random): number => 0.02 + 0.9 * random.uniform();

/** Shorter than any limit when `isGentle`. */
function linkFault(random: Random, isGentle: boolean): Fault {
  const at = moment(random);
  const die = random.below(3);
  if (die === 0) return { at, kind: 'cut', times: 1 + random.below(3) };
  if (die === 1) return { at, kind: 'delay', ms: 20 + random.below(150), seconds: 1 + random.below(2) };
  return { at, kind: 'stall', seconds: isGentle ? 1 : pick(random, [1, 3, TIMEOUT_SECONDS + 2]) };
}

function anyFault(random: Random, ability: Ability): Fault {
  const at = moment(random);
  const die = random.below(20);
  if (die < 9) return { at, kind: 'kill', victim: pick(random, victims) };
  if (die < 14)
    return { at, kind: 'freeze', victim: pick(random, victims), seconds: pick(random, [0.5, 2, TIMEOUT_SECONDS + 2]) };
  if (die < 17) return linkFault(random, false);
  if (die < 18) return { at, kind: 'damage', how: pick(random, ['truncate', 'flip'] as const) };
  return ability.mounts ? { at, kind: 'diskFull', seconds: 3 } : { at, kind: 'kill', victim: pick(random, victims) };
}
