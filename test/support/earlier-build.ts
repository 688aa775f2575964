/** The version before the last migration, built from this repository's history: what still runs while a fleet is upgraded. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

export interface EarlierBuild {
  /** Its folder, with dist/ in it. */
  readonly folder: string;
  /** Tags of its migrations. */
  readonly migrations: readonly string[];
}

const journal = "drizzle/meta/_journal.json";
const tagsIn = (text: string): readonly string[] => JSON.parse(text).entries.map((entry: { tag: string }) => entry.tag);

export const migrationsIn = (folder: string): readonly string[] => tagsIn(readFileSync(join(folder, journal), "utf8"));

/** The newest commit whose migrations are the first ones of today's, word for word, but not all. */
function earlierCommit(git: (...words: string[]) => string): string | undefined {
  const today = migrationsIn(".");
  const commits = git("log", "--full-history", "--format=%H", "--", journal).trim().split("\n");
  return commits.find((commit) => {
    const tags = tagsIn(git("show", `${commit}:${journal}`));
    return tags.length < today.length && tags.every((tag, at) => tag === today[at] && isToday(git, commit, tag));
  });
}

/** Whether a commit has a migration as it is today: one that was written anew before it was released is another. */
const isToday = (git: (...words: string[]) => string, commit: string, tag: string): boolean =>
  git("show", `${commit}:drizzle/${tag}.sql`) === readFileSync(`drizzle/${tag}.sql`, "utf8");

const tooShort = "the history does not reach back to the version before the last migration";

/** Or why there is none: an archive without history, a shallow clone, dependencies of another time. Takes most of a minute. */
export function buildEarlier(): EarlierBuild | { readonly reason: string } {
  const git = (...words: string[]) =>
    execFileSync("git", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (!existsSync(".git")) return { reason: "this is no clone: there is no earlier version to build" };
  const folder = mkdtempSync(join(tmpdir(), "millrace-earlier-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const before = earlierCommit(git);
    if (before === undefined) return { reason: tooShort };
    const archive = join(folder, "archive.tar");
    git("archive", "--output", archive, before);
    execFileSync("tar", ["-xf", archive, "-C", folder]);
  } catch {
    return { reason: tooShort };
  }
  symlinkSync(realpathSync("node_modules"), join(folder, "node_modules"));
  // A lock file that looks newer than what is installed would make its set-up install anew, into the folder that we share.
  utimesSync(join(folder, "package-lock.json"), 0, 0);
  try {
    execFileSync(process.execPath, ["producers/cli/setup.mjs", "build"], { cwd: folder, stdio: "pipe" });
  } catch {
    return { reason: "the version before the last migration cannot be built with today's dependencies" };
  }
  return { folder, migrations: migrationsIn(folder) };
}
