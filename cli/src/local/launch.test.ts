// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { headOptions, launchFor, type LaunchSetup } from './launch.ts';

const setup: LaunchSetup = {
  parts: { node: 'node', server: 'main.ts', pilot: 'pilot', python: '', include: '', library: '', templates: '' },
  directory: '/study',
  manifestDirectory: '/manifests',
  listen: '127.0.0.1',
  port: 0,
  control: 'tcp://127.0.0.1:*',
  resume: false,
  advertise: null,
  encrypt: false,
  environment: {},
};

test("Node's options come before the head's program, and the image of the server has the same", () => {
  const { args } = launchFor('head', 0, '', setup);
  const program = args.indexOf('main.ts');
  assert.deepEqual(args.slice(0, program), headOptions);
  assert.equal(args[program + 1], 'head');
  const image = readFileSync(new URL('../../../images/server/Dockerfile', import.meta.url), 'utf8');
  const words = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(image)![1]!) as string[];
  assert.deepEqual(words.slice(1, -1), headOptions);
});
