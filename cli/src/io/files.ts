// SPDX-License-Identifier: Apache-2.0
/** The machine's file system as the commands use it. */
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { Files } from '../world.ts';

export const systemFiles: Files = {
  exists: (path) => fs.existsSync(path),
  isDirectory: (path) => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
  isExecutable(path) {
    try {
      fs.accessSync(path, fs.constants.X_OK);
      return fs.statSync(path).isFile();
    } catch {
      return false;
    }
  },
  sizeBytes: (path) => fs.statSync(path, { throwIfNoEntry: false })?.size ?? null,
  modifiedMs: (path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null,
  readText: (path) => fs.readFileSync(path, 'utf8'),
  readTail,
  writeText(path, text, mode = 0o644) {
    fs.mkdirSync(dirname(path), { recursive: true });
    const next = `${path}.new`;
    fs.rmSync(next, { force: true });
    fs.writeFileSync(next, text, { mode });
    fs.renameSync(next, path);
  },
  writeBytes: (path, bytes) => fs.writeFileSync(path, bytes),
  makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
  remove: (path) => fs.rmSync(path, { recursive: true, force: true }),
  list: (path) => (fs.existsSync(path) ? fs.readdirSync(path) : []),
};

function readTail(path: string, bytes: number): string {
  const size = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size === 0) return '';
  const start = Math.max(0, size - bytes);
  const file = fs.openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(size - start);
    const read = fs.readSync(file, buffer, 0, buffer.length, start);
    const text = buffer.toString('utf8', 0, read);
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    fs.closeSync(file);
  }
}
