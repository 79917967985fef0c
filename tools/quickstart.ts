// SPDX-License-Identifier: Apache-2.0
/** `npm run quickstart`: set up, build, run the heat study with live progress, and say where everything is. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { at } from './setup/run.ts';
import { build } from './setup/build.ts';
import { setUp } from './setup/set-up.ts';

export async function quickstart(args: string[]): Promise<number> {
  const startedMs = Date.now();
  setUp('quickstart');
  build();
  process.stderr.write(`set-up took ${Math.round((Date.now() - startedMs) / 100) / 10} s\n\n`);
  const code = await study(args);
  if (code === 0) sayWhatNext();
  return code;
}

/** The command a user would type. A ^C reaches it from the terminal by itself; a signal to us alone is passed on. */
function study(args: string[]): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(at('bin', 'melissa'), ['run', at('examples', 'heat', 'study.yaml'), ...args], {
      cwd: at(),
      stdio: 'inherit',
    });
    process.on('SIGINT', () => {}).on('SIGTERM', () => child.kill('SIGTERM'));
    child.on('error', (error) => {
      process.stderr.write(`quickstart: ${error.message}\n`);
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

function sayWhatNext(): void {
  const onPath = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(`${folder}/melissa`));
  process.stdout.write('\n');
  if (!onPath) process.stdout.write(`Put the command on your PATH:  export PATH="${at('bin')}:$PATH"\n`);
  process.stdout.write('Then: melissa --help, and docs/tutorial/your-first-study.md\n');
}
