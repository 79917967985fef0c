// SPDX-License-Identifier: Apache-2.0
/**
 * Asks the operator whether the bearer of a Kubernetes token may look at this study. The head has no rights in the cluster, so
 * the operator, which has, reviews the token (audience melissa.dev) and the caller's right to `get` this MelissaStudy. Called
 * by the HTTP server for tokens that are not the study's. Answers are kept for seconds, so that a page that asks every
 * second costs the API server little; how many are kept and how many questions are under way is bounded.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { Clock } from '@melissa/kit';
import { problem } from '../http/errors.ts';

export const authorizeLimits = {
  /** How long an answer holds: a right that was taken away works on for so long at most. */
  keepMs: 10_000,
  answersMax: 256,
  questionsMax: 16,
  timeoutMs: 5000,
  answerBytesMax: 64 * 1024,
} as const;

export type AuthorizeOptions = {
  url: string;
  /** PEM of the authority that signed the operator's certificate; null: those of the system. */
  authorityFile: string | null;
  namespace: string;
  study: string;
  clock: Clock;
};
/** True when the bearer may look. Throws EAUTHORIZE when nobody can say. */
export type Authorize = (token: string) => Promise<boolean>;

/** A service account's token: three parts. Anything else is refused without asking. */
const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;

export function makeAuthorize(options: AuthorizeOptions): Authorize {
  const { clock, authorityFile } = options;
  const agent = new Agent({
    keepAlive: true,
    maxSockets: authorizeLimits.questionsMax,
    ...(authorityFile === null ? {} : { ca: readFileSync(authorityFile) }),
  });
  const answers = new Map<string, { allowed: boolean; untilMs: number }>();
  const asking = new Map<string, Promise<boolean>>();
  const keep = (key: string, allowed: boolean): boolean => {
    answers.set(key, { allowed, untilMs: clock.monotonicMs() + authorizeLimits.keepMs });
    while (answers.size > authorizeLimits.answersMax) answers.delete(answers.keys().next().value!);
    return allowed;
  };
  return async (token) => {
    if (!tokenPattern.test(token)) return false;
    // Tokens are not kept: what is in memory opens nothing.
    const key = createHash('sha256').update(token).digest('base64');
    const known = answers.get(key);
    if (known !== undefined && known.untilMs > clock.monotonicMs()) return known.allowed;
    answers.delete(key);
    const underWay = asking.get(key);
    if (underWay !== undefined) return underWay;
    if (asking.size >= authorizeLimits.questionsMax) throw problem('EAUTHORIZE', 'too many tokens are being checked', { retryable: true }); // prettier-ignore
    const question = ask(options, agent, token).then((allowed) => keep(key, allowed));
    asking.set(key, question);
    try {
      return await question;
    } finally {
      asking.delete(key);
    }
  };
}

function ask({ url, namespace, study }: AuthorizeOptions, agent: Agent, token: string): Promise<boolean> {
  const body = JSON.stringify({ namespace, study, token });
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(problem('EAUTHORIZE', cause instanceof Error ? cause.message : String(cause), { retryable: true, cause }));
    const signal = AbortSignal.timeout(authorizeLimits.timeoutMs);
    const asked = request(url, { method: 'POST', agent, headers, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
        if (text.length > authorizeLimits.answerBytesMax) answer.destroy(new RangeError('the answer is too long'));
      });
      answer.on('error', fail);
      answer.on('end', () => {
        try {
          if (answer.statusCode !== 200) return fail(`the operator answers ${answer.statusCode}`);
          const { allowed } = JSON.parse(text) as { allowed?: unknown };
          if (typeof allowed !== 'boolean') return fail('the operator answers something else');
          resolve(allowed);
        } catch (cause) {
          fail(cause);
        }
      });
    });
    asked.on('error', fail);
    asked.end(body);
  });
}
