// SPDX-License-Identifier: Apache-2.0
/** What a seed decides before its world begins: the study, the solvers' behaviour, which faults happen and when. Pure. */
import { Random } from '@melissa/kit';
import { shapeNames } from './studies.ts';

export const faultKinds = [
  'cut', 'cutMany', 'halfOpen', 'delays',
  'killSolver', 'killPilot', 'killRank', 'killHead',
  'freezeSolver', 'freezePilot', 'freezeRank', 'freezeHead', 'replaceHead',
  'fullDisk', 'slowDisk', 'damageRank', 'damagePlan', 'powerCut',
] as const; // prettier-ignore
export type FaultKind = (typeof faultKinds)[number];

const connections: FaultKind[] = ['cut', 'cutMany', 'halfOpen', 'delays'];
const kills: FaultKind[] = ['killSolver', 'killPilot', 'killRank', 'killHead'];
const freezes: FaultKind[] = ['freezeSolver', 'freezePilot', 'freezeRank', 'freezeHead', 'replaceHead'];
const disk: FaultKind[] = ['fullDisk', 'slowDisk', 'damageRank', 'damagePlan', 'powerCut'];
/** Faults that are no fault of the attempts they meet: they are charged to none. */
const uncharged: FaultKind[] = ['cut', 'delays', 'killPilot', 'killRank', 'killHead', 'replaceHead', 'slowDisk'];

export const profiles = {
  calm: [],
  cuts: connections,
  kills: [...kills, 'cut', 'halfOpen'],
  freezes: [...freezes, 'cut', 'delays'],
  disk: [...disk, 'killRank', 'killHead'],
  policy: uncharged,
  all: faultKinds.filter((kind) => kind !== 'damagePlan'),
} as const satisfies Record<string, readonly FaultKind[]>;
export type Profile = keyof typeof profiles;

/** How one simulation misbehaves, if one does. */
export type Misbehaviour =
  | { kind: 'none' }
  /** Every attempt of draw 0 leaves with 7 before this step; then it is redrawn, or fails. */
  | { kind: 'poison'; simulation: number; atStep: number; then: 'Redraw' | 'Fail' }
  /** The first attempt alone: leaves with this code (0: without having sent all), or hangs. */
  | { kind: 'once'; simulation: number; atStep: number; exitCode: number | null };

export type Scenario = {
  seed: number;
  shape: string;
  profile: Profile;
  faults: { timeMs: number; kind: FaultKind }[];
  misbehaviour: Misbehaviour;
  stepMs: number;
  resumes: boolean;
  /** A rank that is started again listens elsewhere. */
  movesEndpoints: boolean;
};

/** Every study has as many simulations as this, so that the one that misbehaves is always among them. */
const simulationsMin = 4;
/** Faults happen in this much time; then the world is calm until its study has ended. */
const troubleMs = 4500;
const faultsMax = 9;
/** Of twenty seeds, how many have which profile. */
const shares: [Profile, number][] = [['calm', 1], ['cuts', 4], ['kills', 4], ['freezes', 3], ['disk', 2], ['policy', 3], ['all', 3]]; // prettier-ignore

function pickProfile(random: Random): Profile {
  let at = random.below(shares.reduce((sum, [, share]) => sum + share, 0));
  for (const [profile, share] of shares) {
    if (at < share) return profile;
    at -= share;
  }
  return 'calm';
}

function pickMisbehaviour(profile: Profile, random: Random): Misbehaviour {
  const simulation = random.below(simulationsMin);
  const atStep = random.below(4);
  // With all of its data sent before it fails, a simulation is done.
  const early = atStep % 3;
  if (profile === 'policy')
    return { kind: 'poison', simulation, atStep: early, then: random.chance(0.5) ? 'Redraw' : 'Fail' };
  if (profile === 'cuts' || random.chance(0.7)) return { kind: 'none' };
  return { kind: 'once', simulation, atStep, exitCode: [0, 7, null][random.below(3)]! };
}

export function scenarioOf(seed: number, wanted: { profile?: Profile; shape?: string } = {}): Scenario {
  const random = new Random(seed).fork('scenario');
  const shape = shapeNames[random.below(shapeNames.length)]!;
  const picked = pickProfile(random);
  const profile = wanted.profile ?? picked;
  const kinds = profiles[profile];
  const count = kinds.length === 0 ? 0 : 1 + random.below(faultsMax);
  const faults = Array.from({ length: count }, () => ({
    timeMs: 100 + random.uniform() * troubleMs,
    kind: kinds[random.below(kinds.length)]!,
  }));
  return {
    seed,
    shape: wanted.shape ?? shape,
    profile,
    faults: faults.sort((a, b) => a.timeMs - b.timeMs),
    misbehaviour: pickMisbehaviour(profile, random),
    stepMs: 10 + random.below(400),
    resumes: random.chance(0.5),
    movesEndpoints: random.chance(0.5),
  };
}
