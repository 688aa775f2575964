/** `/healthz`: the process is alive. `/readyz`: it can do its work, or what it lacks. */
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { readOnlyReason } from "../../src/ledger/ledger.ts";
import { missingMigrations } from "../../src/ledger/schema-version.ts";
import { aliveDoc, readyDoc } from "./service-doc.ts";

/** An orchestrator's probe gives up after some seconds; the answer must come before. */
const patienceMs = 2_000;

export type Finding = "ok" | { readonly missing: string };
export interface Readiness {
  readonly ledger: Finding;
  readonly redis: Finding;
  readonly migrations: Finding;
}

export function addHealth(app: FastifyInstance, fleet: Pick<Fleet, "ledger" | "lanes">): void {
  app.get("/healthz", { config: { doc: aliveDoc } }, async () => ({ status: "ok" }));
  app.get("/readyz", { config: { doc: readyDoc } }, async (_request, reply) => {
    const checks = await readiness(fleet);
    const ready = Object.values(checks).every((finding) => finding === "ok");
    if (!ready) void reply.status(503).header("retry-after", 2);
    return { status: ready ? "ready" : "not ready", checks };
  });
}

/** Answers within two seconds, whatever is away. A service that answers and takes no writes is of no use either. */
export async function readiness(fleet: Pick<Fleet, "ledger" | "lanes">): Promise<Readiness> {
  const [migrations, readOnly, redis] = await Promise.all([
    settled(missingMigrations(fleet.ledger)),
    settled(readOnlyReason(fleet.ledger)),
    settled(fleet.lanes.ping()),
  ]);
  return {
    ledger: ledgerFinding(readOnly),
    redis: redis.ok ? "ok" : { missing: `Redis does not answer, or takes no writes: ${redis.reason}` },
    migrations: migrationFinding(migrations),
  };
}

function ledgerFinding(readOnly: Settled<string | undefined>): Finding {
  if (!readOnly.ok) return { missing: `Postgres does not answer: ${readOnly.reason}` };
  return readOnly.value === undefined ? "ok" : { missing: `Postgres takes no writes: ${readOnly.value}` };
}

function migrationFinding(migrations: Settled<readonly string[]>): Finding {
  if (!migrations.ok) return { missing: "unknown while Postgres does not answer" };
  if (migrations.value.length === 0) return "ok";
  return { missing: `not applied: ${migrations.value.join(", ")}; run millrace migrate` };
}

type Settled<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: string };

async function settled<Value>(check: Promise<Value>): Promise<Settled<Value>> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<Settled<Value>>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, reason: `no answer in ${patienceMs} ms` }), patienceMs);
  });
  const answer = check.then(
    (value): Settled<Value> => ({ ok: true, value }),
    (error: unknown): Settled<Value> => ({ ok: false, reason: error instanceof Error ? wordOf(error) : String(error) }),
  );
  try {
    return await Promise.race([answer, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** AggregateError of a refused connection has an empty message. */
const wordOf = (error: Error): string =>
  error.message === "" && "code" in error ? String(error.code) : error.message || error.name;
