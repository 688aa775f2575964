/** Headers of every route that answers while its client waits; see terms.ts. */
export const termsHeaders = {
  "Idempotency-Key": "The same key brings the same request, while it runs and afterwards",
  "X-Millrace-Priority": "interactive unless given; standard, bulk",
  "X-Millrace-Detach": "true: the request goes on when its client leaves",
  "Last-Event-ID": "Of a stream: go on behind this event",
};
