/** What a vendor meters together. One pool is one lane. */
export interface Pool {
  /** `<provider>.<group>`; also the name of the lane, so no colon. */
  readonly id: string;
  readonly provider: string;
  readonly requestsPerMinute: number;
  /** Calls in flight over the whole fleet. */
  readonly concurrency: number;
}

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
}
