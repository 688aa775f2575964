/** From what stages say to what is published: convention names, no unknowns, and nothing per request on a metric. */
import { attributeNames, perRequestAttributes } from "./events.ts";
import type { Attributes } from "./telemetry.ts";

type Published = Record<string, string | number | boolean | string[]>;

/** Attributes of a span under their published names. Absent values stay absent: unknown is not zero. */
export const spanAttributes = (attributes: Attributes): Published => publish(attributes, () => true);

/** Labels of a metric: as the span's, without whatever differs from request to request. */
export const metricLabels = (attributes: Attributes): Published =>
  publish(attributes, (name) => !perRequestAttributes.has(name));

/** `provider` → `gen_ai.provider.name`, `blockedBy` → `millrace.blocked_by`, `error.type` as it stands. */
export function publishedName(key: string): string {
  const known = attributeNames[key];
  if (known !== undefined) return known;
  return key.includes(".") ? key : `millrace.${key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function publish(attributes: Attributes, wanted: (name: string) => boolean): Published {
  const published: Published = {};
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const name = publishedName(key);
    // The convention wants one reason per choice; there is always one choice.
    if (wanted(name)) published[name] = name === "gen_ai.response.finish_reasons" ? [String(value)] : value;
  }
  return published;
}
