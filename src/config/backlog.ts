/** How many requests may be open at once: bounds at which producers refuse instead of letting the backlog grow. */
import { z } from "zod";
import { positive } from "./amounts.ts";
import { settingsObject } from "./settings-object.ts";

export const backlogSchema = settingsObject({
  /** Of the whole fleet. Absent: no bound. */
  maxOpen: positive.optional(),
  /** Of each tenant that `tenants` does not name. Absent: no bound. */
  maxOpenPerTenant: positive.optional(),
  /** Of single tenants; null takes the bound away. */
  tenants: z.record(z.string(), settingsObject({ maxOpen: positive.nullable() })).default({}),
});
export type BacklogBounds = z.infer<typeof backlogSchema>;

/** Undefined: the tenant has no bound of its own. */
export function tenantBound({ tenants, maxOpenPerTenant }: BacklogBounds, tenant: string): number | undefined {
  const own = Object.hasOwn(tenants, tenant) ? tenants[tenant] : undefined;
  return own === undefined ? maxOpenPerTenant : (own.maxOpen ?? undefined);
}
