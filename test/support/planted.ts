/** A secret for every credential of every provider, and a provider that says back whatever it was sent. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Provider } from "../../src/provider/provider.ts";
import { type Body, type Operation, promptBody } from "../../src/request/body.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { json } from "./wires.ts";

/** Every planted secret, and nothing else. */
export const canary = /canary\w+[\da-f]{12}/;

/** Of no shape by which keys are known, and with an end of its own: whoever hides it must know it. */
const secretOf = (name: string): string =>
  `canary${name.replace(/\W/g, "")}${createHash("sha256").update(name).digest("hex").slice(0, 12)}`;

/** What settings hold under this name that must not come out; see `ProviderVariables.more`. */
const isSecret = (name: string): boolean => /(?:Key|Token)$/.test(name);
/** A file's name is no secret; what is in it is. */
const isFile = (variable: string): boolean => /_CREDENTIALS$/.test(variable);

/** The environment of a process with every provider's credential in it, all of them at `url`. */
export function plantedEnvironment(
  providers: readonly Provider[],
  url: string,
  folder: string,
): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const { environment } of providers) {
    const [key = ""] = environment.apiKey;
    const [address = ""] = environment.baseUrl;
    variables[key] = isFile(key) ? plantedFile(folder, url) : secretOf(key);
    variables[address] = url;
    for (const [name, [variable = ""]] of Object.entries(environment.more ?? {})) {
      if (isSecret(name)) variables[variable] = secretOf(variable);
      else if (/^(?:region|location|project)$/.test(name)) variables[variable] = "europe-west4";
    }
  }
  return variables;
}

/** A service account of Google's, whose tokens come from `url`. */
function plantedFile(folder: string, url: string): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const account = {
    type: "service_account",
    project_id: "europe-west4",
    private_key_id: secretOf("privateKeyId"),
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: "mill@example.iam.gserviceaccount.com",
    client_id: "1",
    token_uri: `${url}/token`,
  };
  const path = join(folder, "account.json");
  writeFileSync(path, JSON.stringify(account));
  return path;
}

export interface EchoServer {
  readonly url: string;
  /** Status of the next answers. */
  status: number;
  readonly requests: WireServer["requests"];
}

/** Answers every call with an error whose words are all that a provider gets to see: the headers and the address of the call. */
export async function startEchoServer(): Promise<EchoServer> {
  const server = await startWireServer();
  onTestFinished(() => server.stop());
  const running: EchoServer = { url: server.url, status: 401, requests: server.requests };
  server.answer = ({ path, headers }) => {
    if (path.endsWith("/token")) {
      return json(JSON.stringify({ access_token: secretOf("token"), token_type: "Bearer", expires_in: 3_600 }));
    }
    const message = `Incorrect API key provided: ${[...headers.values(), path].join(" or ")}.`;
    const error = { type: "authentication_error", code: "invalid_api_key", message, status: "UNAUTHENTICATED" };
    const body = { type: "error", error, message, err_msg: message, detail: { status: "no", message } };
    return json(JSON.stringify(body), running.status);
  };
  return running;
}

/** Something to ask of each operation. */
export function bodyFor(operation: Operation, model: string): Body {
  switch (operation) {
    case "embedding":
      return { operation, model, input: ["a"] };
    case "transcription":
      return { operation, model, source: { data: "UklGRg==", mediaType: "audio/wav" } };
    case "speech":
      return { operation, model, text: "a" };
    default:
      return promptBody(model, "a");
  }
}
