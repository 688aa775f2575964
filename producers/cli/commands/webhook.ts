/** `millrace webhook`: who is told that work has ended. */
import { type Command, InvalidArgumentError } from "commander";
import { type EndpointView, listEndpoints, revokeEndpoint } from "../../../src/ledger/webhook-endpoints.ts";
import { type EventType, eventTypes } from "../../../src/webhook/event.ts";
import { endpointJson, registerEndpoint } from "../../webhook-endpoint.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";
import { withJson } from "./batch-options.ts";

interface CreateOptions {
  readonly tenant?: string;
  readonly events?: readonly EventType[];
  readonly batchRequests?: boolean;
  readonly json?: boolean;
}

export function registerWebhook(program: Command): void {
  const webhook = program.command("webhook").description("addresses that are told when work has ended");
  const create = webhook
    .command("create <url>")
    .description("registers an address and shows the secret that signs, this once")
    .option("--tenant <name>", "whose work it is told of; the one of MILLRACE_TENANT unless given")
    .option("--events <names>", `some of ${eventTypes.join(", ")}; all unless given`, eventList)
    .option("--batch-requests", "tell of requests that belong to batches, too");
  withJson(create).action(createOne);
  withJson(webhook.command("ls").description("all addresses, and how they are doing")).action(list);
  withJson(webhook.command("revoke <id>").description("ends one; what was still to be sent is given up")).action(
    revoke,
  );
}

function eventList(text: string): EventType[] {
  return text.split(/[\s,]+/).map((name) => {
    const known = eventTypes.find((type) => type === name);
    if (known === undefined) throw new InvalidArgumentError(`${name} is none of ${eventTypes.join(", ")}.`);
    return known;
  });
}

async function createOne(url: string, options: CreateOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const made = await registerEndpoint(fleet, {
      tenant: options.tenant ?? fleet.config.tenant,
      url,
      events: options.events,
      batchRequests: options.batchRequests === true,
    });
    if (!made.ok) throw new CommandFailed(`${made.reason} ${adviceOn[made.code]}`, exitCodes.usage);
    shell.result({ ...endpointJson(made.endpoint), secret: made.secret });
    shell.line(made.secret);
    shell.note("Keep it: it cannot be shown again. It verifies what arrives, as webhookSecret of OpenAI's SDK does.");
  });
}

const adviceOn = {
  bad_url:
    "A receiver of your own network: webhooks.allowPrivate in millrace.yaml, or MILLRACE_ALLOW_PRIVATE_URLS=true.",
  too_many: "See millrace webhook ls.",
};

async function list(options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async ({ ledger }) => {
    const endpoints = await listEndpoints(ledger);
    shell.result(endpoints.map(endpointJson));
    if (endpoints.length === 0) return shell.line("There are none; millrace webhook create URL makes one.");
    const titles = ["webhook", "tenant", "url", "events", "waiting", "last success", "health"];
    shell.line(
      table(
        titles.map((title) => ({ title })),
        endpoints.map(rowOf),
      ),
    );
  });
}

async function revoke(id: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async ({ ledger }) => {
    const revoked = await revokeEndpoint(ledger, id);
    if (revoked === undefined) throw new CommandFailed(`There is no webhook ${id}; see millrace webhook ls.`);
    shell.result(endpointJson(revoked));
    shell.line(`${revoked.id} is revoked`);
  });
}

const rowOf = (endpoint: EndpointView): string[] => [
  endpoint.id,
  endpoint.tenant,
  endpoint.url,
  endpoint.events.length === eventTypes.length ? "all" : endpoint.events.join(" "),
  endpoint.pending >= 1_000 ? "1000+" : `${endpoint.pending}`,
  endpoint.lastSuccessAt?.toISOString().slice(0, 19) ?? "-",
  healthOf(endpoint),
];

function healthOf({ endedAt, endReason, failures, lastError, failingSince }: EndpointView): string {
  if (endedAt !== undefined) return `${endReason} ${endedAt.toISOString().slice(0, 10)}`;
  if (failingSince === undefined) return "ok";
  return `${failures} failures since ${failingSince.toISOString().slice(0, 19)}: ${lastError ?? ""}`;
}
