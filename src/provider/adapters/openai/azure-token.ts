/** Tokens of Microsoft Entra ID for an application, by client credentials: fetched when needed, kept, renewed in time. */
import { z } from "zod";
import type { Failure } from "../../../request/failure.ts";
import { jsonOrText, kindOfStatus } from "../../error-answer.ts";
import { failureMessage } from "../../failure-message.ts";
import { interruption } from "../../interruption.ts";
import { answerOf } from "../../sdk-answer.ts";
import { transportFailure } from "../../transport-failure.ts";
import { bearer, type CredentialSource } from "./credential.ts";

export interface Application {
  readonly secret: string;
  readonly clientId: string;
  readonly tenantId: string;
  /** `https://login.microsoftonline.com`, or that of a national cloud. */
  readonly authority: string;
}

type Fetched =
  | { readonly ok: true; readonly token: string; readonly endsAtMs: number }
  | { readonly ok: false; readonly failure: Failure };

/** A token is renewed so long before its end; calls that run longer are let in at their start. */
const reserveMs = 300_000;
/** Entra's answer takes well under a second; a call that waits has its own, shorter time as well. */
const fetchMs = 30_000;

/** `now` is the time in milliseconds. Calls that come while a token is being fetched wait for the same one. */
export function entraTokens(application: Application, now: () => number = Date.now): CredentialSource {
  let token: Extract<Fetched, { ok: true }> | undefined;
  let fetching: Promise<Fetched> | undefined;
  const renew = async (): Promise<Fetched> => {
    const fetched = await fetchToken(application, now);
    if (fetched.ok) token = fetched;
    fetching = undefined;
    return fetched;
  };
  return async (signal) => {
    const kept = token;
    if (kept !== undefined && now() < kept.endsAtMs - reserveMs) return { ok: true, credential: bearer(kept.token) };
    fetching ??= renew();
    const fetched = await Promise.race([fetching, stopped(signal)]);
    return fetched.ok ? { ok: true, credential: bearer(fetched.token) } : fetched;
  };
}

/** The caller's own end; the token is fetched all the same, for those that come after. */
async function stopped(signal: AbortSignal): Promise<Fetched> {
  if (!signal.aborted) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  }
  return { ok: false, failure: interruption(signal) };
}

const answerSchema = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });
const refusalSchema = z.object({ error: z.string(), error_description: z.string().optional() });

async function fetchToken(application: Application, now: () => number): Promise<Fetched> {
  const { authority, tenantId, clientId, secret } = application;
  const url = `${authority.replace(/\/$/, "")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: secret,
    scope: "https://cognitiveservices.azure.com/.default",
  });
  const askedAtMs = now();
  const answer = await answerOf(async () => {
    const response = await fetch(url, { method: "POST", body, signal: AbortSignal.timeout(fetchMs) });
    return { status: response.status, body: jsonOrText(await response.text()) };
  });
  if (!answer.ok) return { ok: false, failure: failureOf(answer.error) };
  const granted = answerSchema.safeParse(answer.value.body).data;
  if (granted !== undefined) {
    return { ok: true, token: granted.access_token, endsAtMs: askedAtMs + granted.expires_in * 1_000 };
  }
  return { ok: false, failure: refusalOf(answer.value.status, answer.value.body, secret) };
}

const failureOf = (error: unknown): Failure =>
  error instanceof DOMException && error.name === "TimeoutError"
    ? { kind: "network", message: "Entra gave no token in time" }
    : transportFailure(error);

/** Entra says 400 and 401 for a wrong tenant, application or secret: none of them is the request's fault. */
function refusalOf(status: number, body: unknown, secret: string): Failure {
  const { error, error_description: words } = refusalSchema.safeParse(body).data ?? { error: `HTTP ${status}` };
  const message = `Entra gave no token: ${words ?? error}`;
  return {
    kind: status === 400 ? "auth" : status < 400 ? "server" : kindOfStatus(status),
    message: failureMessage(message, { apiKey: secret, prompt: [] }),
    status,
    code: error,
  };
}
