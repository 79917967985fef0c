// SPDX-License-Identifier: Apache-2.0
/** Makes the faults of a schedule happen to a running study. Each call returns when the fault is over. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@melissa/kit';
import { signal, type Found } from './processes.ts';
import type { Relay } from './relay.ts';
import type { Fault, Victim } from './schedule.ts';
import type { ChaosStudy } from './study.ts';

export type Scene = {
  study: ChaosStudy;
  relay: Relay;
  random: Random;
  note: (text: string) => void;
  problem: (text: string) => void;
};

/** A victim may be between two lives: it is waited for. */
const VICTIM_LIMIT_MS = 10_000;
/** Between two cuts of one fault. */
const CUT_PAUSE_MS = 150;
/** Of the tmpfs under checkpoint/: some checkpoints of a chaos study fit, a filler takes the rest. */
export const DISK_BYTES = 16 * 2 ** 20;

/** False when it could not strike, because the study ended first. */
export async function strike(fault: Fault, scene: Scene): Promise<boolean> {
  switch (fault.kind) {
    case 'kill':
      return fault.victim === 'cli' ? killCli(scene, () => undefined) : kill(fault.victim, scene);
    case 'freeze':
      return freeze(fault.victim, fault.seconds, scene);
    case 'cut':
      for (let i = 0; i < fault.times; i++) {
        scene.note(`cut ${scene.relay.cut()} connections`);
        await sleep(CUT_PAUSE_MS);
      }
      return true;
    case 'delay':
      scene.relay.delay(fault.ms);
      await sleep(fault.seconds * 1000);
      scene.relay.delay(0);
      return true;
    case 'stall':
      scene.relay.stall(true);
      await sleep(fault.seconds * 1000);
      scene.relay.stall(false);
      return true;
    case 'diskFull':
      return fillDisk(scene, fault.seconds);
    case 'damage':
      return killCli(scene, () => damageCheckpoints(scene, fault.how));
  }
}

async function victimOf(victim: Victim, { study, random }: Scene): Promise<Found | null> {
  const endMs = performance.now() + VICTIM_LIMIT_MS;
  while (performance.now() < endMs && study.exitCode === null) {
    const found = study
      .processes()
      .filter(({ role, pid }) => role === victim && (victim !== 'cli' || pid === study.cli));
    if (found.length > 0) return found[random.below(found.length)]!;
    await sleep(20);
  }
  return null;
}

async function kill(victim: Victim, scene: Scene): Promise<boolean> {
  const found = await victimOf(victim, scene);
  if (found === null) return false;
  scene.note(`kill ${victim} ${found.pid}`);
  return signal(found.pid, 'SIGKILL');
}

async function freeze(victim: Victim, seconds: number, scene: Scene): Promise<boolean> {
  const found = await victimOf(victim, scene);
  if (found === null) return false;
  scene.note(`freeze ${victim} ${found.pid} for ${seconds} s`);
  const stopped = signal(found.pid, 'SIGSTOP');
  await sleep(seconds * 1000);
  signal(found.pid, 'SIGCONT');
  return stopped;
}

/** Kills the command line; then nothing of the study may live longer than promised, and the study goes on with --resume. */
async function killCli(scene: Scene, meanwhile: () => void): Promise<boolean> {
  const { study, note, problem } = scene;
  const found = await victimOf('cli', scene);
  if (found === null) return false;
  note(`kill cli ${found.pid}`);
  if (!signal(found.pid, 'SIGKILL')) return false;
  const left = await study.leftOver();
  if (left.length > 0)
    problem(
      `${left.length} processes outlive the killed command line: ${left.map(({ role, pid }) => `${role} ${pid}`).join(', ')}`,
    );
  meanwhile();
  if (study.exitCode !== null && study.exitCode !== -1) return false;
  note('resume');
  study.resume();
  return true;
}

/** The newest checkpoint file of every rank, and the newest plan, lose their end or get one wrong bit. */
function damageCheckpoints({ study, random, note }: Scene, how: 'truncate' | 'flip'): void {
  const folder = join(study.directory, 'checkpoint');
  if (!existsSync(folder)) return;
  const ranks = readdirSync(folder)
    .filter((name) => name.startsWith('rank-'))
    .map((name) => join(folder, name));
  for (const place of [folder, ...ranks]) {
    const newest = readdirSync(place)
      .filter((name) => /^plan-|[.]ckpt$/.test(name))
      .sort()
      .at(-1);
    if (newest === undefined || (place === folder && random.chance(0.5))) continue;
    const path = join(place, newest);
    const size = statSync(path).size;
    note(`${how} ${newest} (${size} bytes)`);
    if (how === 'truncate') truncateSync(path, random.below(Math.max(1, size)));
    else flipBit(path, random.below(Math.max(1, size)), random.below(8));
  }
}

function flipBit(path: string, at: number, bit: number): void {
  const bytes = readFileSync(path);
  if (bytes.length === 0) return;
  bytes[at]! ^= 1 << bit;
  writeFileSync(path, bytes);
}

async function fillDisk({ study, note }: Scene, seconds: number): Promise<boolean> {
  const filler = join(study.directory, 'checkpoint', 'filler');
  note(`fill the disk for ${seconds} s`);
  const file = openSync(filler, 'w');
  const block = Buffer.alloc(64 * 1024);
  try {
    for (let written = 0; written <= DISK_BYTES;) written += writeSync(file, block);
  } catch {
    // full, as wished
  } finally {
    closeSync(file);
  }
  await sleep(seconds * 1000);
  unlinkSync(filler);
  return true;
}

/** A small disk of its own for checkpoint/; false where this process may not mount one. */
export function mountDisk(path: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path]).status === 0;
}
export function unmountDisk(path: string): void {
  spawnSync('umount', [path]);
}
