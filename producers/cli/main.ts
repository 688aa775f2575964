/** The `millrace` command. Every command lives in commands/; this file only names them and turns ends into exit codes. */
import { Command, CommanderError } from "commander";
import { redactText } from "../../src/telemetry/redact.ts";
import { registerBatch } from "./commands/batch.ts";
import { registerDemo } from "./commands/demo.ts";
import { registerKey } from "./commands/key.ts";
import { registerMigrate } from "./commands/migrate.ts";
import { registerProvider } from "./commands/provider.ts";
import { registerPrune } from "./commands/prune.ts";
import { registerQueue } from "./commands/queue.ts";
import { registerRequest } from "./commands/request.ts";
import { registerRun } from "./commands/run.ts";
import { registerServe } from "./commands/serve.ts";
import { registerSimulate } from "./commands/simulate.ts";
import { registerUp } from "./commands/up.ts";
import { registerWebhook } from "./commands/webhook.ts";
import { registerWorker } from "./commands/worker.ts";
import { endOf, exitCodes } from "./exit.ts";

const program = new Command("millrace")
  .description("A durable, prioritised, rate-limit-exact request fleet for AI providers.")
  .exitOverride()
  .showSuggestionAfterError();

for (const register of [
  registerUp,
  registerDemo,
  registerServe,
  registerWorker,
  registerMigrate,
  registerKey,
  registerWebhook,
  registerSimulate,
  registerRun,
  registerBatch,
  registerRequest,
  registerQueue,
  registerPrune,
  registerProvider,
]) {
  register(program);
}

// Node prints an error with all its fields, and a client's may hold the login that was refused.
process.on("uncaughtException", (error) => {
  process.stderr.write(`millrace: ${redactText(endOf(error).message)}\n`);
  process.exit(exitCodes.failure);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has already said it; its help and version are successes.
    process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  } else {
    const end = endOf(error);
    process.stderr.write(`millrace: ${redactText(end.message)}\n`);
    process.exitCode = end.code;
  }
}
