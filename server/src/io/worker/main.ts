// SPDX-License-Identifier: Apache-2.0
/**
 * The I/O worker's thread: takes one message after another, does it, answers. Everything here may block; nothing here
 * waits for the head. An error is answered as text; only our own mistakes end the thread, and the head starts it again.
 */
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { summariseMap } from '../../results/map-summary.ts';
import type { ResultsPlan } from '../../results/plan.ts';
import { EventStore } from './event-store.ts';
import type { Message, Reply, Requests, WorkerData } from './messages.ts';
import { recover, renderPng, ResultsFolder } from './results-folder.ts';

const { directory } = workerData as WorkerData;
const port = parentPort!;
const store = new EventStore(join(directory, 'events.sqlite'));
let results: ResultsFolder | null = null;
recover(directory);

type Answer = Requests[keyof Requests]['answer'];

function handle(message: Message): Answer {
  switch (message.kind) {
    case 'log':
      store.append(message.ask.items);
      return null;
    case 'events':
      return store.events(message.ask.query);
    case 'attempts':
      return store.attempts(message.ask.simulation);
    case 'summarise':
      return summariseMap(message.ask.values);
    case 'picture':
      return renderPng(message.ask.picture);
    case 'resultsBegin':
      results?.abort();
      results = null;
      recover(directory);
      results = begin(message.ask.plan);
      return null;
    case 'resultsSlice':
      return results!.slice(message.ask.variable, message.ask.argument, message.ask.step, message.ask.values);
    case 'resultsRows':
      results!.rows(message.ask.rows);
      return null;
    case 'resultsFinish': {
      const report = results!.finish(message.ask.summary);
      results = null;
      return report;
    }
    case 'resultsAbort':
      results?.abort();
      results = null;
      return null;
    case 'close':
      store.close();
      return null;
  }
}

/** A folder that could not be begun (full disk) is not left behind. */
function begin(plan: ResultsPlan): ResultsFolder {
  try {
    return new ResultsFolder(directory, plan);
  } catch (cause) {
    recover(directory);
    throw cause;
  }
}

port.on('message', (message: Message) => {
  let reply: Reply;
  try {
    reply = { id: message.id, ok: true, answer: handle(message) };
  } catch (cause) {
    reply = { id: message.id, ok: false, reason: cause instanceof Error ? cause.message : String(cause) };
  }
  port.postMessage(reply);
  if (message.kind === 'close') port.close();
});
port.postMessage({ id: 0, ok: true, lastSequence: store.lastSequence() } satisfies Reply);
