// SPDX-License-Identifier: Apache-2.0
/** Designs in the unit cube: point `index` of `count`, made without those before it. Used by design.ts for every design but grid and list. */
import type { CompiledSampling } from '@melissa/crds';
import { Random } from '@melissa/kit';
import { insideUnit } from './distributions.ts';
import { haltonSequence, sobolSequence, type Sequence } from './sequences.ts';

/** Fills `point` with coordinates of one point. `draw` 0 is the design's own point, higher ones are independent random points. */
export type UnitDesign = (index: number, draw: number, point: Float64Array) => void;

export type UnitDesignOptions = Pick<CompiledSampling, 'seed' | 'skip' | 'scramble'> & {
  design: string;
  dimensions: number;
  count: number;
};

export function unitDesign(options: UnitDesignOptions): UnitDesign {
  const random = randomDesign(options.seed);
  const own = ownDesign(options, random);
  return (index, draw, point) => (draw === 0 ? own : random)(index, draw, point);
}

function ownDesign(options: UnitDesignOptions, random: UnitDesign): UnitDesign {
  const { design, dimensions, seed, scramble, skip } = options;
  const scrambler = scramble ? new Random(seed).fork('scramble') : null;
  switch (design) {
    case 'LatinHypercube':
      return latinHypercube(options);
    case 'Halton':
      return sequenceDesign(haltonSequence(dimensions, scrambler), skip);
    case 'Sobol':
      return sequenceDesign(sobolSequence(dimensions, scrambler), skip);
    default:
      return random;
  }
}

/** Each point has a stream of its own, and each redraw of it a fork of that. */
function randomDesign(seed: number): UnitDesign {
  return (index, draw, point) => {
    const stream = Random.at(seed, index);
    const random = draw === 0 ? stream : stream.fork(`draw ${draw}`);
    for (let d = 0; d < point.length; d++) point[d] = insideUnit(random.uniform());
  };
}

/** McKay, Beckman and Conover 1979, doi:10.2307/1268522: each parameter's range is cut into `count` strata, and each gets one point. */
function latinHypercube({ dimensions, count, seed }: UnitDesignOptions): UnitDesign {
  const random = new Random(seed).fork('latin hypercube');
  const strata = Array.from({ length: dimensions }, () =>
    random.shuffle(Uint32Array.from({ length: count }, (_, i) => i)),
  );
  return (index, _draw, point) => {
    const inside = Random.at(seed, index);
    for (let d = 0; d < point.length; d++) point[d] = insideUnit((strata[d]![index]! + inside.uniform()) / count);
  };
}

/** Not clamped: an unscrambled sequence is SciPy's, 0 included. */
function sequenceDesign(sequence: Sequence, skip: number): UnitDesign {
  return (index, _draw, point) => {
    for (let d = 0; d < point.length; d++) point[d] = sequence(skip + index, d);
  };
}
