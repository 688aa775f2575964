/** `batch validate`: says offline what `batch run` would say, all of it. */
import { count } from "../amounts.ts";
import { exitCodes } from "../exit.ts";
import { openShell } from "../shell.ts";
import { checkFile, tellProblems, tellWarnings } from "./batch-input.ts";
import type { BatchInputOptions } from "./batch-options.ts";

export async function validateBatch(path: string, options: BatchInputOptions): Promise<void> {
  const shell = openShell(options);
  const { input, checked } = await checkFile(path, options);
  await input.close();
  const { good, problems, warnings } = checked;
  tellProblems(path, problems, shell.line);
  tellWarnings(path, warnings, shell.line);
  shell.line(
    problems.count === 0
      ? `${path}: ${count(good)} lines, all good`
      : `${path}: ${count(problems.count)} of ${count(good + problems.count)} lines bad`,
  );
  shell.result({
    file: path,
    good,
    bad: problems.count,
    problems: problems.first,
    warnings: warnings.all,
    sha256: checked.contentHash,
  });
  process.exitCode = problems.count === 0 ? exitCodes.ok : exitCodes.someLinesFailed;
}
