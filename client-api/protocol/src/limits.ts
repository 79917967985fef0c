// SPDX-License-Identifier: Apache-2.0
/** Bounds of the wire format; the C codec has the same in client-api/src/protocol/codec.h, and a test compares them. */
export const limits = {
  /** Bytes of one string. */
  stringBytesMax: 65_536,
  /** Items of one list; a communicator of a million ranks still fits one Field message. */
  listItemsMax: 1_048_576,
  /** Bytes of one control frame or of one data message other than Data. */
  controlFrameBytesMax: 64 * 1024 * 1024,
  /** Bytes of one Data frame: 2³² values would not fit a 32-bit length anywhere else, and a block is cut long before. */
  dataFrameBytesMax: 1024 * 1024 * 1024,
} as const;

/** Joins the values of a lease; it cannot occur in a number or in a sensible name. */
export const VALUE_SEPARATOR = '\u001f';
