// SPDX-License-Identifier: Apache-2.0
/**
 * Where pilots and ranks run. A backend never sees a simulation: it starts processes, stops them, and lists them.
 * The head publishes how many it wants; the owner of the backend (command line, operator, bridge) reconciles.
 */
export type BackendScope = 'head' | 'rank' | 'pilot';

export type BackendProcess = {
  /** Stable for the life of the process: `pilot-3`, a pod's name, a job id. */
  id: string;
  scope: BackendScope;
  /** Rank index, or the pilot's number. */
  index: number;
  state: 'Pending' | 'Running' | 'Ended';
  /** Why it ended, in the backend's own words; null while it lives. */
  reason: string | null;
};

export interface Backend {
  start(scope: BackendScope, indexes: number[]): Promise<void>;
  /** Asks the named processes to drain; ends them after `graceSeconds`. */
  stop(ids: string[], graceSeconds: number): Promise<void>;
  list(): Promise<BackendProcess[]>;
}
