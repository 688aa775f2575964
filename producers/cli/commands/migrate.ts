/** `millrace migrate`: brings the database to this version's schema; every other command does so too. */
import type { Command } from "commander";
import { missingMigrations } from "../../../src/ledger/schema-version.ts";
import { CommandFailed } from "../exit.ts";
import { openShell, withFleet } from "../shell.ts";
import { withJson } from "./batch-options.ts";

export function registerMigrate(program: Command): void {
  withJson(program.command("migrate").description("brings the database to this version's schema")).action(migrate);
}

async function migrate(options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  // Opening the fleet migrates.
  await withFleet(shell, {}, async (fleet) => {
    const missing = await missingMigrations(fleet.ledger);
    if (missing.length > 0) throw new CommandFailed(`Not applied: ${missing.join(", ")}. See the log of Postgres.`);
    shell.result({ current: true });
    shell.line("The schema is current.");
  });
}
