/** `millrace key`: who may call the HTTP side. */
import type { Command } from "commander";
import { createKey, type KeyView, listKeys, revokeKey } from "../../../src/ledger/api-keys.ts";
import { CommandFailed } from "../exit.ts";
import { wholeNumber } from "../number-option.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";
import { withJson } from "./batch-options.ts";

interface CreateOptions {
  readonly tenant?: string;
  readonly name?: string;
  readonly admin?: boolean;
  readonly days?: number;
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly json?: boolean;
}

export function registerKey(program: Command): void {
  const key = program.command("key").description("API keys of the HTTP side");
  const create = key
    .command("create")
    .description("makes a key and shows it this once; from the first one on every call needs a key")
    .option("--tenant <name>", "whose requests it is for; the one of MILLRACE_TENANT unless given")
    .option("--name <words>", "what it is for")
    .option("--admin", "may do everything, for all tenants")
    .option("--days <days>", "ends after so many days", wholeNumber(1, 36_500))
    .option("--requests-per-minute <n>", "new requests through it in any minute", wholeNumber(1, mostPerMinute))
    .option("--tokens-per-minute <n>", "estimated tokens of them in any minute", wholeNumber(1, mostPerMinute));
  withJson(create).action(createOne);
  withJson(key.command("ls").description("all keys, without what would open anything")).action(list);
  withJson(key.command("revoke <key>").description("ends a key within seconds, by its id or first characters")).action(
    revoke,
  );
}

async function createOne(options: CreateOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async ({ ledger, config }) => {
    const made = await createKey(ledger, {
      tenant: options.tenant ?? config.tenant,
      name: options.name ?? "",
      scope: options.admin === true ? "admin" : "use",
      ...(options.days === undefined ? {} : { expiresAt: new Date(Date.now() + options.days * 86_400_000) }),
      ...(options.requestsPerMinute === undefined ? {} : { requestsPerMinute: options.requestsPerMinute }),
      ...(options.tokensPerMinute === undefined ? {} : { tokensPerMinute: options.tokensPerMinute }),
    });
    shell.result({ ...documentOf(made), key: made.key });
    shell.line(made.key);
    shell.note("Keep it: it cannot be shown again.");
  });
}

async function list(options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async ({ ledger }) => {
    const keys = await listKeys(ledger);
    shell.result(keys.map(documentOf));
    if (keys.length === 0)
      return shell.line("There are no keys: the HTTP side answers this machine only, to everybody.");
    const titles = ["key", "tenant", "scope", "name", "a minute", "created", "ends"].map((title) => ({ title }));
    shell.line(table(titles, keys.map(rowOf)));
  });
}

async function revoke(named: string, options: { readonly json?: boolean }): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async ({ ledger }) => {
    const revoked = await revokeKey(ledger, named);
    if (revoked === undefined)
      throw new CommandFailed(`No key, or more than one, is meant by ${named}; see millrace key ls.`);
    shell.result(documentOf(revoked));
    shell.line(`${revoked.prefix}… is revoked; servers hear of it within five seconds`);
  });
}

/** Postgres' integer. */
const mostPerMinute = 2_147_483_647;

function limitsOf({ requestsPerMinute, tokensPerMinute }: KeyView): string {
  const requests = requestsPerMinute === undefined ? [] : [`${requestsPerMinute} requests`];
  const tokens = tokensPerMinute === undefined ? [] : [`${tokensPerMinute} tokens`];
  return [...requests, ...tokens].join(", ") || "-";
}

const day = (date: Date): string => date.toISOString().slice(0, 10);

const rowOf = (key: KeyView): string[] => [
  `${key.prefix}…`,
  key.tenant,
  key.scope,
  key.name,
  limitsOf(key),
  day(key.createdAt),
  key.revokedAt === undefined
    ? key.expiresAt === undefined
      ? "-"
      : day(key.expiresAt)
    : `revoked ${day(key.revokedAt)}`,
];

const documentOf = (key: KeyView) => ({
  id: key.id,
  prefix: key.prefix,
  tenant: key.tenant,
  scope: key.scope,
  name: key.name,
  requests_per_minute: key.requestsPerMinute ?? null,
  tokens_per_minute: key.tokensPerMinute ?? null,
  created_at: key.createdAt.toISOString(),
  expires_at: key.expiresAt?.toISOString() ?? null,
  revoked_at: key.revokedAt?.toISOString() ?? null,
});
