// SPDX-License-Identifier: Apache-2.0
/** Commands that change a running study: scale, suspend, resume, cancel. */
import type { Client } from '@melissa/api';
import { failure } from '../errors.ts';
import { connectTo, findStudy } from '../study-directory.ts';
import { reply, type CommandResult, type Context } from './context.ts';
import type { OnStudy } from './study.ts';

export async function scale(context: Context, text: string, options: OnStudy): CommandResult {
  if (!/^[0-9]{1,6}$/.test(text))
    throw failure('ECOMMAND', `"${text}" is no number of pilots`, {
      remedy: 'Give a whole number, for example `melissa scale 4`.',
    });
  return change(
    context,
    options,
    (client) => client.parallelism(Number(text)),
    `running ${text} simulations at once from now on`,
  );
}

export const suspend = (context: Context, options: OnStudy): CommandResult =>
  change(
    context,
    options,
    (client) => client.suspend(),
    'suspended: nothing new is started; go on with `melissa resume`',
  );

export const resume = (context: Context, options: OnStudy): CommandResult =>
  change(context, options, (client) => client.resume(), 'going on');

export const cancel = (context: Context, options: OnStudy & { reason?: string }): CommandResult =>
  change(
    context,
    options,
    (client) => client.cancel(options.reason ?? 'cancelled with `melissa cancel`'),
    'cancelled; results of what was counted are being written',
  );

async function change(
  context: Context,
  options: OnStudy,
  call: (client: Client) => Promise<unknown>,
  done: string,
): CommandResult {
  const directory = findStudy(context.world, options.directory);
  const answer = await call(connectTo(context.world, directory));
  reply(context, { directory, answer }, () => done);
  return 'ok';
}
