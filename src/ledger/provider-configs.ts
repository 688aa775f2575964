import type { Config } from "../config/config.ts";
import type { Ledger } from "./ledger.ts";

/** Writes what each provider runs with, for operators to see. Whether there is a key is kept, the key never. */
export async function writeProviderConfigs(ledger: Ledger, config: Config): Promise<void> {
  const rows = [...config.credentials].map(([provider, credential]) => ({
    provider,
    base_url: credential.baseUrl ?? null,
    credential_present: credential.apiKey !== undefined,
    pools: [...config.catalog.pools.values()].filter((pool) => pool.provider === provider),
  }));
  await ledger.sql`
    insert into provider_configs (provider, base_url, credential_present, pools)
    select * from json_to_recordset(${JSON.stringify(rows)}::text::json)
      as r(provider text, base_url text, credential_present boolean, pools jsonb) order by provider
    on conflict (provider) do update set base_url = excluded.base_url, credential_present = excluded.credential_present,
      pools = excluded.pools, updated_at = now()`;
}
