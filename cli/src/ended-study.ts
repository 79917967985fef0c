// SPDX-License-Identifier: Apache-2.0
/**
 * A study that nobody runs any more answers from its directory what its server answered while it ran: which simulations
 * failed and what they wrote last is asked most often when all is over. The table of simulations is the one of the
 * results; attempts and output come from the event log.
 */
import type { Client, SimulationDetail, SimulationOutput, SimulationSummary } from '@melissa/api';
import { failure } from './errors.ts';
import { connectTo, isRunning } from './study-directory.ts';
import type { Archive, World } from './world.ts';

/** The questions that a running and an ended study answer alike. */
export type StudyReader = Pick<Client, 'simulations' | 'simulation' | 'output'>;

export function readerOf(world: World, directory: string): StudyReader {
  return isRunning(world, directory) ? connectTo(world, directory) : new EndedStudy(world.archive, directory);
}

class EndedStudy implements StudyReader {
  #archive: Archive;
  #directory: string;

  constructor(archive: Archive, directory: string) {
    this.#archive = archive;
    this.#directory = directory;
  }

  /** One page holds all that is asked for: the table is read whole. */
  async simulations(query: { state?: string; group?: number; limit?: number } = {}): ReturnType<Client['simulations']> {
    const states = query.state?.split(',');
    const rows = (await this.#rows()).filter(
      ({ state, group }) => (states?.includes(state) ?? true) && (query.group ?? group) === group,
    );
    const limit = query.limit ?? rows.length;
    return { simulations: rows.slice(0, limit), next: rows.length > limit ? String(limit) : null };
  }

  async simulation(id: number): Promise<SimulationDetail> {
    const row = (await this.#rows()).find(({ simulation }) => simulation === id);
    if (row === undefined) {
      throw failure('ECOMMAND', `the study has no simulation ${id}`, {
        remedy: '`melissa simulations` lists those it has.',
      });
    }
    return { ...row, history: this.#archive.attempts(this.#directory, id) };
  }

  async output(id: number): Promise<SimulationOutput> {
    const newest = this.#archive.attempts(this.#directory, id).at(-1);
    if (newest === undefined) {
      throw failure('ECOMMAND', `simulation ${id} has not run: there is no output of it`, {
        remedy: '`melissa simulations` lists those that have.',
      });
    }
    const { draw, attempt, stdout, stderr } = newest;
    return { simulation: id, draw, attempt, stdout, stderr };
  }

  async #rows(): Promise<SimulationSummary[]> {
    const rows = await this.#archive.simulations(this.#directory);
    if (rows !== null) return rows;
    throw failure('ENORESULTS', `${this.#directory} is not running and has written none`, {
      remedy: `Continue it with \`melissa run --resume ${this.#directory}\`.`,
    });
  }
}
