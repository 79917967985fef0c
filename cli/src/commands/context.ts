// SPDX-License-Identifier: Apache-2.0
/** What every command gets, and how it answers: as text or as one JSON document, never both. */
import { ProjectError } from '@melissa/kit';
import type { ExitName } from '../exit-codes.ts';
import type { World } from '../world.ts';

export type Context = { world: World; output: 'text' | 'json' };
export type CommandResult = Promise<ExitName>;

/** Prints the answer of a command. `text` is only made when it is printed. */
export function reply(context: Context, json: unknown, text: () => string): void {
  const answer = context.output === 'json' ? JSON.stringify(json, null, 2) : text();
  if (answer !== '') context.world.terminal.write(answer.endsWith('\n') ? answer : `${answer}\n`);
}

/** A line for the person who waits; nothing in JSON output. */
export function say(context: Context, text: string): void {
  if (context.output === 'text') context.world.terminal.write(`${text}\n`);
}

export function replyError(context: Context, error: unknown): void {
  const known = error instanceof ProjectError;
  if (context.output === 'json') {
    const body = known
      ? { code: error.code, message: error.message, remedy: error.remedy, facts: error.facts, ...problemsOf(error) }
      : {
          code: 'EINTERNAL',
          message: String((error as Error)?.stack ?? error),
          remedy: 'Please report it with this text.',
          facts: {},
        };
    context.world.terminal.write(`${JSON.stringify({ error: body }, null, 2)}\n`);
    return;
  }
  const text = known
    ? `melissa: ${error.message}\n  ${error.remedy} (${error.code})`
    : `melissa: ${String((error as Error)?.stack ?? error)}`;
  context.world.terminal.writeError(`${text}\n`);
}

/** A manifest's mistakes, one by one. */
function problemsOf(error: ProjectError): { problems?: unknown } {
  return 'problems' in error ? { problems: error.problems } : {};
}
