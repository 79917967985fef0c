// SPDX-License-Identifier: Apache-2.0
/** kit: what every package may use and nobody has to configure. It depends on nothing. */
export { type Clock, systemClockFrom, ManualClock, type TimerHandle } from './clock.ts';
export { Random } from './random.ts';
export { BoundedQueue } from './bounded-queue.ts';
export { ProjectError, assert, type ErrorFacts } from './errors.ts';
export { parseQuantity, formatBytes, formatDuration } from './units.ts';
export { type Backend, type BackendProcess, type BackendScope } from './backend.ts';
export { closest } from './closest.ts';
export { decodeZ85, encodeZ85 } from './z85.ts';
