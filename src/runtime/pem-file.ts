import { readFileSync } from "node:fs";
import { SettingsError } from "../config/settings-error.ts";

/** The text of a certificate or key that `variable` names by path. Throws SettingsError when it cannot be read. */
export function readPem(variable: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? error.code : error;
    throw new SettingsError(`${variable} names the file ${path}, which cannot be read (${reason}).`);
  }
}
