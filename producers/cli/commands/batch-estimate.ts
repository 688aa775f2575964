/** `batch estimate`: what a file would take, without any service. */
import { loadConfig } from "../../../src/config/config.ts";
import { providers } from "../../../src/provider/registry.ts";
import { estimateInput, estimateJson } from "../../jsonl/estimate.ts";
import { openInput } from "../../jsonl/input.ts";
import { readLine } from "../../jsonl/line.ts";
import { count, span, spend } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { openShell } from "../shell.ts";
import { commandEnvironment } from "../simulator-session.ts";
import { table } from "../table.ts";
import type { BatchInputOptions } from "./batch-options.ts";

export async function estimateFile(path: string, options: BatchInputOptions): Promise<void> {
  const shell = openShell(options);
  const config = loadConfig(Object.values(providers), process.cwd(), commandEnvironment());
  const opened = await openInput(path);
  if (!opened.ok) throw new CommandFailed(`${path} ${opened.reason}.`, exitCodes.usage);
  const defaults = { model: options.model, priority: options.priority };
  const estimate = await estimateInput(opened.input, config, (line) => {
    const read = readLine(line, defaults);
    return read.ok ? { ok: true, value: read.value.body } : read;
  });
  await opened.input.close();
  shell.result({ file: path, ...estimateJson(estimate) });
  const right = "right";
  shell.line(
    table(
      [
        { title: "model" },
        { title: "first at" },
        { title: "lines", align: right },
        { title: "input tokens", align: right },
        { title: "output at most", align: right },
        { title: "cost", align: right },
        { title: "takes at least", align: right },
      ],
      estimate.models.map((model) => [
        model.model,
        model.deployment,
        count(model.lines),
        count(model.inputTokens),
        count(model.mostOutputTokens),
        costWords(model.leastNanoUsd, model.mostNanoUsd),
        model.leastMs === undefined ? "unknown" : span(model.leastMs),
      ]),
    ),
  );
  if (estimate.bad > 0) {
    shell.note(`${count(estimate.bad)} lines cannot run: \`millrace batch validate ${path}\` says why.`);
    process.exitCode = exitCodes.someLinesFailed;
  }
}

const costWords = (least: bigint | undefined, most: bigint | undefined): string =>
  least === undefined || most === undefined ? "unknown" : `${spend(least, 0)} to ${spend(most, 0)}`;
