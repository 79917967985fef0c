// SPDX-License-Identifier: Apache-2.0
import { controller, done, kindOf, runOperator, type KubernetesObject } from 'operator-runtime';

type Greeting = KubernetesObject & { spec: { names: string[] }; status?: { greeted: number } };
const greetings = kindOf<Greeting>('demo.example/v1/greetings', 'Greeting');
const configMaps = kindOf('v1/configmaps', 'ConfigMap', { keep: [] }); // of these the cache keeps metadata alone

const greeter = controller({
  name: 'greeter',
  kind: greetings,
  owns: [configMaps],
  async reconcile({ object, owned, client, event }) {
    if (object === null || object.metadata.deletionTimestamp !== undefined) return done;
    const { name, namespace } = object.metadata;
    const cards = new Map(object.spec.names.map((who) => [`${name}-${who}`, { text: `Hello, ${who}!` }]));
    for (const [card, data] of cards)
      await client.apply(configMaps, { metadata: { name: card, namespace }, data }, object);
    for (const card of owned(configMaps)) if (!cards.has(card.metadata.name)) await client.delete(configMaps, card);
    if (object.status?.greeted !== cards.size) await event('Normal', 'Greeted', `Greeted ${cards.size} names.`);
    await client.applyStatus(greetings, object, { greeted: cards.size });
    return done;
  },
});

const { PORT = '8080', LEASE_MS = '15000' } = process.env;
const election = { leaseMs: Number(LEASE_MS) };
await runOperator({ name: 'greeter', controllers: [greeter], election, health: { port: Number(PORT) } });
