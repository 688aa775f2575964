import { z } from "zod";

/** An object of a settings file. A key that it does not know is a spelling error, answered with those it knows. */
export const settingsObject = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown: ${issue.keys.join(", ")}; possible: ${Object.keys(shape).join(", ")}`
        : undefined,
  });

type Layer<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** `base` with whatever `layer` says; what it leaves undefined stays. */
export const overlay = <T extends object>(base: T, layer: Layer<T> | undefined): T => ({
  ...base,
  ...Object.fromEntries(Object.entries(layer ?? {}).filter(([, value]) => value !== undefined)),
});
