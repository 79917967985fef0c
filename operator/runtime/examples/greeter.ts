// SPDX-License-Identifier: Apache-2.0
import { controller, done, runOperator, type Kind, type KubernetesObject } from 'operator-runtime';

type Greeting = KubernetesObject & { spec: { names: string[] }; status?: { greeted: number } };
const greetings: Kind<Greeting> = {
  group: 'demo.example',
  version: 'v1',
  plural: 'greetings',
  kind: 'Greeting',
  namespaced: true,
};
const configMaps: Kind = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
  keep: [],
};

const greeter = controller({
  name: 'greeter',
  kind: greetings,
  owns: [configMaps],
  async reconcile({ object, owned, client, event }) {
    if (object === null || object.metadata.deletionTimestamp !== undefined) return done;
    const { name, namespace } = object.metadata;
    for (const who of object.spec.names)
      await client.apply(
        configMaps,
        { metadata: { name: `${name}-${who}`, namespace }, data: { text: `Hello, ${who}!` } },
        object,
      );
    const wanted = new Set(object.spec.names.map((who) => `${name}-${who}`));
    for (const card of owned(configMaps)) if (!wanted.has(card.metadata.name)) await client.delete(configMaps, card);
    if (object.status?.greeted !== wanted.size) await event('Normal', 'Greeted', `Greeted ${wanted.size} names.`);
    await client.applyStatus(greetings, object, { greeted: wanted.size });
    return done;
  },
});

const { PORT = '8080', LEASE_MS = '15000' } = process.env;
await runOperator({
  name: 'greeter',
  controllers: [greeter],
  election: { leaseMs: Number(LEASE_MS) },
  health: { port: Number(PORT) },
});
