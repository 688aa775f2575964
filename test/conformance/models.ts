import { providerEntries } from "../../src/config/models.ts";
import type { Provider } from "../../src/provider/provider.ts";

/** A model of the provider's that every judge knows. */
export function modelOf({ id }: Provider): string {
  const entry = providerEntries.find((candidate) => candidate.id === id);
  if (entry === undefined) throw new Error(`src/config/models.ts knows no ${id}`);
  return entry.defaultModel;
}
