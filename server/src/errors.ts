// SPDX-License-Identifier: Apache-2.0
/** Every error code of the server, with what it means and what to do. docs/errors.md is generated from this table. */
export const errors = {
  ECHECKPOINT_DAMAGED: {
    message: 'the checkpoint cannot be used',
    remedy: 'The one before it is taken when there is one. Otherwise start the study again in an empty directory.',
  },
  ECHECKPOINT_STUDY: {
    message: 'the checkpoint belongs to another study',
    remedy: 'Give the manifest that the study was started with, or another directory.',
  },
  ECHECKPOINT_WRITE: {
    message: 'the checkpoint could not be written; the previous one stays in force',
    remedy: 'Free space in the study directory, or look at its permissions; the next checkpoint is tried by itself.',
  },
  EFENCED: {
    message: 'a newer head has taken over this study',
    remedy: 'Nothing is to be done: this process ends and the newer one goes on.',
  },
  EUSAGE: {
    message: 'the command line cannot be understood',
    remedy:
      'See the usage: main.ts head --study DIR …, or main.ts rank --study DIR --rank R --head ENDPOINT --token-file F.',
  },
  ESTUDY_DIRECTORY: {
    message: 'the study directory cannot be used',
    remedy: 'Give a writable directory that holds compiled.json, as `melissa run` makes it.',
  },
  EKEYS: {
    message: 'the keys of the study server cannot be used',
    remedy:
      'Give --curve-dir a folder with server.key, server.pub (one pair) and client.pub (one public key a line), in Z85; `melissa run` makes it when spec.local.encrypt is true.',
  },
  EKEY_REFUSED: {
    message: 'the head did not accept the key of this rank',
    remedy: 'Start head and ranks of a study with the same folder of keys (--curve-dir), or all of them without.',
  },
  ERESUME: {
    message: 'the directory already holds a study',
    remedy: 'Give --resume to go on with it, or another directory to start anew.',
  },
  ETOKEN: {
    message: 'the token is not that of this study',
    remedy: 'Take the token from the file `token` in the study directory, or from the Secret on a cluster.',
  },
  EVERSION: {
    message: 'the peer speaks another version of the protocol',
    remedy: 'Build the solver and the server from versions whose protocol differs by at most one.',
  },
  EMESSAGE: {
    message: 'the message cannot be read',
    remedy: 'Something that is not part of Melissa speaks to this port, or the versions of library and server differ.',
  },
  ELEASE: {
    message: 'this attempt is not leased, or was replaced',
    remedy: 'Start the solver through a pilot; end this process.',
  },
  ETAKEN: {
    message: 'another client already speaks for this attempt',
    remedy: 'Open the study once per simulation: one communicator, one process group.',
  },
  ECOMMUNICATOR: {
    message: 'samples of this simulation were counted with another number of client ranks',
    remedy: 'Start every attempt of the solver with the same number of ranks.',
  },
  EFIELD_UNKNOWN: {
    message: 'the study has no such field',
    remedy: 'Give the field the same name in the manifest and in melissa_init.',
  },
  EFIELD_SIZE: {
    message: 'the field has another size than the study says',
    remedy: 'Make the cells that all client ranks announce add up to the shape of the field in the manifest.',
  },
  EFIELD_TYPE: {
    message: 'the field has another type than the study says',
    remedy: 'Set `dtype` of the field in the manifest to what the solver sends.',
  },
  ERANKS_AWAY: {
    message: 'not every rank of the study server is there yet',
    remedy: 'Wait: the request is repeated by itself until they are.',
  },
  EPILOT_AWAY: {
    message: 'the study server was restarted, and the pilot of this attempt has not come back yet',
    remedy: 'Wait: the request is repeated by itself until it has.',
  },
  EUNAVAILABLE: {
    message: 'a rank of the study server did not answer',
    remedy:
      'Ask again in a few seconds; the rank is restarted by itself. Its log is in the study directory, folder logs.',
  },
  ESTATISTIC: {
    message: 'the study does not compute this statistic',
    remedy: 'Ask for a field, a step and a statistic that the manifest names; see docs/statistics.md.',
  },
  ENOTHELD: {
    message: 'the rank does not hold the whole simulation (any more)',
    remedy: 'Nothing is to be done: the head has it computed again.',
  },
  EBUSY: {
    message: 'too many requests are under way',
    remedy: 'Ask again in a moment.',
  },
  EHEAD_SILENT: {
    message: 'the head has been silent for too long',
    remedy: 'Nothing is to be done: the rank ends and is started again by its backend.',
  },
  ENATIVE: {
    message: 'the native addon cannot be loaded',
    remedy: 'Build it: npm run build.',
  },
} as const;

export type ErrorCode = keyof typeof errors;
