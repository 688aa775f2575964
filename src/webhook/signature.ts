/** Standard Webhooks (standardwebhooks.com, spec 1.0): what OpenAI's SDK and every library of that standard verify. */
import { createHmac, randomBytes } from "node:crypto";

/** 256 random bits; the specification asks for 192 to 512. */
export const newSecret = (): string => `whsec_${randomBytes(32).toString("base64")}`;

export interface Signed {
  readonly secret: string;
  /** The event's id: the same for every attempt, so that a receiver knows what it has seen. */
  readonly id: string;
  readonly body: string;
  /** Of this attempt. Receivers take five minutes of difference. */
  readonly atMs: number;
}

export function signedHeaders({ secret, id, body, atMs }: Signed) {
  const seconds = Math.floor(atMs / 1_000);
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  return { "webhook-id": id, "webhook-timestamp": `${seconds}`, "webhook-signature": `v1,${signature}` };
}
