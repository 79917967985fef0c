// SPDX-License-Identifier: Apache-2.0
/**
 * What a study's directory holds and how it is found. The command line writes compiled.json (what head and ranks read),
 * study.yaml and manifest.json (what was asked for), the token and the keys, and owner.json (who runs it); the head writes head.json, checkpoints, events and
 * results.
 */
import { join, resolve } from 'node:path';
import type { CompiledStudy } from '@melissa/crds';
import type { Client } from '@melissa/api';
import { failure } from './errors.ts';
import { keysDirectory, tokenFile, workDirectory } from './local/launch.ts';
import { LEFTOVERS_MS_MAX } from './limits.ts';
import { manifestText, type Manifest } from './manifest.ts';
import type { HeadFile, Owner, World } from './world.ts';

export const compiledFile = (directory: string): string => join(directory, 'compiled.json');
const ownerFile = (directory: string): string => join(directory, 'owner.json');
export const STUDIES = 'studies';
/** Directories tried for a study that is run again: more is surely a loop gone wild. */
const NUMBERED_MAX = 10_000;

/** The directory of a new study: as asked for, else as the manifest says; a default that is taken gets a number. */
export function newDirectory(world: World, study: CompiledStudy, asked: string | undefined): string {
  if (asked !== undefined) return resolve(world.cwd, asked);
  const wanted = resolve(world.cwd, study.local.directory);
  if (wanted !== resolve(world.cwd, STUDIES, study.name) || !world.files.exists(compiledFile(wanted))) return wanted;
  for (let number = 2; number < NUMBERED_MAX; number++) {
    const candidate = `${wanted}-${number}`;
    if (!world.files.exists(compiledFile(candidate))) return candidate;
  }
  throw failure('EDIRECTORY_USED', wanted);
}

/** Writes what head, ranks and pilots need. Refuses a directory that holds a study already. */
export function createStudy(world: World, directory: string, study: CompiledStudy, manifest: Manifest): void {
  const { files } = world;
  if (files.exists(compiledFile(directory))) {
    throw failure('EDIRECTORY_USED', directory, {
      remedy: `Continue it with \`melissa run --resume ${directory}\`, name another with --directory, or remove it.`,
    });
  }
  try {
    for (const folder of [directory, join(directory, 'logs'), workDirectory(directory)]) files.makeDirectory(folder);
    files.writeText(tokenFile(directory), `${world.randomHex(32)}\n`, 0o600);
    if (study.local.encrypt) writeKeys(world, directory);
    files.writeText(join(directory, 'study.yaml'), manifestText(manifest));
    files.writeText(join(directory, 'manifest.json'), `${JSON.stringify(manifest.tree)}\n`);
    files.writeText(compiledFile(directory), `${JSON.stringify(study, null, 1)}\n`);
  } catch (cause) {
    throw failure('EDIRECTORY', `${directory} (${(cause as Error).message})`, { cause });
  }
}

/** A pair for the server and one for all its clients, in the form in which a cluster mounts them (docs/how-to/encrypt.md). */
function writeKeys(world: World, directory: string): void {
  const [server, client] = [world.keyPair(), world.keyPair()];
  const contents = {
    server: { 'server.key': server.secretKey, 'server.pub': server.publicKey, 'client.pub': client.publicKey },
    client: { 'client.key': client.secretKey, 'client.pub': client.publicKey, 'server.pub': server.publicKey },
  };
  for (const side of ['server', 'client'] as const) {
    const folder = keysDirectory(directory, side);
    world.files.makeDirectory(folder);
    for (const [name, key] of Object.entries(contents[side]))
      world.files.writeText(join(folder, name), `${key}\n`, 0o600);
  }
}

export function readStudy(world: World, directory: string): CompiledStudy {
  return JSON.parse(world.files.readText(compiledFile(directory))) as CompiledStudy;
}

/** Makes this process the owner, after the processes of an owner that died have ended. */
export async function takeOwnership(world: World, directory: string, mark: string): Promise<void> {
  const before = world.ownerOf(directory);
  if (before !== null) {
    if (world.isAlive(before)) throw failure('ERUNNING', `${directory} (process ${before.pid})`);
    await endLeftovers(world, before);
  }
  world.files.writeText(ownerFile(directory), `${JSON.stringify(world.self(mark))}\n`);
}

async function endLeftovers(world: World, owner: Owner): Promise<void> {
  const endMs = world.clock.monotonicMs() + LEFTOVERS_MS_MAX;
  while (world.leftovers(owner.mark) > 0) {
    if (world.clock.monotonicMs() > endMs) return world.endLeftovers(owner.mark);
    await new Promise<void>((wake) => world.clock.after(100, wake));
  }
}

/** The study a command is about: --directory, the present folder, or the one started last under ./studies. */
export function findStudy(world: World, asked: string | undefined): string {
  const { files, cwd } = world;
  if (asked !== undefined) {
    const directory = resolve(cwd, asked);
    if (!files.exists(compiledFile(directory))) throw failure('ENOSTUDY', `${directory} holds no study`);
    return directory;
  }
  if (files.exists(compiledFile(cwd))) return cwd;
  const studies = files
    .list(join(cwd, STUDIES))
    .map((name) => join(cwd, STUDIES, name))
    .map((directory) => ({ directory, startedMs: files.modifiedMs(ownerFile(directory)) ?? -1 }))
    .filter(({ startedMs }) => startedMs >= 0)
    .sort((a, b) => b.startedMs - a.startedMs);
  if (studies[0] === undefined) throw failure('ENOSTUDY', `no study under ${join(cwd, STUDIES)}`);
  return studies[0].directory;
}

export function readHeadFile(world: World, directory: string): HeadFile | null {
  try {
    return JSON.parse(world.files.readText(join(directory, 'head.json'))) as HeadFile;
  } catch {
    return null; // not written yet
  }
}

/** Whether a command line runs the study now. */
export function isRunning(world: World, directory: string): boolean {
  const owner = world.ownerOf(directory);
  return owner !== null && world.isAlive(owner);
}

/** A client of the running study. */
export function connectTo(world: World, directory: string): Client {
  const head = isRunning(world, directory) ? readHeadFile(world, directory) : null;
  if (head === null) {
    throw failure('ENOSTUDY', `${directory} is not running`, {
      remedy: `Continue it with \`melissa run --resume ${directory}\`; what it has written shows \`melissa results\`.`,
    });
  }
  return world.connect(head.http, readToken(world, directory));
}

export const readToken = (world: World, directory: string): string => world.files.readText(tokenFile(directory)).trim();
