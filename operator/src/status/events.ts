// SPDX-License-Identifier: Apache-2.0
/** Events for people: told when a condition turned, after the status that says so was written. */
import type { MelissaStudyStatus } from '@melissa/crds';
import type { EventToTell } from '../types.ts';

/** Conditions whose turn is told, and how it is told when it is True and when it is not. */
const told: Record<string, { True?: EventToTell['type']; False?: EventToTell['type'] }> = {
  Accepted: { True: 'Normal', False: 'Warning' },
  ServerReady: { True: 'Normal' },
  Suspended: { True: 'Normal' },
  Degraded: { True: 'Warning' },
  Succeeded: { True: 'Normal' },
  Failed: { True: 'Warning' },
};
/** Reasons of these are told while the condition stays False: they name what a person must mend. */
const troubled = ['ServerReady', 'ClientsReady'];
const quiet = ['Starting', 'RanksMissing', 'Suspended', 'Finished', 'HeadSilent', 'NotAccepted', 'MakingRoom'];

/** A word that says all by itself: what turned, or why. */
const reasonOf = (type: string, status: string, reason: string): string =>
  status === 'True' && (type === 'Accepted' || type === 'ServerReady') ? type : reason;

export function transitions(before: MelissaStudyStatus | undefined, now: MelissaStudyStatus): EventToTell[] {
  const events: EventToTell[] = [];
  for (const { type, status, reason, message } of now.conditions ?? []) {
    const old = before?.conditions?.find((one) => one.type === type);
    const hasTurned = old?.status !== status || (old.reason !== reason && status !== 'Unknown');
    const level = status === 'Unknown' ? undefined : told[type]?.[status];
    if (hasTurned && level !== undefined)
      events.push({ type: level, reason: reasonOf(type, status, reason), note: message === '' ? reason : message });
    else if (old?.reason !== reason && status === 'False' && troubled.includes(type) && !quiet.includes(reason))
      events.push({ type: 'Warning', reason, note: message });
  }
  return events;
}
