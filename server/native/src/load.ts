// SPDX-License-Identifier: Apache-2.0
/**
 * Finds and loads the addon: built in this repository (build/native), or prebuilt beside this package's compiled code. Loading it
 * starts nothing: no thread, no socket.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ProjectError } from '@melissa/kit';
import { errors } from './errors.ts';
import type { NativeAddon } from './native.ts';

const FILE = 'melissa_native.node';
const require = createRequire(import.meta.url);

function load(): NativeAddon {
  const candidates = [`./${FILE}`, `../${FILE}`, `../../../build/native/${FILE}`];
  const reasons: string[] = [];
  for (const candidate of candidates) {
    const path = fileURLToPath(new URL(candidate, import.meta.url));
    try {
      return require(path) as NativeAddon;
    } catch (error) {
      reasons.push(`${path}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
    }
  }
  throw new ProjectError({
    code: 'EADDON',
    message: `${errors.EADDON.message} (${reasons.join('; ')})`,
    remedy: errors.EADDON.remedy,
  });
}

export const native: NativeAddon = load();
