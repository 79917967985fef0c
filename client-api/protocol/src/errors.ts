// SPDX-License-Identifier: Apache-2.0
/**
 * Why a frame is refused. The C codec returns the same names (client-api/src/protocol/codec.h), so that both sides of a
 * link say the same thing about the same bytes. docs/errors.md is made from this table.
 */
import { ProjectError, type ErrorFacts } from '@melissa/kit';

export const errors = {
  EFRAME_SHORT: {
    message: 'a frame ends before its fields do',
    remedy:
      'A frame was cut or was not made by libmelissa, a pilot or a study server; check what is connected to this port.',
  },
  EFRAME_LONG: {
    message: 'a frame has bytes after its last field',
    remedy: 'A frame was not made by this version of the protocol; use the same release of client and server.',
  },
  EFRAME_MAGIC: {
    message: 'a frame does not begin with the magic number of the protocol',
    remedy:
      'Something else is connected to this port, or a solver built for Melissa up to 0.7; link the solver with libmelissa of this release.',
  },
  EVERSION: {
    message: 'a frame speaks another version of the protocol',
    remedy:
      'Use a client library and a study server of the same release; a server accepts the version before its own too.',
  },
  EFRAME_CODE: {
    message: 'a frame carries a message that this side does not know',
    remedy: 'Use the same release of client and server; if they are, what connects is not one of ours.',
  },
  EFRAME_LIMIT: {
    message: 'a length, count or number in a frame is above its limit',
    remedy: 'Keep strings below 64 KiB, lists below 1,048,576 items and control frames below 64 MiB.',
  },
  EFRAME_TEXT: {
    message: 'a string in a frame is not UTF-8',
    remedy: 'Give names, paths and parameter values in UTF-8.',
  },
  EFRAME_CRC: {
    message: 'the checksum of a data header is wrong',
    remedy:
      'The bytes changed on the way; the frame is sent again. If it repeats, check the network hardware of the two hosts.',
  },
  EFRAME_PAYLOAD: {
    message: 'the hash of a payload is wrong',
    remedy:
      'The bytes changed on the way; the frame is sent again. If it repeats, check memory and network hardware of the two hosts.',
  },
} as const;

export type ProtocolErrorCode = keyof typeof errors;

/** A frame that is refused; `code` is a key of the table above. */
export class ProtocolError extends ProjectError {
  override readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, detail?: string, facts: ErrorFacts = {}) {
    const { message, remedy } = errors[code];
    super({ code, message: detail === undefined ? message : `${message}: ${detail}`, remedy, facts });
    this.name = 'ProtocolError';
    this.code = code;
  }
}
