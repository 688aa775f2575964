/** Known weaknesses of what is shipped, from the registry's advisories. A registry that does not answer is no failure. */
import { run, SetupFailed, say } from "./process.mjs";

const worst = ["high", "critical"];

/** @throws SetupFailed when a dependency has an advisory of a high or critical severity */
export const audit = async () => {
  const words = ["audit", "--omit=dev", "--json", "--loglevel=silent"];
  const verdict = verdictOf((await run("npm", words, { quiet: true })).output);
  if (!verdict.asked) return say(`could not ask the registry (${verdict.reason}): nothing was checked`);
  for (const { name, severity, title } of verdict.found) say(`${severity}  ${name}: ${title}`);
  const bad = verdict.found.filter(({ severity }) => worst.includes(severity));
  if (bad.length > 0)
    throw new SetupFailed(`${bad.length} dependencies need an update: npm audit --omit=dev says which.`);
  say(verdict.found.length === 0 ? "no known weakness" : "nothing high or critical");
};

/**
 * @param {string} output of `npm audit --json`
 * @returns {{ asked: false, reason: string } | { asked: true, found: { name: string, severity: string, title: string }[] }}
 */
export const verdictOf = (output) => {
  try {
    const answer = JSON.parse(output.slice(output.indexOf("{")));
    if (answer.vulnerabilities === undefined) {
      return { asked: false, reason: String(answer.message ?? answer.error?.summary ?? "no answer").split("\n")[0] };
    }
    const found = Object.values(answer.vulnerabilities).map(({ name, severity, via }) => {
      const title = via.find((one) => typeof one === "object")?.title ?? `through ${via.join(", ")}`;
      return { name, severity, title };
    });
    return { asked: true, found };
  } catch {
    return { asked: false, reason: output.trim().split("\n").at(-1) || "npm said nothing" };
  }
};
