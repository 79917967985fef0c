// SPDX-License-Identifier: Apache-2.0
/** Every bound of the operator, by name. */

/** A head is asked at most this often: status writes of a study are at least as far apart. */
export const lookPeriodMs = 1000;
/** All heads together are asked at most this often, so that a thousand studies write no more than twenty statuses a second. */
export const looksPerSecondMax = 20;
/** A head that does not answer is asked again after this. */
export const lookAfterFailureMs = 3000;
/** One request to a head. */
export const headRequestMs = 5000;
/** A head that is up but did not answer for less than this is not yet called silent: one request may fail, and an operator that was just started has not asked. */
export const headDoubtMs = 10_000;
/** A head that has been silent for so long, while it should stop, is stopped without its word: it takes its last checkpoint on SIGTERM. */
export const silentStopMs = 60_000;
/** A pod of the server may look for a node this long before simulations that run are given up to make room: a node that is bought comes in minutes. */
export const makeRoomAfterMs = 300_000;
/** Pilots may be away this long before somebody looks for the reason. */
export const pilotsMissingMs = 10_000;
/** Between two such looks at a study: each costs two lists. */
export const troublePeriodMs = 10_000;
/** Pending pods, and events, that one look reads. */
export const pendingPodsMax = 20;
export const eventsMax = 50;
/** Failed pods that are named to a head at once. */
export const lostPodsMax = 1000;
/** A pod that was deleted and still says nothing after this sits on a node that is gone: its grace period is 60 s. */
export const nodeLostMs = 120_000;
/** Credentials are looked at again this often while the server is not ready; somebody may have deleted them. */
export const credentialsPeriodMs = 30_000;
/** A message of a condition; Kubernetes allows 32,768. */
export const messageLengthMax = 1024;
/** The study as its ConfigMap holds it, compiled and as written. Kubernetes allows 1,048,576 bytes; the rest is for rendered children and certificates. */
export const frozenBytesMax = 900_000;
/** Ranges of failed simulations in the status, in characters; as the schema says. */
export const failedRangesLengthMax = 1024;
/** Indexes of one Job. Kubernetes allows no more together with a limit per index. */
export const jobCompletions = 100_000;
/** Larger than any run: a pilot is started again for as long as the study wants it. */
export const jobBackoffLimitPerIndex = 2_147_483_647;
/** Between SIGTERM and SIGKILL of a server pod: longer than a last checkpoint. */
export const serverGraceSeconds = 60;
/** What a pilot needs beyond drainSeconds to say goodbye. */
export const pilotGraceSeconds = 10;
/** Studies whose last view is remembered. */
export const studiesMax = 10_000;
/** A status whose times alone have changed is written this often. */
export const heartbeatRefreshMs = 60_000;
