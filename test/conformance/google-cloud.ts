/**
 * What stands beside Vertex on Google Cloud, on loopback: a token server that checks who signs, a metadata server, and the
 * files of credentials that point to them.
 */
import { createVerify, generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";

export interface GoogleCloud {
  /** Of the metadata server, as GCE_METADATA_HOST wants it. */
  readonly host: string;
  /** Tokens that were given out. */
  readonly tokens: () => number;
  /** Answers of the token server from now on, in place of a token. */
  refuse: { readonly status: number; readonly body: object } | "reset" | undefined;
  /** A service account's file; whoever signs with it gets this token. */
  accountFile(name: string, token: string): Promise<string>;
  /** Any file. */
  file(name: string, content: string): Promise<string>;
  stop(): Promise<void>;
}

/** The project of every service account here. */
export const project = "mill-42";

export async function startGoogleCloud(): Promise<GoogleCloud> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-google-"));
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  const accounts = new Map<string, string>();
  let given = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const send = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json", "metadata-flavor": "Google" });
      response.end(JSON.stringify(body));
    };
    if (cloud.refuse === "reset") request.socket.resetAndDestroy();
    else if (cloud.refuse !== undefined) send(cloud.refuse.status, cloud.refuse.body);
    else if (request.url?.startsWith("/computeMetadata/")) {
      const isToken = request.url.includes("/service-accounts/default/token");
      if (isToken) given += 1;
      if (request.url.includes("/project/project-id")) {
        response.writeHead(200, { "content-type": "text/plain", "metadata-flavor": "Google" });
        response.end(project);
      } else send(isToken ? 200 : 404, isToken ? tokenBody("ya29.of-the-machine") : {});
    } else {
      const claims = claimsOf(Buffer.concat(chunks).toString("utf8"), publicKey);
      const token = claims?.aud === `http://${cloud.host}/token` ? accounts.get(claims.iss) : undefined;
      if (token === undefined)
        return send(400, { error: "invalid_grant", error_description: "Invalid JWT Signature." });
      given += 1;
      send(200, tokenBody(token));
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  };
  const cloud: GoogleCloud = {
    get host() {
      const address = server.address();
      return `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    },
    tokens: () => given,
    refuse: undefined,
    accountFile(name, token) {
      const email = `${name}@${project}.iam.gserviceaccount.com`;
      accounts.set(email, token);
      const account = {
        type: "service_account",
        project_id: project,
        private_key_id: "1",
        private_key: key,
        client_email: email,
        token_uri: `http://${cloud.host}/token`,
      };
      return file(name, JSON.stringify(account));
    },
    file,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      await rm(folder, { recursive: true });
    },
  };
  return cloud;
}

const tokenBody = (token: string) => ({ access_token: token, expires_in: 3_599, token_type: "Bearer" });

const claimsSchema = z.object({
  iss: z.string(),
  aud: z.string(),
  scope: z.literal("https://www.googleapis.com/auth/cloud-platform"),
});

/** Undefined for an assertion that the key did not sign. */
function claimsOf(form: string, publicKey: Parameters<ReturnType<typeof createVerify>["verify"]>[0]) {
  const [head = "", claims = "", signature = ""] = (new URLSearchParams(form).get("assertion") ?? "").split(".");
  const isSigned = createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(publicKey, signature, "base64url");
  return isSigned ? claimsSchema.parse(JSON.parse(Buffer.from(claims, "base64url").toString("utf8"))) : undefined;
}
