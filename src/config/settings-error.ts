/** Settings that cannot be used. The message says what is wrong and what to do; it is shown without a stack. */
export class SettingsError extends Error {
  override readonly name = "SettingsError";
}
