/** One way to get an answer: provider + vendor model + credential, within a pool. */
export interface Deployment {
  /** `<provider>/<vendor model>`. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly pool: string;
  /** The price book's name of the provider. */
  readonly priceBook: string;
}

/** Ordered deployments for a logical model: the first answers, the next ones stand in. */
export interface Route {
  readonly model: string;
  readonly deployments: readonly Deployment[];
  /** How long a request waits at a blocked deployment before it moves on to the next one, in milliseconds. */
  readonly maxWaitMs: number;
}
