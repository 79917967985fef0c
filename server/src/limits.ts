// SPDX-License-Identifier: Apache-2.0
/**
 * Every bound of head and ranks, by name. `assertLimits` compares them with each other at start, so that a change of
 * one cannot silently break what another relies on.
 */
import { assert } from '@melissa/kit';

/** Simulations of one study; the plan keeps less than 256 bytes for each. */
export const simulationsMax = 10_000_000;
/** Pilots that may be registered at once. */
export const pilotsMax = 20_000;
/** Peers (pilots, ranks and clients) whose routing ids the head remembers. */
export const peersMax = 65_536;
/** Of these, peers that have not shown the token: whoever can reach the port must not keep others out. The oldest goes first. */
export const strangersMax = 4096;
/** Sentences a minute about messages that cannot be read: whoever can reach the port must not fill the disk. */
export const refusalSentencesPerMinuteMax = 30;
/** Answers other than Ok that are remembered for each peer; a repeated request gets the same one. */
export const answersPerPeerMax = 1024;
/** Bytes of remembered answers, all peers together. */
export const answersBytesMax = 16 * 2 ** 20;
/** Messages that wait to be sent on the control socket. A pilot whose message is dropped is found by its heartbeat. */
export const controlQueueMessagesMax = 65_536;
/** One message on the control socket. */
export const controlFrameBytesMax = 64 * 2 ** 20;
/** Connections to the control socket; fewer where the system allows fewer files. */
export const controlConnectionsMax = 65_536;
/** File descriptors that connections never take: the head's files, its HTTP connections (256) and its worker's. */
export const descriptorsReserved = 512;
/** A peer of the control socket finishes the handshake within this (slow loris). */
export const handshakeMs = 5000;
/** Messages a peer may send per second before the head pauses reading for it (drops with a count). */
export const peerMessagesPerSecondMax = 50_000;
/** Leases that one pilot may hold: 250 ms of 1 ms simulations. */
export const leasesPerPilotMax = 256;
/** Work that a pilot shall have queued, in measured time: longer than a round trip, short enough to stay fair. */
export const leaseQueueTargetMs = 150;
/** Simulations longer than this are leased one at a time a slot. */
export const leaseBatchBelowMs = 250;
/** Between heartbeats of pilots, ranks, clients and the head. */
export const heartbeatMs = 1000;
/** Five heartbeats: one may be lost, five in a row mean that the peer or the way to it is gone. */
export const peerSilenceMsMin = 5 * heartbeatMs;
/** How long a pilot or rank goes on without its head: the time that a head's restart may take. */
export const headSilenceMs = 120_000;
/** After a restart of the head, how long it waits for pilots to name the leases they hold before it leases anew. */
export const adoptionMs = 2 * heartbeatMs;
/** Attempt numbers a restarted head skips, more than its predecessor can have used since the checkpoint. */
export const attemptJump = 64;
/** A client that comes before every rank is there, or before its own pilot has come back to a restarted head, asks again after this. */
export const clientRetryMs = 500;
/** How often time-outs are looked at. */
export const tickMs = 250;
/** Reports from a rank are at least this far apart. */
export const rankReportMs = 20;
/** A slice of a statistic read from a rank in one message. */
export const statisticSliceBytes = 2 ** 20;
/** Requests to one rank that wait for their answer. */
export const rankRequestsMax = 65_536;
/** A request to a rank is repeated after this time without an answer, with the same number. */
export const rankRequestRepeatMs = 3000;
/** Limit of a request to a rank, all repetitions included; a checkpoint has `checkpointLimitMs`. */
export const rankRequestLimitMs = 60_000;
export const checkpointLimitMs = 600_000;
/** Loop solvers that ended before they asked for a simulation, in a row, before the study fails. */
export const loopStartFailuresMax = 5;
/** Reasons of failed simulations that are kept in memory; every one of them is in the event log. */
export const reasonsMax = 10_000;
/** A finished head serves at least this long, so that whoever runs it can still read the last status; it leaves at once when told. */
export const finishedServeMs = 30_000;
/** Between tries to write the final results while a rank is away or the disk is full, and how many. */
export const resultsRetryMs = 2000;
export const resultsTriesMax = 150;
/** The same for a study that failed or was cancelled: its ranks may never have come. */
export const resultsTriesUnsuccessfulMax = 15;
/** A plan that could not be written before a redraw is tried again after this. */
export const persistRetryMs = 1000;
/** A head that is told to end gives its last checkpoint this long. */
export const lastCheckpointMs = 20_000;
/** A rank in a pod that is told to end waits this long for the last checkpoint of its head, which is told so too. */
export const rankLeaveMs = 10_000;
/** Failed simulations named in the status. */
export const statusFailedMax = 128;
/** Between looks at the Sobol' intervals that only inform: at least this, and this many times what the last one took. */
export const lookPeriodMs = 5000;
export const lookPauseFactor = 20;
/** Fields that may be read from the ranks at once, for REST. */
export const statisticReadsMax = 8;

/** Connections of client ranks to one rank. */
export const engineConnectionsMax = 16_384;

/** Fails at start when two limits contradict each other. */
export function assertLimits(): void {
  assert(statisticSliceBytes < controlFrameBytesMax, 'a slice of a statistic fits one control message');
  assert(simulationsMax / 8 < controlFrameBytesMax, 'the bitmap of all simulations fits one control message');
  assert(leaseQueueTargetMs <= leaseBatchBelowMs, 'what is queued is not longer than what is batched');
  assert(peerSilenceMsMin >= 2 * heartbeatMs, 'one lost heartbeat is not silence');
  assert(strangersMax < peersMax / 2, 'strangers leave room for peers');
  assert(rankReportMs < heartbeatMs, 'a report comes before the next heartbeat');
  assert(adoptionMs < headSilenceMs, 'a pilot still runs when the new head waits for it');
  assert(answersBytesMax < 2 ** 31 && answersPerPeerMax > 0, 'answers are bounded');
}
