// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ApiRequest, Transport } from 'operator-runtime';
import { authorize, questionOf } from './authorize.ts';

/** Answers reviews as the API server does. */
function reviewer(review: object, access: object): Transport & { asked: ApiRequest[] } {
  const asked: ApiRequest[] = [];
  return {
    asked,
    close: () => {},
    send: async (request) => {
      asked.push(request);
      const body = JSON.stringify({ status: request.path.includes('tokenreviews') ? review : access });
      return {
        status: 201,
        headers: {},
        body: (async function* () {
          yield Buffer.from(body);
        })(),
      };
    },
  };
}
const question = { namespace: 'lab', study: 'heat', token: 'abc' };
const known = { authenticated: true, audiences: ['melissa.dev'], user: { username: 'ada', groups: ['lab'] } };

test('a user who may get the study is let in, and is asked about as exactly that study', async () => {
  const api = reviewer(known, { allowed: true });
  assert.deepEqual(await authorize(api, question), { allowed: true, reason: '', user: 'ada' });
  const [review, access] = api.asked.map(
    ({ body }) => (JSON.parse(body ?? '') as { spec: Record<string, unknown> }).spec,
  );
  assert.deepEqual(review, { token: 'abc', audiences: ['melissa.dev'] });
  assert.deepEqual(access?.['resourceAttributes'], {
    ...{
      group: 'melissa.dev',
      version: 'v1alpha1',
      resource: 'melissastudies',
      verb: 'get',
      namespace: 'lab',
      name: 'heat',
    },
  });
});

for (const [what, review, access] of [
  ['a token that is not known', { authenticated: false }, { allowed: true }],
  [
    'a token of another audience, from a server that does not check audiences',
    { authenticated: true, user: { username: 'ada' } },
    { allowed: true },
  ],
  ['a user without the right', known, { allowed: false }],
] as const)
  test(`${what} is refused`, async () => {
    assert.equal((await authorize(reviewer(review, access), question)).allowed, false);
  });

test('what is not a question is refused before anybody is asked', () => {
  for (const body of [
    null,
    'x',
    {},
    { ...question, study: '../other' },
    { ...question, token: '' },
    { ...question, token: 'x'.repeat(20_000) },
  ])
    assert.equal(questionOf(body), null);
  assert.deepEqual(questionOf({ ...question, more: 1 }), question);
});
