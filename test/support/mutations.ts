/** Bodies that are almost right, for routes that must survive them. */
import fc from "fast-check";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const oddTexts = [
  "",
  " ",
  "\u0000",
  "\ud800",
  "a".repeat(70_000),
  "__proto__",
  "💧",
  "-1",
  "1e999",
  "data:,x",
  "../../etc",
];
const oddNumbers = [0, -1, 0.1, 2 ** 53, -(2 ** 63), Number.MAX_VALUE];
const oddKeys = ["__proto__", "constructor", "toString", "", "model ", "stream", "type", "id", "\u0000"];

const deep = (levels: number): Json => (levels === 0 ? 1 : [deep(levels - 1)]);

const oddValue: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, [], {}, [null], [[]], { a: { b: [] } }, deep(300)),
  fc.constantFrom<Json>(...oddTexts),
  fc.constantFrom<Json>(...oddNumbers),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.integer(),
);

/** Where something is: one number for each step, taken modulo what there is to choose from. */
const place = fc.array(fc.nat(), { minLength: 1, maxLength: 6 });

interface Change {
  readonly at: readonly number[];
  readonly how: "replace" | "remove" | "add" | "repeat";
  readonly value: Json;
  readonly key: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  at: place,
  how: fc.constantFrom("replace", "replace", "remove", "add", "repeat"),
  value: oddValue,
  key: fc.oneof(fc.constantFrom(...oddKeys), fc.string({ maxLength: 8 })),
});

/** `base` with up to two changes anywhere in it, as text; or text that is no JSON at all. */
export const mutated = (base: Json): fc.Arbitrary<string> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.array(change, { maxLength: 2 }).map((changes) => JSON.stringify(changes.reduce(changed, base))),
    },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.nat(200).map((length) => JSON.stringify(base).slice(0, length)) },
  );

function changed(value: Json, { at, how, value: other, key }: Change): Json {
  const [step = 0, ...rest] = at;
  if (typeof value !== "object" || value === null) return other;
  const entries: readonly (readonly [string, Json])[] = Object.entries(value);
  const isList = Array.isArray(value);
  const rebuilt = (all: readonly (readonly [string, Json])[]): Json =>
    isList ? all.map(([, item]) => item) : Object.fromEntries(all);
  if (entries.length === 0 || (how === "add" && rest.length === 0)) return rebuilt([...entries, [key, other]]);
  const chosen = step % entries.length;
  const inside = entries[chosen]?.[1] ?? null;
  if (rest.length > 0 && typeof inside === "object" && inside !== null) {
    const next = changed(inside, { at: rest, how, value: other, key });
    return rebuilt(entries.map(([name, item], index) => [name, index === chosen ? next : item]));
  }
  if (how === "remove") return rebuilt(entries.filter((_, index) => index !== chosen));
  if (how === "repeat") return rebuilt([...entries, [isList ? "" : key, inside]]);
  return rebuilt(entries.map(([name, item], index) => [name, index === chosen ? other : item]));
}
