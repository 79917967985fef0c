// SPDX-License-Identifier: Apache-2.0
/** Every bound of the command line, with its reason. */

/** A manifest with its inlined CSV must stay below etcd's 1.5 MiB, and kubectl's annotation doubles it. */
export const CSV_INLINE_BYTES_MAX = 512_000;
/** A manifest itself; a larger one is surely not a manifest. */
export const MANIFEST_BYTES_MAX = 4_000_000;
/** Between two looks at the head while everything runs; people do not see a shorter one. */
export const POLL_PERIOD_MS = 300;
/** While the head or its first pilots start: what a person waits for. */
export const POLL_STARTING_MS = 60;
/** Between two looks at a study on a cluster: the forwarded port is the cluster's API server's to carry. */
export const CLUSTER_POLL_PERIOD_MS = 1000;
/** `kubectl port-forward` that says nothing for so long will not come up. */
export const FORWARD_START_MS_MAX = 20_000;
/** What is kept of kubectl's own complaints. */
export const KUBECTL_ERROR_BYTES_MAX = 8_000;
/** The pod that reads results from a claim ends by itself after this, whatever became of the command. */
export const READER_POD_SECONDS_MAX = 900;
/** One REST request. A head that is longer silent than this is busy or gone; the next poll asks again. */
export const REQUEST_TIMEOUT_MS = 5_000;
/** A head that has not written head.json after this is taken as hanging and replaced. */
export const HEAD_START_MS_MAX = 60_000;
/** A process that lived this long was healthy: its next failure counts as its first. */
export const HEALTHY_LIFE_MS = 10_000;
export const BACKOFF_FIRST_MS = 200;
export const BACKOFF_MAX_MS = 10_000;
/** Ends in a row, each before HEALTHY_LIFE_MS, after which starting again is hopeless. */
export const FAILURES_MAX = 8;
/** Processes started in one turn: forking hundreds at once stalls the event loop. */
export const STARTS_PER_TURN_MAX = 16;
/** The head's last checkpoint after ^C; a second ^C ends the wait. */
export const HEAD_STOP_SECONDS_MAX = 120;
/** Ranks have nothing left to write once the head is gone. */
export const RANK_STOP_SECONDS_MAX = 3;
/** Pilots of an ending study: short simulations may end, longer ones are given back. */
export const PILOT_STOP_SECONDS_MAX = 4;
/** So long before it is killed a process is asked once more; a pilot takes that as "end your simulations now". */
export const LAST_CALL_SECONDS = 2;
/** After the plan's end: pilots exit by themselves within this, else they are ended. */
export const FINISH_SECONDS_MAX = 30;
/** What the guardian of a dead command line grants the head; everything is gone within 5 s of the death. */
export const GUARDIAN_GRACE_SECONDS = 3;
/** A log beyond this is moved aside when its process starts again. */
export const LOG_BYTES_MAX = 64_000_000;
/** Redraws of the progress lines: at most 5 a second. */
export const REDRAW_PERIOD_MS = 200;
/** Lines of progress where there is no terminal. */
export const PLAIN_PERIOD_MS = 5_000;
/** Restarted study: how long the leftovers of its last life may take to end before they are ended here. */
export const LEFTOVERS_MS_MAX = 6_000;
/** From "finished" to the head's last word on disk. */
export const LAST_WORD_MS_MAX = 10_000;
