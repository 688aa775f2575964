/**
 * `provider stats`, `provider logs` and a look of the dashboard on one million requests (`--rows N`) over thirty days, with an
 * attempt each; one in a hundred is still in the backlog.
 */
import { openLedgerFacts } from "../../producers/http/dashboard/ledger-facts.ts";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { attemptLog } from "../../src/ledger/logs.ts";
import { modelStats, rollUpAttempts } from "../../src/ledger/stats.ts";
import { bench, percentile } from "./bench.ts";

await bench("queries", async ({ quick, fleet, say }) => {
  const at = process.argv.indexOf("--rows");
  const rows = at < 0 ? 1_000_000 : Number(process.argv[at + 1]);
  await fill(fleet, rows);
  const started = performance.now();
  let folded = 0;
  for (let last = -1; last !== 0; folded += last) last = await rollUpAttempts(fleet.ledger, 100_000);
  if (folded !== rows) throw new Error(`of ${rows} attempts ${folded} were rolled up`);
  say(`  rolled up ${folded} attempts in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  await fleet.ledger.sql`analyze attempts, requests`;
  const runs = quick ? 60 : 500;
  const stats = await time(runs, () => modelStats(fleet.ledger, 24));
  const monthly = await time(runs / 5, () => modelStats(fleet.ledger, 24 * 30));
  const logs = await time(runs, () => attemptLog(fleet.ledger, { limit: 50 }));
  const byProvider = await time(runs, () => attemptLog(fleet.ledger, { limit: 50, provider: "openai" }));
  const failed = await time(runs, () => attemptLog(fleet.ledger, { limit: 50, failedOnly: true }));
  // Opened anew each time, so that what changes slowly is read as well.
  const look = await time(runs / 5, () => openLedgerFacts(fleet)());
  return {
    statsP50Ms: percentile(stats, 0.5),
    statsP99Ms: percentile(stats, 0.99),
    stats30DaysP50Ms: percentile(monthly, 0.5),
    logsP50Ms: percentile(logs, 0.5),
    logsP99Ms: percentile(logs, 0.99),
    logsOfProviderP50Ms: percentile(byProvider, 0.5),
    logsFailedP50Ms: percentile(failed, 0.5),
    dashboardP50Ms: percentile(look, 0.5),
    dashboardP99Ms: percentile(look, 0.99),
  };
});

/** Nine models of three providers, three in a hundred failed; each portion is a transaction of its own. */
async function fill(fleet: Fleet, rows: number): Promise<void> {
  const portion = 20_000;
  for (let done = 0; done < rows; done += portion) {
    await fleet.ledger.sql`
      with asked as (
        insert into requests (id, tenant, model, deployment, lane, priority, state, dispatch_no, attempt, est_input_tokens,
          est_output_tokens, created_at, finished_at)
        select (lpad(to_hex(${done}::int + n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
          'tenant-' || n % 20, 'model-' || n % 9, 'bench', (array['anthropic.haiku', 'openai.gpt-5-mini', 'gemini.gemini-3.8-flash'])[1 + n % 3],
          1 + n % 3, case when n % 100 = 0 then 'queued' when n % 33 = 0 then 'failed' else 'succeeded' end, 1, 1, 1000, 200,
          now() - interval '30 days' * (1 - (${done}::float8 + n) / ${rows}::float8),
          case when n % 100 > 0 then now() - interval '30 days' * (1 - (${done}::float8 + n) / ${rows}::float8) end
        from generate_series(1, ${portion}::int) as n
      )
      insert into attempts (id, request_id, tenant, dispatch_no, attempt, provider, model, deployment, outcome, failure_kind,
        failure_message, input_tokens, output_tokens, cost_nano_usd, price_version, streamed, started_at, duration_ms, created_at)
      select (lpad(to_hex(${done}::int + n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        (lpad(to_hex(${done}::int + n), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
        'tenant-' || n % 20, 1, 1, (array['anthropic', 'openai', 'gemini'])[1 + n % 3], 'model-' || n % 9, 'bench',
        case when n % 33 = 0 then 'failed' else 'succeeded' end, case when n % 33 = 0 then 'server' end,
        case when n % 33 = 0 then 'internal error' end, 1000 + n % 500, 200 + n % 100, 1500000 + n, 'bench', false,
        now() - interval '1 day', 500 + n % 3000, now() - interval '30 days' * (1 - (${done}::float8 + n) / ${rows}::float8)
      from generate_series(1, ${portion}::int) as n`;
  }
}

async function time(runs: number, query: () => Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    await query();
    took.push(performance.now() - started);
  }
  return took;
}
