// SPDX-License-Identifier: Apache-2.0
/**
 * What the addon and a rank's data socket can say. The rows of the data socket are sent from C++ (core/refusals.h) to clients and
 * into the head's record of a failed attempt; the same codes are used on both sides. docs/errors.md is made from this table. Damaged
 * frames are answered with the codes of the protocol's table.
 */
export const errors = {
  EADDON: {
    message: 'the native addon cannot be loaded',
    remedy: 'Run `npm run build`; it needs a C++20 compiler, CMake, Ninja and the development files of libzmq.',
  },
  EOPTIONS: {
    message: 'the options of the engine contradict each other',
    remedy: 'This is a mistake of the study server; please report it with the manifest.',
  },
  EMEMORY: {
    message: 'the machine does not map the memory that the statistics need',
    remedy: 'Run `melissa validate` to see what each statistic costs; use fewer steps, a region, or more server ranks.',
  },
  ELISTEN: {
    message: 'a rank cannot listen on its address',
    remedy: 'Choose another address or port for the server, or end the process that uses it.',
  },
  ESTOPPED: {
    message: 'the engine was stopped',
    remedy: 'Nothing to do: the rank is ending.',
  },
  ESTATISTIC: {
    message: 'a statistic, step or range of cells was asked for that the study does not have',
    remedy: 'Ask for a statistic of docs/statistics.md that the manifest switches on, at a kept step.',
  },
  EINSTRUCTIONS: {
    message: 'the machine does not have the instruction set that was asked for',
    remedy: 'Leave the choice to the server.',
  },
  ECURVE: {
    message: 'libzmq was built without CURVE',
    remedy: 'Use a libzmq that was built with libsodium.',
  },
  ECHECKPOINT: {
    message: 'the bytes are not a checkpoint of this study',
    remedy: 'Resume with the manifest that the study was started with, or start a new study.',
  },
  ERAW: {
    message: 'raw values of a simulation could not be kept',
    remedy: 'Free space in the study directory or name another one; the attempt fails.',
  },
  ETOKEN: {
    message: "the token is not this study's",
    remedy: 'Give the client the token file of the study (MELISSA_TOKEN_FILE).',
  },
  EEPOCH: {
    message: 'a frame is of an older epoch than the head',
    remedy: 'Nothing to do: the client greets the head again and goes on.',
  },
  ESIMULATION: {
    message: 'a frame names a simulation that is not in the plan',
    remedy: 'Do not set MELISSA_SIMULATION by hand.',
  },
  EATTEMPT: {
    message: 'the attempt was replaced or has failed',
    remedy: 'Nothing to do: the simulation is leased again if it is still wanted.',
  },
  ETAKEN: {
    message: 'another client already speaks for this attempt',
    remedy: 'Start each simulation once; a solver must call melissa_init from one communicator.',
  },
  ESESSION: {
    message: 'a frame came without a session',
    remedy: 'Nothing to do: the client opens the session again.',
  },
  ESEQUENCE: {
    message: 'frames of a session are missing',
    remedy: 'Nothing to do: the client opens the session again and resends.',
  },
  ECOMMUNICATOR: {
    message: 'the communicator or the partition differs from the one that samples were counted with',
    remedy:
      'Run every attempt and every member of a group with the same number of client ranks and the same partition.',
  },
  EFIELD_UNKNOWN: {
    message: 'a field is not in the study',
    remedy: 'Name the field under `fields` in the manifest.',
  },
  EFIELD_TYPE: {
    message: "a field is sent with another type than the study's",
    remedy: 'Give `type` in the manifest the type that the solver sends.',
  },
  EFIELD_SIZE: {
    message: "a field has another number of cells than the study's",
    remedy: "Give `shape` in the manifest the number of cells that the solver's ranks have together.",
  },
  EFIELD_ANNOUNCED: {
    message: 'a field was sent that was not announced in Open',
    remedy: 'Nothing to do: the client opens the session again with the field.',
  },
  ESTEP: {
    message: 'a step was sent that the study does not keep',
    remedy: 'Give `time.steps` in the manifest the number of steps that the solver sends.',
  },
  EBLOCK: {
    message: 'a frame is not the overlap of its client rank with the server rank',
    remedy: 'Link the solver with the libmelissa that belongs to this server.',
  },
  ENONFINITE: {
    message: 'a field has values that are not finite',
    remedy: 'Mend the solver, or choose `nonFinite: Skip` or `Propagate` in the manifest.',
  },
} as const;
