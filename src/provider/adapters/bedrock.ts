/** Amazon Bedrock's Converse API through the official AWS SDK, for every family of models. See bedrock/ for the wire. */
import { answered } from "../call-outcome.ts";
import { failing } from "../failing.ts";
import type { ConnectionSettings, Provider } from "../provider.ts";
import { answerOf } from "../sdk-answer.ts";
import { converse } from "./bedrock/call.ts";
import { type Opened, openClient, secretsOf } from "./bedrock/client.ts";
import { embed } from "./bedrock/embedding.ts";
import { errorsOf } from "./bedrock/errors.ts";

export const bedrock: Provider = {
  id: "bedrock",
  environment: {
    apiKey: [
      "AWS_BEARER_TOKEN_BEDROCK",
      "AWS_ACCESS_KEY_ID",
      "AWS_PROFILE",
      "AWS_WEB_IDENTITY_TOKEN_FILE",
      "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ],
    baseUrl: ["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"],
    more: {
      region: ["AWS_REGION", "AWS_DEFAULT_REGION"],
      bearerToken: ["AWS_BEARER_TOKEN_BEDROCK"],
      accessKeyId: ["AWS_ACCESS_KEY_ID"],
      secretAccessKey: ["AWS_SECRET_ACCESS_KEY"],
      sessionToken: ["AWS_SESSION_TOKEN"],
      profile: ["AWS_PROFILE"],
      role: [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      ],
    },
  },
  operations: ["chat", "embedding"],
  connect(settings) {
    const open = openOnce(settings);
    const secrets = secretsOf(settings);
    const errors = errorsOf(secrets);
    const [secret = ""] = secrets;
    return {
      chat: (input, io) => converse(open, input, io, failing(errors, io.signal, secret, input.body)),
      embedding: (input, io) => embed(open, input, io, failing(errors, io.signal, secret, input.body)),
      async probe(io) {
        const fail = failing(errors, io.signal, secret);
        const answer = await answerOf(async () => {
          const { sdk, client } = await open();
          // The cheapest call of this API that is authenticated and runs no model.
          return client.send(new sdk.ListAsyncInvokesCommand({ maxResults: 1 }), { abortSignal: io.signal });
        });
        const outcome = answer.ok ? undefined : fail.thrown(answer.error);
        if (outcome !== undefined && !outcome.ok && !isKnownCaller(outcome.failure.message)) return outcome;
        return answered({ text: "signed in" }, { unified: "stop", raw: "" }, {}, {});
      },
    };
  },
};

/** AWS knows who asks and does not let them list: enough for a probe. */
const isKnownCaller = (message: string): boolean =>
  /is not authorized to perform: bedrock:ListAsyncInvokes/.test(message);

function openOnce(settings: ConnectionSettings): () => Promise<Opened> {
  let opened: Promise<Opened> | undefined;
  return () => {
    opened ??= openClient(settings);
    return opened;
  };
}
