/** `millrace provider health|stats|logs|test|circuit`. */
import { type Command, Option } from "commander";
import { operations } from "../../../src/request/body.ts";
import { wholeNumber } from "../number-option.ts";
import { withJson } from "./batch-options.ts";
import { registerCircuit } from "./provider-circuit.ts";
import { health } from "./provider-health.ts";
import { logs } from "./provider-logs.ts";
import { stats } from "./provider-stats.ts";
import { testProvider } from "./provider-test.ts";

export function registerProvider(program: Command): void {
  const command = program
    .command("provider")
    .description("providers: are they there, how do they do, what did they say");
  withJson(
    command
      .command("health")
      .description("key, address, answer and circuit of every provider; exit 1 when one with a key does not answer")
      .option(
        "--verbose",
        "with every lane: limits, depth, what its rate-limit headers said last, and what was learned",
      ),
  ).action(health);
  withJson(
    command
      .command("stats")
      .description("calls, tokens, cost and times by provider and model")
      .option("--time <hours>", "how far back", wholeNumber(1, 24 * 366), 24),
  ).action(stats);
  withJson(
    command
      .command("logs")
      .description("the newest calls, newest first")
      .option("-n <count>", "how many", wholeNumber(1, 1_000), 20)
      .option("-p, --provider <id>", "of this provider only")
      .option("--failed", "only those that did not succeed"),
  ).action(logs);
  withJson(
    command
      .command("test")
      .description(
        "one small request to this provider, through the queue and the limits like any other; it is recorded and costs a little",
      )
      .argument("<provider>")
      .option("--model <model>", "the vendor's name of a model; default: the provider's default model")
      .addOption(
        new Option("--operation <kind>", "what to ask for; default: what the model is for, as far as known").choices(
          operations,
        ),
      )
      .option("--stream", "as a stream, where there is one"),
  ).action(testProvider);
  registerCircuit(command);
}
