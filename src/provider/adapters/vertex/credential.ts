/**
 * Google's application default credentials, as access tokens; the only file that knows google-auth-library. A token is
 * kept until shortly before it ends, and fetched once for all calls that wait for it.
 */
import { readFile } from "node:fs/promises";
import { GoogleAuth } from "google-auth-library";
import { z } from "zod";
import { known } from "../../../runtime/known.ts";
import { answerOf, type SdkAnswer } from "../../sdk-answer.ts";

export interface Credential {
  /**
   * Headers that authorize a call, and the project of the credential where it names one. Rejects with the signal's
   * reason as soon as it is aborted; the token is fetched on for the others.
   */
  authorized(signal: AbortSignal): Promise<SdkAnswer<Authorization>>;
}

export interface Authorization {
  readonly headers: Headers;
  /** Must appear nowhere. */
  readonly token: string;
  readonly project: string | undefined;
}

const scopes = "https://www.googleapis.com/auth/cloud-platform";
/** Where the library asks for tokens of a service account, whatever the account's file says. */
const usualTokenAddress = "https://oauth2.googleapis.com/token";

/**
 * `file`: a service account's key, or any other file that Google's tools write. Undefined: where Google's libraries look,
 * which is gcloud's own file and then the metadata server of the machine.
 */
export function openCredential(file: string | undefined, project: string | undefined): Credential {
  let opening: Promise<GoogleAuth> | undefined;
  const authorize = async (): Promise<Authorization> => {
    opening ??= openAuth(file, project);
    const auth = await opening.catch((error: unknown) => {
      opening = undefined; // the file may come later
      throw error;
    });
    const client = await auth.getClient();
    const headers = await client.getRequestHeaders();
    const token = headers.get("authorization")?.replace(/^Bearer /, "") ?? "";
    return { headers, token, project: client.projectId ?? undefined };
  };
  return { authorized: (signal) => answerOf(() => Promise.race([authorize(), aborted(signal)])) };
}

const accountSchema = z.looseObject({ type: z.string(), token_uri: z.url().optional() });

async function openAuth(file: string | undefined, project: string | undefined): Promise<GoogleAuth> {
  // A project that is known need not be looked for, which would ask gcloud.
  if (file === undefined) return new GoogleAuth({ scopes, ...known({ projectId: project }) });
  const account = accountSchema.safeParse(parsed(await readFile(file, "utf8")));
  if (!account.success) throw new Error("the file of the credential is none of Google's");
  const { type, token_uri: address = usualTokenAddress } = account.data;
  if (type !== "service_account" || address === usualTokenAddress) return new GoogleAuth({ scopes, keyFilename: file });
  // A token server of one's own: the library does not read it from the file.
  const fetchImplementation: typeof fetch = (input, init) =>
    fetch(String(input) === usualTokenAddress ? address : input, init);
  return new GoogleAuth({
    scopes,
    keyFilename: file,
    clientOptions: { transporterOptions: { fetchImplementation }, additionalClaims: { aud: address } },
  });
}

/** No words of the parser: they quote the file. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
