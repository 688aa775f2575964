/**
 * Which ids a file has had, and on which line: 24 MB to 48 MB for a million ids of any length. Ids are known by 96 bits
 * of their SHA-256; that two different ids of a million share them has a chance of about 1e-17, so equal bits are taken
 * as equal ids.
 */
import { hash } from "node:crypto";

export interface SeenIds {
  /** The line that had this id before, or undefined: then it is known from now on. */
  firstLine(id: string, line: number): number | undefined;
}

/** Words of a slot: three of the hash, one of the line, which is never 0 in a used slot. */
const words = 4;

export function openSeenIds(): SeenIds {
  let slots = 1024;
  let used = 0;
  let table = new Uint32Array(slots * words);

  /** Where this hash is, or where it would go. Open addressing: the next slot when one is taken. */
  const place = (into: Uint32Array, count: number, key: Key): number => {
    let at = (key[0] % count) * words;
    while (into[at + 3] !== 0 && !(into[at] === key[0] && into[at + 1] === key[1] && into[at + 2] === key[2])) {
      at = (at + words) % into.length;
    }
    return at;
  };

  const grow = () => {
    const next = new Uint32Array(table.length * 2);
    for (let at = 0; at < table.length; at += words) {
      if (table[at + 3] === 0) continue;
      const key: Key = [table[at] ?? 0, table[at + 1] ?? 0, table[at + 2] ?? 0];
      next.set(table.subarray(at, at + words), place(next, slots * 2, key));
    }
    table = next;
    slots *= 2;
  };

  return {
    firstLine(id, line) {
      const key = keyOf(id);
      const at = place(table, slots, key);
      const known = table[at + 3];
      if (known !== undefined && known !== 0) return known;
      table.set([...key, line], at);
      used += 1;
      if (used > slots * 0.7) grow();
      return undefined;
    },
  };
}

type Key = readonly [number, number, number];

function keyOf(id: string): Key {
  const digest = hash("sha256", id, "buffer");
  return [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8)];
}
