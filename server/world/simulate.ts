// SPDX-License-Identifier: Apache-2.0
import { simulate } from './simulation/world.ts';
const [a, b] = process.argv.slice(2).map(Number);
const t = performance.now();
let bad = 0, virt = 0, ev = 0;
for (let s = a!; s < a! + b!; s++) {
  const v = await simulate(s);
  virt += v.virtualMs; ev += v.events;
  if (v.problems.length) { bad++; console.log(s, v.scenario.shape, v.scenario.profile, v.problems.slice(0, 2).join(' | ').slice(0, 400)); if (b === 1) console.log(v.trace.join('\n'), JSON.stringify(v.scenario)); }
}
console.log(bad, 'bad of', b, (performance.now() - t) / b!, 'ms wall', process.cpuUsage().user / 1000 / b!, 'cpu ms', virt / b!, 'virtual', ev / b!, 'events');
