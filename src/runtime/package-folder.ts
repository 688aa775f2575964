import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of a folder beside package.json, from the sources and from the build alike. Throws when it is missing. */
export function packageFolder(name: string): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "package.json"))) {
    const parent = dirname(directory);
    if (parent === directory)
      throw new Error("package.json was not found above the program; is the installation whole?");
    directory = parent;
  }
  return join(directory, name);
}
