/**
 * Events of what ends, written by the very statement that ends it: a common table expression `moved` with the rows as they
 * are now, and with an `event_id` for each, which all endpoints are told. Where nobody registered an endpoint this is one look
 * into an empty index.
 */
import type { ISql } from "postgres";

/** `moved`: event_id, id, tenant, batch_id, state. */
export const tellOfRequests = (sql: ISql) => sql`
  insert into webhook_deliveries (event_id, endpoint_id, type, subject_id)
  select m.event_id, e.id, 'request.' || m.state, m.id
  from moved m join webhook_endpoints e on e.tenant = m.tenant and e.ended_at is null
  where m.state in ('succeeded', 'failed', 'cancelled') and (m.batch_id is null or e.batch_requests)
    and e.events ? ('request.' || m.state)`;

/** `moved`: event_id, id, tenant, state; only states that are ends. */
export const tellOfBatches = (sql: ISql) => sql`
  insert into webhook_deliveries (event_id, endpoint_id, type, subject_id)
  select m.event_id, e.id, 'batch.' || m.state, m.id
  from moved m join webhook_endpoints e on e.tenant = m.tenant and e.ended_at is null
  where e.events ? ('batch.' || m.state)`;
