import type { ModelInfo } from "./provider-entry.ts";
import type { UnitPrice } from "./unit-price.ts";

/** One way to get an answer: provider + vendor model + credential, within a pool. */
export interface Deployment {
  /** `<provider>/<vendor model>`. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly pool: string;
  /** The price book's name of the provider. */
  readonly priceBook: string;
  /** The operator's own price by length, where the settings file has one. */
  readonly unitPrice?: UnitPrice | undefined;
  /** Undefined: the model is not known by name, and passes through. */
  readonly info: ModelInfo | undefined;
}

/** Ordered deployments for a logical model: the first answers, the next ones stand in. */
export interface Route {
  readonly model: string;
  readonly deployments: readonly Deployment[];
  /** How long a request waits at a blocked deployment before it moves on to the next one, in milliseconds. */
  readonly maxWaitMs: number;
}
