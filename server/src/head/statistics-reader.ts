// SPDX-License-Identifier: Apache-2.0
/**
 * A whole field from the ranks, slice by slice, for REST, pictures and results. A slice is at most 1 MiB, one is under way
 * to each rank at a time, so that reading never holds up a fold or the head for long. Kept order: rank r's cells are
 * [partition[r], partition[r + 1]).
 */
import { assert, ProjectError } from '@melissa/kit';
import type { CompiledStudy } from '@melissa/crds';
import { errors } from '../errors.ts';
import { statisticReadsMax, statisticSliceBytes } from '../limits.ts';
import { partitionOf } from './partition.ts';
import { unavailable, type RankLink } from './rank-link.ts';
import type { StatisticQuery } from './service.ts';

/** On the wire, covariance number i is read as field COVARIANCE_FIELD + i. */
export const COVARIANCE_FIELD = 0xff00;

function refuse(code: 'ESTATISTIC' | 'EBUSY', message: string): ProjectError {
  return new ProjectError({ code, message, remedy: errors[code].remedy, retryable: code === 'EBUSY' });
}

/** Index on the wire, and the partition of the cells. */
function address(study: CompiledStudy, query: StatisticQuery): { field: number; keptCells: number; steps: number[] } {
  const [first = '', second] = query.field.split(':');
  const field = study.fields.find((candidate) => candidate.name === first);
  if (field === undefined) throw refuse('ESTATISTIC', `the study has no field "${first}"`);
  if (second === undefined) return { field: field.index, keptCells: field.keptCells, steps: field.keptSteps };
  const other = study.fields.find((candidate) => candidate.name === second);
  const pair = study.covariances.findIndex(({ fields: [a, b] }) => a === field.index && b === other?.index);
  if (other === undefined || pair < 0) throw refuse('ESTATISTIC', `the study has no covariance of "${query.field}"`);
  const steps = field.keptSteps.filter((step) => other.keptSteps.includes(step));
  return { field: COVARIANCE_FIELD + pair, keptCells: field.keptCells, steps };
}

export class StatisticsReader {
  #study: CompiledStudy;
  #ranks: RankLink[];
  #reading = 0;

  constructor(study: CompiledStudy, ranks: RankLink[]) {
    this.#study = study;
    this.#ranks = ranks;
  }
  async read(query: StatisticQuery): Promise<Float64Array> {
    const { field, keptCells, steps } = address(this.#study, query);
    if (!steps.includes(query.step))
      throw refuse('ESTATISTIC', `step ${query.step} of field "${query.field}" is not kept`);
    if (this.#reading >= statisticReadsMax) throw refuse('EBUSY', `${this.#reading} fields are being read`);
    const away = this.#ranks.find((rank) => !rank.connected);
    if (away !== undefined) throw unavailable(away.rank, 'it is away');
    this.#reading += 1;
    try {
      const partition = partitionOf(keptCells, this.#ranks.length);
      const values = new Float64Array(keptCells);
      await Promise.all(
        this.#ranks.map((rank) =>
          this.#readPart(rank, { ...query, field }, values.subarray(partition[rank.rank]!, partition[rank.rank + 1]!)),
        ),
      );
      return values;
    } finally {
      this.#reading -= 1;
    }
  }
  async #readPart(
    rank: RankLink,
    query: { field: number; step: number; statistic: string; argument: number },
    into: Float64Array,
  ): Promise<void> {
    const sliceCells = statisticSliceBytes / 8;
    for (let begin = 0; begin < into.length; begin += sliceCells) {
      const end = Math.min(begin + sliceCells, into.length);
      const answer = await rank.request('ReadStatistic', { ...query, begin, end });
      assert(
        answer.name === 'Statistic' && answer.body.dtype === 2,
        'a rank answers ReadStatistic with Statistic in float64',
      );
      const bytes = answer.body.values;
      assert(bytes.byteLength === 8 * (end - begin), 'a slice has the cells that were asked for');
      // A message's bytes may start anywhere; a copy starts at a multiple of eight.
      into.set(new Float64Array(new Uint8Array(bytes).buffer), begin);
    }
  }
}
