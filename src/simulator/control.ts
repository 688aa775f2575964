/** The operator's side, under `/_sim`: read and clear the ledger, order faults, change limits. */
import { z } from "zod";
import { type Fault, faultSchema } from "./faults.ts";
import { summarise } from "./ledger-summary.ts";
import { limitSettingsSchema } from "./options.ts";
import type { Simulation } from "./simulation.ts";

export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** `undefined` when it was larger than is allowed. */
  readonly body: string | undefined;
}

export function answerControl(simulation: Simulation, request: ControlRequest): ControlAnswer {
  const verb = `${request.method} ${request.path}`;
  if (!Object.hasOwn(verbs, verb)) {
    return error(404, `There is no ${verb}. There is: ${Object.keys(verbs).join(", ")}.`);
  }
  return verbs[verb]?.(simulation, request) ?? error(404, "");
}

type Verb = (simulation: Simulation, request: ControlRequest) => ControlAnswer;

const verbs: Readonly<Record<string, Verb>> = {
  "GET /_sim/health": ({ ledger }) => ok({ ok: true, received: ledger.next }),
  "GET /_sim/ledger": ({ ledger }, { query }) =>
    withInput(ledgerQuerySchema, Object.fromEntries(query), ({ since, limit }) => {
      const calls = [...ledger.calls(since, limit)];
      const next = (calls.at(-1)?.seq ?? Math.max(since, ledger.first) - 1) + 1;
      return ok({ calls, next, first: ledger.first, received: ledger.next });
    }),
  "GET /_sim/ledger/summary": ({ ledger }) => ok(summarise(ledger.calls())),
  "DELETE /_sim/ledger": ({ ledger }) => {
    ledger.clear();
    return ok({ next: ledger.next });
  },
  "GET /_sim/faults": (simulation) => ok(pendingFaults(simulation)),
  "POST /_sim/faults": (simulation, { body }) => {
    const ordered = parsed(body);
    const schema = Array.isArray(ordered) ? z.array(faultSchema) : faultSchema.transform((fault) => [fault]);
    return withInput<readonly Fault[]>(schema, ordered, (faults) => {
      simulation.faults.order(faults);
      return ok(pendingFaults(simulation));
    });
  },
  "DELETE /_sim/faults": (simulation) => {
    simulation.faults.clear();
    return ok(pendingFaults(simulation));
  },
  "GET /_sim/limits": ({ meters }) => ok(meters.settings),
  "PUT /_sim/limits": ({ meters }, { body }) =>
    withInput(limitSettingsSchema, parsed(body), (changes) => {
      meters.change(changes);
      return ok(meters.settings);
    }),
};

const ledgerQuerySchema = z.strictObject({
  since: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(100_000).default(10_000),
});

/** `timesLeft` is absent for a rule without end. */
const pendingFaults = ({ faults }: Simulation) => ({
  faults: faults
    .pending()
    .map(({ fault, timesLeft }) => (Number.isFinite(timesLeft) ? { ...fault, timesLeft } : fault)),
});

function withInput<T>(schema: z.ZodType<T>, input: unknown, then: (value: T) => ControlAnswer): ControlAnswer {
  const result = schema.safeParse(input);
  if (result.success) return then(result.data);
  const problems = result.error.issues.map(({ path, message }) => ({ path: path.join("."), message }));
  return error(
    400,
    problems.map(({ path, message }) => `${path === "" ? "body" : path}: ${message}`).join("; "),
    problems,
  );
}

/** Not JSON is `undefined`, which no schema takes. */
function parsed(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return undefined;
  }
}

const ok = (body: unknown): ControlAnswer => ({ status: 200, body });
const error = (status: number, message: string, problems?: unknown): ControlAnswer => ({
  status,
  body: { error: problems === undefined ? { message } : { message, problems } },
});
