// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded into the head by NODE_OPTIONS: between two SIGUSR2 it records how late a timer of 1 ms comes, and writes the histogram to the
 * file that BENCH_DELAY names. Until the first signal it does nothing.
 */
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env.BENCH_DELAY;
if (path !== undefined) {
  let histogram = null;
  process.on('SIGUSR2', () => {
    if (histogram === null) {
      histogram = monitorEventLoopDelay({ resolution: 1 });
      histogram.enable();
      return;
    }
    histogram.disable();
    const ms = (nanoseconds) => nanoseconds / 1e6;
    const { count } = histogram;
    const percentiles = {
      p50: ms(histogram.percentile(50)),
      p99: ms(histogram.percentile(99)),
      p999: ms(histogram.percentile(99.9)),
    };
    writeFileSync(path, JSON.stringify({ count, ...percentiles, max: ms(histogram.max) }));
  });
}
