/**
 * Events of what ends, written by the very statement that ends it: a common table expression `moved` with the rows as they
 * are now. Where nobody registered an endpoint this is one look into an empty index for the whole statement.
 */
import type { ISql } from "postgres";

/**
 * `moved`: id, tenant, batch_id, state. A request ends once, so its event has its id. Whatever happens here must not cost the
 * record of a paid call, hence the `on conflict`.
 */
export const tellOfRequests = (sql: ISql) => sql`
  insert into webhook_deliveries (event_id, endpoint_id, type, subject_id)
  select m.id, e.id, 'request.' || m.state, m.id
  from moved m join webhook_endpoints e on e.tenant = m.tenant and e.ended_at is null
  where exists (select 1 from webhook_endpoints where ended_at is null)
    and m.state in ('succeeded', 'failed', 'cancelled') and (m.batch_id is null or e.batch_requests)
    and e.events ? ('request.' || m.state)
  on conflict (event_id, endpoint_id) do nothing`;

/** `moved`: event_id, id, tenant, state; only states that are ends. A batch ends again after a retry: that is another event. */
export const tellOfBatches = (sql: ISql) => sql`
  insert into webhook_deliveries (event_id, endpoint_id, type, subject_id)
  select m.event_id, e.id, 'batch.' || m.state, m.id
  from moved m join webhook_endpoints e on e.tenant = m.tenant and e.ended_at is null
  where e.events ? ('batch.' || m.state)`;
