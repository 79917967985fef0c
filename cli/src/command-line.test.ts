// SPDX-License-Identifier: Apache-2.0
/** Commands in the real world of a scratch folder, with a terminal that remembers; no study is started here. */
import { test, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommandLine } from './command-line.ts';
import { systemWorld } from './io/world.ts';
import type { World } from './world.ts';

const MANIFEST = `apiVersion: melissa.dev/v1alpha1
kind: MelissaStudy
metadata: { name: small }
spec:
  parameters:
    - { name: a, uniform: { min: 0, max: 1 } }
  sampling: { method: Random, simulations: 4 }
  time: { steps: 2 }
  fields:
    - { name: u, cells: 10 }
  client: { command: [sh] }
`;

type Ran = { code: number; out: string; err: string };

function aPlace(
  context: TestContext,
  part: Partial<World> = {},
): { directory: string; melissa(...words: string[]): Promise<Ran> } {
  const directory = mkdtempSync(join(tmpdir(), 'melissa-cli-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const melissa = async (...words: string[]): Promise<Ran> => {
    const ran = { code: 0, out: '', err: '' };
    const world: World = {
      ...systemWorld(process.env),
      cwd: directory,
      terminal: {
        isTerminal: false,
        canAsk: false,
        looks: () => ({ columns: 100, unicode: true, color: false }),
        write: (text) => void (ran.out += text),
        writeError: (text) => void (ran.err += text),
        ask: async () => '',
      },
      ...part,
    };
    ran.code = await runCommandLine(words, world);
    return ran;
  };
  return { directory, melissa };
}

test('every mistake of a manifest is told at once, with path, value and remedy, and nothing is started', async (context) => {
  const { directory, melissa } = aPlace(context);
  writeFileSync(
    join(directory, 'study.yaml'),
    MANIFEST.replace('method: Random', 'metod: Random')
      .replace('max: 1 }', 'max: -1 }')
      .replace('cells: 10', 'cells: ten'),
  );
  const ran = await melissa('run', 'study.yaml');
  assert.equal(ran.code, 2);
  assert.equal(ran.out, '');
  assert.match(ran.err, /spec\.sampling\.metod .*did you mean method\?/);
  assert.match(ran.err, /spec\.parameters\[0\]\.uniform/);
  assert.match(ran.err, /spec\.fields\[0\]\.cells \("ten"\)/);
  assert.equal(existsSync(join(directory, 'studies')), false);
});

test('in JSON an error is one document on standard output, with each problem in it', async (context) => {
  const { directory, melissa } = aPlace(context);
  writeFileSync(join(directory, 'study.yaml'), MANIFEST.replace('simulations: 4', 'simulations: 0'));
  const ran = await melissa('validate', join(directory, 'study.yaml'), '--output', 'json');
  assert.equal(ran.code, 2);
  assert.equal(ran.err, '');
  const { error } = JSON.parse(ran.out) as { error: { code: string; problems: { path: string }[] } };
  assert.equal(error.code, 'EMANIFEST_INVALID');
  assert.equal(error.problems[0]!.path, 'spec.sampling.simulations');
  const usage = await melissa('run', '--no-such-option', '--output', 'json');
  assert.equal(usage.code, 2);
  assert.equal((JSON.parse(usage.out) as { error: { code: string } }).error.code, 'ECOMMAND');
});

test('validate prints the memory plan, and refuses what does not fit with what each remedy saves', async (context) => {
  const { directory, melissa } = aPlace(context);
  const path = join(directory, 'study.yaml');
  writeFileSync(path, MANIFEST);
  const fine = await melissa('validate', path);
  assert.equal(fine.code, 0);
  assert.match(fine.out, /is valid: small, 4 simulations, 640 B streamed/);
  assert.match(fine.out, /each rank +needs .* of 4\.29 GB: fits/);
  const large = await melissa(
    'validate',
    path,
    '--set',
    'spec.fields[u].cells=100000000',
    '--set',
    'statistics.quantiles=[0.5]',
  );
  assert.equal(large.code, 2);
  assert.match(large.out, /does not fit into server\.memory/);
  assert.match(large.out, /Saves [0-9.]+ GB/);
});

test('init writes an example whose manifest is valid, and overwrites nothing unasked', async (context) => {
  const { directory, melissa } = aPlace(context);
  for (const language of ['c', 'fortran', 'python']) {
    const ran = await melissa('init', language, '--language', language, '--output', 'json');
    assert.equal(ran.code, 0);
    const { files } = JSON.parse(ran.out) as { files: string[] };
    assert.ok(
      files.every((file) => !/@[A-Z]+@/.test(readFileSync(file, 'utf8'))),
      'every placeholder is filled',
    );
    const checked = await melissa('validate', join(directory, language, 'study.yaml'));
    assert.equal(checked.code, 0, checked.err);
    assert.match(checked.out, new RegExp(`valid: ${language}, `));
  }
  const again = await melissa('init', 'c', '--language', 'c');
  assert.equal(again.code, 2);
  assert.match(again.err, /EEXISTS/);
});

test('a solver that is missing or not executable is said before anything starts', async (context) => {
  const { directory, melissa } = aPlace(context);
  const path = join(directory, 'study.yaml');
  const parts = { ...systemWorld({}).parts, server: path, pilot: '/bin/true' };
  const place = aPlace(context, { parts });
  writeFileSync(path, MANIFEST);
  const missing = await place.melissa('run', path, '--set', 'client.command=[no-such-solver-anywhere]');
  assert.equal(missing.code, 5);
  assert.match(missing.err, /"no-such-solver-anywhere" is neither .*bin\/no-such-solver-anywhere nor on PATH/);
  writeFileSync(join(directory, 'solver.sh'), '');
  const blunt = await place.melissa('run', path, '--set', 'client.command=[./solver.sh]');
  assert.match(blunt.err, /solver\.sh is not executable/);
  const unbuilt = await melissa('run', path, '--set', 'client.command=[./solver.sh]');
  assert.equal(unbuilt.code, 5);
  assert.equal(existsSync(join(place.directory, 'studies')), false);
});

test('a taken port is named with its remedy', async (context) => {
  const { directory } = aPlace(context);
  const path = join(directory, 'study.yaml');
  writeFileSync(path, MANIFEST);
  const taken = createServer();
  await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
  context.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const place = aPlace(context, { parts: { ...systemWorld({}).parts, server: path, pilot: '/bin/true' } });
  const ran = await place.melissa('run', path, '--port', String(port));
  assert.equal(ran.code, 5);
  assert.match(ran.err, new RegExp(`the port is taken: 127\\.0\\.0\\.1:${port} .*EADDRINUSE`));
  assert.match(ran.err, /--port 0/);
});

test('commands about a study say that none runs, and a folder that is none', async (context) => {
  const { directory, melissa } = aPlace(context);
  for (const words of [['simulations'], ['scale', '3'], ['cancel'], ['status', '--directory', 'none']]) {
    const ran = await melissa(...words);
    assert.equal(ran.code, 3, words.join(' '));
    assert.match(ran.err, /ENOSTUDY/);
  }
  mkdirSync(join(directory, 'empty'));
  const resumed = await melissa('run', '--resume', 'empty');
  assert.equal(resumed.code, 2);
  assert.match(resumed.err, /ENO_RESUME/);
});

test('a state that does not exist is refused with the nearest one', async (context) => {
  const { melissa } = aPlace(context);
  const ran = await melissa('simulations', '--state', 'faild');
  assert.equal(ran.code, 2);
  assert.match(ran.err, /Did you mean Failed\?/);
});

test('completion scripts name every command, and bash and fish accept theirs', async (context) => {
  const { melissa } = aPlace(context);
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await melissa('completion', shell);
    assert.equal(code, 0);
    for (const name of ['run', 'validate', 'simulations', 'cancel']) assert.match(out, new RegExp(`\\b${name}\\b`));
  }
  const { out } = await melissa('completion', 'bash');
  const script = `${out}\nCOMP_WORDS=(melissa si); COMP_CWORD=1; _melissa; echo "\${COMPREPLY[*]}"; COMP_WORDS=(melissa run --re); COMP_CWORD=2; _melissa; echo "\${COMPREPLY[*]}"`;
  assert.equal(execFileSync('bash', ['-c', script], { encoding: 'utf8' }), 'simulations simulation\n--resume\n');
  assert.equal((await melissa('completion', 'csh')).code, 2);
});

test("bin/melissa finds its Node through links, and its exit code is the command's", (context) => {
  const { directory } = aPlace(context);
  const program = fileURLToPath(new URL('../../bin/melissa', import.meta.url));
  symlinkSync(program, join(directory, 'first'));
  symlinkSync('first', join(directory, 'melissa'));
  const environment = { PATH: '/usr/bin:/bin' };
  assert.match(
    execFileSync(join(directory, 'melissa'), ['--version'], { encoding: 'utf8', env: environment, cwd: '/' }),
    /^\d+\.\d+\.\d+\n$/,
  );
  assert.throws(
    () => execFileSync(join(directory, 'melissa'), ['status'], { env: environment, cwd: directory, stdio: 'pipe' }),
    { status: 3 },
  );
});
