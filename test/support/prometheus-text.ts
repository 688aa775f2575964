/**
 * A strict reader of Prometheus text format 0.0.4: throws on whatever Prometheus would reject, and on what it would accept
 * but misread (a sample outside its family, a histogram whose buckets do not add up).
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function parsePrometheusText(text: string): ReadonlyMap<string, Family> {
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const isComment = (line: string) => line.startsWith("#") && !/^# (?:HELP|TYPE|UNIT) /.test(line);
  for (const line of text.split("\n").filter((line) => line !== "" && !isComment(line))) {
    const [, word, name = "", rest = ""] = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][\w:]*) (.*)$/.exec(line) ?? [];
    if (word === "HELP") families.set(name, { name, help: rest, type: "", samples: [] });
    else if (word !== undefined) typed(families.get(name), word, rest, line);
    else addSample(families, parseSample(line));
  }
  for (const family of families.values()) if (family.type === "histogram") checkBuckets(family);
  return families;
}

/** The value of the one sample that carries these labels. */
export function sampleValue(
  family: Family | undefined,
  labels: Readonly<Record<string, string>>,
  name?: string,
): number | undefined {
  const found = (family?.samples ?? []).filter(
    (sample) =>
      (name === undefined || sample.name === name) &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1) throw new Error(`${found.length} samples match ${JSON.stringify(labels)}`);
  return found[0]?.value;
}

function typed(family: { type: string; name: string } | undefined, word: string, rest: string, line: string): void {
  if (family === undefined) throw new Error(`before its HELP: ${line}`);
  if (word === "UNIT" && !family.name.endsWith(`_${rest}`)) throw new Error(`the unit is not in the name: ${line}`);
  if (word === "TYPE") family.type = rest;
}

function parseSample(line: string): Sample {
  const [, name = "", , inner = "", number = ""] = /^([a-zA-Z_:][\w:]*)(\{(.*)\})? (\S+)$/.exec(line) ?? [];
  if (name === "") throw new Error(`not a sample: ${line}`);
  const labels: Record<string, string> = {};
  const rest = inner.replace(
    /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/g,
    (_all, label: string, value: string) => {
      if (label in labels) throw new Error(`label twice: ${line}`);
      labels[label] = value;
      return "";
    },
  );
  if (rest !== "") throw new Error(`not labels: ${rest} in ${line}`);
  const value = number === "+Inf" ? Number.POSITIVE_INFINITY : Number(number);
  if (Number.isNaN(value)) throw new Error(`not a number: ${line}`);
  return { name, labels, value };
}

function addSample(families: ReadonlyMap<string, { type: string; samples: Sample[] }>, sample: Sample): void {
  const family = families.get(sample.name) ?? families.get(sample.name.replace(/_(?:bucket|sum|count)$/, ""));
  if (family === undefined || family.type === "") throw new Error(`${sample.name} has no TYPE before it`);
  if (family.type === "counter" && !sample.name.endsWith("_total")) throw new Error(`${sample.name} is a counter`);
  family.samples.push(sample);
}

function checkBuckets(family: Family): void {
  const counts = family.samples.filter((sample) => sample.name === `${family.name}_count`);
  for (const count of counts) {
    const buckets = family.samples.filter(
      (sample) =>
        sample.name.endsWith("_bucket") &&
        Object.entries(count.labels).every(([label, value]) => sample.labels[label] === value),
    );
    const values = buckets.map((bucket) => bucket.value);
    if (values.some((value, at) => value < (values[at - 1] ?? 0))) throw new Error(`${family.name} is not cumulative`);
    if (buckets.at(-1)?.labels["le"] !== "+Inf") throw new Error(`${family.name} has no +Inf bucket`);
    if (buckets.at(-1)?.value !== count.value) throw new Error(`${family.name}: +Inf is not the count`);
  }
}
