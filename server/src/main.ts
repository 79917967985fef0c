// SPDX-License-Identifier: Apache-2.0
/**
 * The study server's processes: `main.ts head …` and `main.ts rank …`, started by a backend, or `main.ts pod …`, which is one or the
 * other by the pod's ordinal. Exit codes: 0 ended as it
 * should, 1 cannot go on (the last line on stderr says why), 2 the command line is wrong, 4 the head was silent, 5 a newer head
 * took over, 6 as 1 and to start it again cannot help.
 */
import { ProjectError } from '@melissa/kit';
import { parseArguments, type HeadArguments, type RankArguments } from './io/arguments.ts';
import { makeLog } from './io/log.ts';
import { parsePodArguments } from './io/pod.ts';
import { assertLimits } from './limits.ts';

/** What is wrong with the directory or the keys stays wrong until a person mends it. */
const lasting = new Set(['ECHECKPOINT_STUDY', 'ESTUDY_DIRECTORY', 'ERESUME', 'EKEYS']);

function optionsOf(words: string[]): HeadArguments | RankArguments {
  if (words[0] !== 'pod') return parseArguments(words);
  const { MELISSA_POD_NAME, MELISSA_POD_INDEX, MELISSA_NAMESPACE, MELISSA_STUDY } = process.env;
  return parsePodArguments(words.slice(1), {
    podName: MELISSA_POD_NAME,
    podIndex: MELISSA_POD_INDEX,
    namespace: MELISSA_NAMESPACE,
    study: MELISSA_STUDY,
  });
}

async function main(): Promise<number> {
  const log = makeLog(process.argv[2] ?? 'server');
  try {
    assertLimits();
    const options = optionsOf(process.argv.slice(2));
    // The head never loads the addon, and a rank never loads SQLite or the HTTP server.
    if (options.role === 'head') return await (await import('./io/run-head.ts')).runHead(options, log);
    return await (await import('./io/run-rank.ts')).runRank(options, log);
  } catch (cause) {
    if (cause instanceof ProjectError) log('error', cause.explain(), { code: cause.code, ...cause.facts });
    else log('error', String((cause as Error).stack ?? cause));
    if (!(cause instanceof ProjectError)) return 1;
    return cause.code === 'EUSAGE' ? 2 : lasting.has(cause.code) ? 6 : 1;
  }
}

process.exit(await main());
