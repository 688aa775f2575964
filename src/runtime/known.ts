type MaybeUnknown<T> = Extract<T, null | undefined> extends never ? false : true;
export type Known<T> = {
  readonly [K in keyof T as MaybeUnknown<T[K]> extends true ? never : K]: T[K];
} & { readonly [K in keyof T as MaybeUnknown<T[K]> extends true ? K : never]?: NonNullable<T[K]> };

/** The fields that are known: what a provider did not say (null or undefined) is left out, never zero. */
export const known = <T extends object>(fields: T): Known<T> =>
  // The compiler cannot follow the filter; the type above says exactly what it does.
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined)) as Known<T>;
