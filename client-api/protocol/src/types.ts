// SPDX-License-Identifier: Apache-2.0
/**
 * The TypeScript types of message bodies, derived from the tables of messages.ts, so that a misspelt field does not
 * compile.
 *
 * A u64 is a `number` (at most 2⁵³ − 1, refused above with EFRAME_LIMIT) because nearly all of them count bytes, cells
 * or leases. The fields whose name is in `wideNames` use all 64 bits (random ids and hashes) and are `bigint`.
 */
import type { control, data, dataHeader, FieldType, Scalar } from './messages.ts';

export const wideNames = ['client', 'instance', 'digest', 'payloadHash'] as const;
type WideName = (typeof wideNames)[number];

type ScalarValue<K, T extends Scalar> = T extends 'string'
  ? string
  : T extends 'bytes'
    ? Uint8Array
    : T extends 'u64'
      ? K extends WideName
        ? bigint
        : number
      : number;

type FieldValue<K, T extends FieldType> = T extends Scalar
  ? ScalarValue<K, T>
  : T extends { list: infer Item }
    ? Item extends Scalar
      ? ScalarValue<K, Item>[]
      : Item extends Record<string, Scalar>
        ? { [F in keyof Item]: ScalarValue<F, Item[F]> }[]
        : never
    : never;

type Body<Fields extends Record<string, FieldType>> = {
  -readonly [F in keyof Fields]: FieldValue<F, Fields[F]>;
};

export type ControlName = keyof typeof control;
export type ControlBody<N extends ControlName> = Body<(typeof control)[N]['fields']>;
/** A decoded control message; narrow it by `name`. */
export type ControlMessage = {
  [N in ControlName]: { name: N; epoch: number; request: number; body: ControlBody<N> };
}[ControlName];

export type DataName = keyof typeof data;
export type DataBody<N extends DataName> = Body<(typeof data)[N]['fields']>;
/** A decoded data message other than Data itself. */
export type DataMessage = { [N in DataName]: { name: N; epoch: number; body: DataBody<N> } }[DataName];

type HeaderValue<K, T> = T extends 'u64' ? (K extends WideName ? bigint : number) : number;
type FullHeader = { [K in keyof typeof dataHeader]: HeaderValue<K, (typeof dataHeader)[K][1]> };
/** The header of a Data frame, without what the codec itself fills in and checks. */
export type DataHeader = Omit<FullHeader, 'magic' | 'version' | 'code' | 'crc' | 'reserved' | 'reserved2'>;
