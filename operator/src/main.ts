// SPDX-License-Identifier: Apache-2.0
/** The operator's entry point. Exit codes: 0 told to end, 2 a setting is missing or wrong, 1 anything else. */
import { ProjectError } from '@melissa/kit';
import { runMelissaOperator } from './io/operator.ts';
import { readSettings } from './settings.ts';

try {
  await runMelissaOperator(readSettings(process.env));
} catch (cause) {
  const isOurs = cause instanceof ProjectError;
  process.stderr.write(`${isOurs ? cause.explain() : String((cause as Error).stack ?? cause)}\n`);
  process.exit(isOurs ? 2 : 1);
}
