/**
 * Arrays as postgres.js should send and read them. Left to itself it asks every new connection for the types of arrays,
 * and when the connection breaks just then nobody hears the rejection: Node ends the process. So it is told.
 */
import type { PostgresType } from "postgres";

/** Object ids of the built-in array types that statements here use; they never change. */
const arrayIds = { bool: 1000, int2: 1005, int4: 1007, text: 1009, int8: 1016, float8: 1022, uuid: 2951 } as const;

const quoted = (value: unknown): string =>
  value === null || value === undefined ? "null" : `"${String(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

/** `{"a","b",null}`: one dimension, every element quoted. */
const serialize = (values: readonly unknown[]): string => `{${values.map(quoted).join(",")}}`;

/** What comes back are numbers and ids only, which need no quotes. */
const parse = (text: string): (string | null)[] =>
  text === "{}"
    ? []
    : text
        .slice(1, -1)
        .split(",")
        .map((value) => (value === "NULL" ? null : value));

const typeOf = (id: number): PostgresType => ({ to: id, from: [id], serialize, parse });

export const arrayTypes: Readonly<Record<keyof typeof arrayIds, PostgresType>> = {
  bool: typeOf(arrayIds.bool),
  int2: typeOf(arrayIds.int2),
  int4: typeOf(arrayIds.int4),
  text: typeOf(arrayIds.text),
  int8: typeOf(arrayIds.int8),
  float8: typeOf(arrayIds.float8),
  uuid: typeOf(arrayIds.uuid),
};
