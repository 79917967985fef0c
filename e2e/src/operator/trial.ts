// SPDX-License-Identifier: Apache-2.0
/**
 * One mutated manifest on a real API server: it is refused in words that name the place, or not accepted with the place and the remedy, or it runs, or what keeps it
 * from running is told. Anything else is thrown, as a sentence.
 */
import { fakeNodeSelector, fakeNodeToleration } from '../../cluster/src/cluster.ts';
import type { Bench, StudyObject } from './bench.ts';
import { ask, studiesPath, type Answered } from './load.ts';
import type { Json, Mutated } from './mutate.ts';
import { until } from './operator-process.ts';
import { ScriptedHead } from './scripted-heads.ts';

export type Verdict = 'Refused' | 'NotAccepted' | 'Runs' | 'Told' | 'LeftAlone';
/** Longest time until something is said of a study. */
const VERDICT_MS = 120_000;
const STRICT = { fieldValidation: 'Strict' };
const APPLY = {
  query: { ...STRICT, fieldManager: 'person', force: 'true' },
  contentType: 'application/apply-patch+yaml',
};

/** Sound, small, and on nodes that pretend. */
export function forCluster(manifest: Json): Json {
  const of = structuredClone(manifest) as { metadata: Json; spec: Json & { client: Json; server?: Json } };
  const template = { nodeSelector: { ...fakeNodeSelector }, tolerations: [{ ...fakeNodeToleration }] };
  of.spec.client = {
    ...of.spec.client,
    image: 'localhost/busybox:1',
    parallelism: 2,
    template: structuredClone(template),
  };
  of.spec.server = { ...of.spec.server, template };
  return of;
}

/** Refusals of everything that is not a manifest of this kind at all have sentences without a path. */
const WITHOUT_PLACE = /too large|json|yaml|invalid character|nesting depth|exceeded max depth|unmarshal/i;
const PLACE = /\b(spec|metadata|apiVersion|kind|name)\b/;

function mustBeReadable({ status, body }: Answered): void {
  const message = typeof body['message'] === 'string' ? body['message'] : '';
  // So it answers to a server-side apply of another shape than the schema's; the message names the place all the same.
  const isShape = message.startsWith('failed to create typed patch object');
  if (status >= 500 && !isShape && !WITHOUT_PLACE.test(message))
    throw new TypeError(`the API server failed: ${status} ${message}`);
  if (!PLACE.test(message) && !WITHOUT_PLACE.test(message))
    throw new TypeError(`refused without naming a place: ${status} ${JSON.stringify(message)}`);
}

const said = (study: StudyObject, type: string) => study.status?.conditions?.find((one) => one.type === type);
/** Not yet a word about what is the case. */
const passing = ['Starting', 'HeadSilent', 'RanksMissing', 'NotAccepted'];

function verdictOf(study: StudyObject): Verdict | null {
  const { managedBy } = study.spec;
  if (managedBy !== undefined && managedBy !== 'melissa.dev/operator') return 'LeftAlone';
  const accepted = said(study, 'Accepted') as { observedGeneration?: number } & ReturnType<typeof said>;
  if (accepted === undefined || accepted.observedGeneration !== study.metadata.generation) return null;
  if (accepted.status === 'False') {
    const { message } = accepted;
    // Each problem is `place: what is wrong. What to do.`
    if (!/^(spec|metadata)[^ ]*( |,|:).+[.?!…]/.test(message) && message.length < 1000)
      throw new TypeError(`not accepted without a place and a remedy: ${accepted.reason} ${JSON.stringify(message)}`);
    return 'NotAccepted';
  }
  for (const type of ['ServerReady', 'Suspended', 'Succeeded', 'Failed'])
    if (said(study, type)?.status === 'True') return 'Runs';
  const told = [said(study, 'ServerReady'), said(study, 'Degraded')].find(
    (one) => one !== undefined && one.status !== 'Unknown' && one.message !== '' && !passing.includes(one.reason),
  );
  return told === undefined || told.reason === 'AsExpected' ? null : 'Told';
}

export class Trial {
  readonly #bench: Bench;
  readonly #namespace: string;
  readonly #mutated: Mutated;
  constructor(bench: Bench, namespace: string, mutated: Mutated) {
    this.#bench = bench;
    this.#namespace = namespace;
    this.#mutated = mutated;
    this.#name = String((mutated.manifest['metadata'] as Json)['name']);
  }
  #name: string;
  get #path(): string {
    return `${studiesPath(this.#namespace)}/${encodeURIComponent(this.#name)}`;
  }

  async run(): Promise<Verdict> {
    const { way, sound, manifest } = this.#mutated;
    if (way === 'Change') await this.#start(sound);
    this.#name = String((manifest['metadata'] as Json)['name']);
    this.#script(manifest);
    const answer = await this.#send();
    if (answer.status >= 400) {
      mustBeReadable(answer);
      if (way === 'Change') await this.#remove();
      return 'Refused';
    }
    const verdict = await this.#verdict();
    // Those that are not accepted stay, so that a test can see that nobody comes back to them.
    if (verdict !== 'NotAccepted' || way === 'Change') await this.#remove();
    return verdict;
  }

  async #send(): Promise<Answered> {
    const { way, manifest } = this.#mutated;
    const collection = studiesPath(this.#namespace);
    // These two make other addresses of the name's.
    if (way === 'Apply' && !['', '..'].includes(this.#name))
      return ask(this.#bench, 'PATCH', this.#path, { body: manifest, ...APPLY });
    if (way !== 'Change') return ask(this.#bench, 'POST', collection, { body: manifest, query: STRICT });
    for (;;) {
      const { body } = await ask(this.#bench, 'GET', this.#path);
      const { labels, annotations } = manifest['metadata'] as Json;
      const metadata = { ...(body['metadata'] as Json), labels, annotations };
      const changed = { ...body, metadata, spec: manifest['spec'] };
      const answer = await ask(this.#bench, 'PUT', this.#path, { body: changed, query: STRICT });
      // The operator wrote its status in between.
      if (answer.status !== 409) return answer;
    }
  }

  async #start(sound: Json): Promise<void> {
    this.#name = String((sound['metadata'] as Json)['name']);
    this.#script(sound);
    const answer = await ask(this.#bench, 'POST', studiesPath(this.#namespace), { body: sound, query: STRICT });
    if (answer.status >= 400) throw new TypeError(`the sound manifest was refused: ${JSON.stringify(answer.body)}`);
    await this.#verdict();
  }

  /** Few simulations are wanted, and none ends: whatever a manifest asks for, few pilots are needed. */
  #script(manifest: Json): void {
    const key = `${this.#name}.${this.#namespace}`;
    const ranks = (manifest['spec'] as { server?: { ranks?: unknown } } | null)?.server?.ranks;
    const count = typeof ranks === 'number' && ranks >= 1 && ranks <= 1024 ? Math.floor(ranks) : 1;
    if (!this.#bench.heads.of.has(key)) this.#bench.heads.of.set(key, new ScriptedHead(4, count, 0));
  }

  async #verdict(): Promise<Verdict> {
    let found: Verdict | null = null;
    let last: StudyObject | null = null;
    const look = async (): Promise<boolean> => {
      last = await this.#bench.find<StudyObject>(this.#path);
      // A study may have had the wish to be deleted as soon as it ends.
      found = last === null ? 'Runs' : verdictOf(last);
      return found !== null;
    };
    await until(`a word about ${this.#name}`, look, VERDICT_MS).catch((error: unknown) => {
      const conditions = last?.status?.conditions?.map(
        ({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`,
      );
      throw new TypeError(`nothing is said of it: ${JSON.stringify(conditions ?? 'no status')}`, { cause: error });
    });
    return found!;
  }

  async #remove(): Promise<void> {
    await ask(this.#bench, 'DELETE', this.#path);
  }
  /** Before it is tried again, with fewer steps. */
  async forget(): Promise<void> {
    if (this.#name === '') return;
    await this.#remove();
    await until(`the end of ${this.#name}`, async () => (await ask(this.#bench, 'GET', this.#path)).status === 404);
    this.#bench.heads.of.delete(`${this.#name}.${this.#namespace}`);
  }
}
