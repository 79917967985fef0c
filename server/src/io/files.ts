// SPDX-License-Identifier: Apache-2.0
/**
 * Files that must survive a power cut: written beside their place, synced, renamed, and the folder synced, so that a reader
 * finds the old file or the new one and never a part. Called by the head's composition with absolute paths.
 */
import { constants } from 'node:fs';
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { crc32 as zlibCrc32 } from 'node:zlib';

export const crc32 = (bytes: Uint8Array): number => zlibCrc32(bytes);

export async function writeAtomically(path: string, content: Uint8Array | string, mode = 0o644): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    const file = await open(beside, 'w', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (cause) {
    await rm(beside, { force: true });
    throw cause;
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Creates the file if nobody has; false when it exists. */
export async function createExclusively(path: string, content: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
  await syncFolder(dirname(path));
  return true;
}

/** null when there is no such file. */
export async function readIfThere(path: string): Promise<Uint8Array | null> {
  try {
    return await readFile(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw cause;
  }
}

/** Names in the folder; empty when there is no such folder. */
export async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
}

/** With the folders above it that are missing; their names survive a power cut. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first !== undefined)
    for (let made = resolve(path); made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
  await access(path, constants.W_OK);
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

export const joinPath = join;

/** What the head needs of a file system; tests give another one. */
export type Files = {
  writeAtomically(path: string, content: Uint8Array | string): Promise<void>;
  createExclusively(path: string, content: string): Promise<boolean>;
  readIfThere(path: string): Promise<Uint8Array | null>;
  listFolder(path: string): Promise<string[]>;
  makeFolder(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
  crc32(bytes: Uint8Array): number;
};
export const realFiles: Files = {
  writeAtomically,
  createExclusively,
  readIfThere,
  listFolder,
  makeFolder,
  removeFile,
  crc32,
};
