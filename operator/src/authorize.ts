// SPDX-License-Identifier: Apache-2.0
/**
 * Whether a Kubernetes token may read a study's REST: it must have been issued for the audience `melissa.dev`, so that a token meant for the API server is never
 * handed to a head in vain, and its user must be allowed to `get` the MelissaStudy. Heads have no rights of their own and ask here. Pure but for
 * the transport.
 */
import { resource } from '@melissa/crds';
import { sendJson, type Transport } from 'operator-runtime';

export const AUDIENCE = 'melissa.dev';
const REQUEST_MS = 10_000;
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const TOKEN_LENGTH_MAX = 16_384;

export type Question = { namespace: string; study: string; token: string };
export type Answer = { allowed: boolean; reason: string; user: string };

type TokenReview = {
  status?: { authenticated?: boolean; audiences?: string[]; error?: string; user?: User };
};
type User = { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> };
type AccessReview = { status?: { allowed?: boolean; reason?: string } };

const refused = (reason: string, user = ''): Answer => ({ allowed: false, reason, user });

/** Null when the body is not a question. */
export function questionOf(body: unknown): Question | null {
  const { namespace, study, token } = (typeof body === 'object' && body !== null ? body : {}) as Record<
    string,
    unknown
  >;
  const isName = (value: unknown): value is string => typeof value === 'string' && NAME.test(value);
  if (!isName(namespace) || !isName(study) || typeof token !== 'string') return null;
  return token.length > TOKEN_LENGTH_MAX || token === '' ? null : { namespace, study, token };
}

export async function authorize(transport: Transport, { namespace, study, token }: Question): Promise<Answer> {
  const create = <T>(path: string, kind: string, spec: Record<string, unknown>): Promise<T> =>
    sendJson<T>(transport, {
      method: 'POST',
      path: `${path}s`,
      body: JSON.stringify({ apiVersion: `${path.split('/')[2]}/v1`, kind, spec }),
      timeoutMs: REQUEST_MS,
    });
  const review = await create<TokenReview>('/apis/authentication.k8s.io/v1/tokenreview', 'TokenReview', {
    token,
    audiences: [AUDIENCE],
  });
  const { authenticated, audiences = [], user = {} } = review.status ?? {};
  if (authenticated !== true) return refused('the token is not valid for the audience melissa.dev');
  // A server that knows no audiences would accept any token.
  if (!audiences.includes(AUDIENCE)) return refused('the token was not issued for the audience melissa.dev');
  const { username = '', uid, groups, extra } = user;
  const access = await create<AccessReview>(
    '/apis/authorization.k8s.io/v1/subjectaccessreview',
    'SubjectAccessReview',
    {
      user: username,
      ...(uid === undefined ? {} : { uid }),
      ...(groups === undefined ? {} : { groups }),
      ...(extra === undefined ? {} : { extra }),
      resourceAttributes: {
        group: resource.group,
        version: resource.version,
        resource: resource.plural,
        verb: 'get',
        namespace,
        name: study,
      },
    },
  );
  if (access.status?.allowed === true) return { allowed: true, reason: '', user: username };
  return refused(`${username} may not get melissastudies/${study} in ${namespace}`, username);
}
