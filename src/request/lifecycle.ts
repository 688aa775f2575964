/**
 * The life of a request: eight states, the events that move it, and the one table of what is allowed.
 * Drawn in docs/lifecycle.md. The database enforces the same table by compare-and-set: every UPDATE names the states it
 * may leave. `succeeded`, `failed` and `cancelled` are terminal: nothing leaves them, except an operator's retry of a
 * failed request, which is a new life and is counted as one.
 */
export const requestStates = [
  "queued",
  "dispatched",
  "running",
  "waiting",
  "held",
  "succeeded",
  "failed",
  "cancelled",
] as const;
export type RequestState = (typeof requestStates)[number];

export const requestEvents = [
  "dispatch", // the feeder or the producer puts a job into the lane
  "claim", // a worker takes the row, with a lease
  "succeed",
  "fail", // attempts, route or deadline are used up, or the failure cannot pass
  "postpone", // retry or deferral: not before a time
  "fallBack", // on to another deployment, back into the backlog of its lane
  "handBack", // a draining or refused worker returns the row unspent
  "comeDue", // the time of a waiting row has come
  "recall", // a dispatched row whose job is gone
  "rescue", // a running row whose lease ran out
  "hold", // needs a person
  "release", // a person let it go on
  "expire", // the caller's deadline passed before it ran
  "cancel",
] as const;
export type RequestEvent = (typeof requestEvents)[number];

type Transitions = Readonly<Record<RequestState, Readonly<Partial<Record<RequestEvent, RequestState>>>>>;

export const transitions: Transitions = {
  // An open request that nobody owns takes the answer of a call that was thought to be lost.
  queued: {
    dispatch: "dispatched",
    succeed: "succeeded",
    fallBack: "queued",
    hold: "held",
    expire: "failed",
    cancel: "cancelled",
  },
  dispatched: {
    claim: "running",
    succeed: "succeeded",
    recall: "queued",
    fallBack: "queued",
    hold: "held",
    expire: "failed",
    cancel: "cancelled",
  },
  running: {
    succeed: "succeeded",
    fail: "failed",
    postpone: "waiting",
    fallBack: "queued",
    handBack: "queued",
    rescue: "queued",
    hold: "held",
    cancel: "cancelled",
  },
  waiting: { comeDue: "queued", succeed: "succeeded", hold: "held", expire: "failed", cancel: "cancelled" },
  held: { release: "queued", expire: "failed", cancel: "cancelled" },
  succeeded: {},
  failed: {},
  cancelled: {},
};

export const terminalStates = ["succeeded", "failed", "cancelled"] as const satisfies readonly RequestState[];
export type TerminalState = (typeof terminalStates)[number];

export const isTerminal = (state: RequestState): state is TerminalState =>
  terminalStates.some((terminal) => terminal === state);

/** The state after `event`, or undefined where the table forbids it. */
export const nextState = (state: RequestState, event: RequestEvent): RequestState | undefined =>
  transitions[state][event];

/** The states that `event` may leave: what a compare-and-set UPDATE names in its WHERE. */
export const statesLeftBy = (event: RequestEvent): readonly RequestState[] =>
  requestStates.filter((state) => transitions[state][event] !== undefined);
