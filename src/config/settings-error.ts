/** Settings that cannot be used. The message says what is wrong and what to do; it is shown without a stack. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}

/** Every problem of a settings file at once, each as `path: what is wrong and what is possible`. */
export const unusable = (file: string, problems: readonly string[]): SettingsError =>
  new SettingsError(
    `${file} is not usable:\n${problems.map((problem) => `  ${problem}`).join("\n")}\nSee examples/millrace.yaml for every key.`,
  );
