import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isTerminal,
  nextState,
  type RequestEvent,
  type RequestState,
  requestEvents,
  requestStates,
  statesLeftBy,
  terminalStates,
} from "../../../src/request/lifecycle.ts";

/** Every allowed move, written down a second time and by hand: a change of the table has to be made twice, knowingly. */
const allowed: readonly (readonly [RequestState, RequestEvent, RequestState])[] = [
  ["queued", "dispatch", "dispatched"],
  ["queued", "succeed", "succeeded"],
  ["queued", "fallBack", "queued"],
  ["queued", "hold", "held"],
  ["queued", "expire", "failed"],
  ["queued", "cancel", "cancelled"],
  ["dispatched", "claim", "running"],
  ["dispatched", "succeed", "succeeded"],
  ["dispatched", "recall", "queued"],
  ["dispatched", "fallBack", "queued"],
  ["dispatched", "hold", "held"],
  ["dispatched", "expire", "failed"],
  ["dispatched", "cancel", "cancelled"],
  ["running", "succeed", "succeeded"],
  ["running", "fail", "failed"],
  ["running", "postpone", "waiting"],
  ["running", "fallBack", "queued"],
  ["running", "handBack", "queued"],
  ["running", "rescue", "queued"],
  ["running", "hold", "held"],
  ["running", "cancel", "cancelled"],
  ["waiting", "comeDue", "queued"],
  ["waiting", "succeed", "succeeded"],
  ["waiting", "hold", "held"],
  ["waiting", "expire", "failed"],
  ["waiting", "cancel", "cancelled"],
  ["held", "release", "queued"],
  ["held", "expire", "failed"],
  ["held", "cancel", "cancelled"],
];
const pairs = requestStates.flatMap((state) => requestEvents.map((event) => [state, event] as const));
const anyEvents = fc.array(fc.constantFrom(...requestEvents), { maxLength: 60 });

/** The state after all events; those that the table forbids are ignored, as the database ignores them. */
const stateAfter = (events: readonly RequestEvent[], start: RequestState = "queued"): RequestState =>
  events.reduce<RequestState>((state, event) => nextState(state, event) ?? state, start);

describe("the life of a request", () => {
  it("knows eight states and fourteen events", () => {
    expect(requestStates).toHaveLength(8);
    expect(requestEvents).toHaveLength(14);
    expect(pairs).toHaveLength(8 * 14);
  });

  it.each(pairs)("in %s answers %s as the table says", (state, event) => {
    const move = allowed.find(([from, by]) => from === state && by === event);
    expect(nextState(state, event)).toBe(move?.[2]);
  });

  it("allows exactly the moves that are written down", () => {
    const moves = pairs.flatMap(([state, event]) => {
      const next = nextState(state, event);
      return next === undefined ? [] : [[state, event, next]];
    });
    expect(moves).toHaveLength(allowed.length);
    expect(moves).toEqual(expect.arrayContaining([...allowed]));
  });

  it("never leaves the table, whatever happens", () => {
    fc.assert(fc.property(anyEvents, (events) => requestStates.includes(stateAfter(events))));
  });

  it("never leaves a terminal state, whatever happens", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...terminalStates),
        anyEvents,
        (state, events) => stateAfter(events, state) === state,
      ),
    );
    expect(requestStates.filter(isTerminal)).toEqual([...terminalStates]);
  });

  it("reaches a terminal state from every other one", () => {
    const reach = (from: RequestState, seen = new Set<RequestState>()): Set<RequestState> => {
      seen.add(from);
      for (const event of requestEvents) {
        const next = nextState(from, event);
        if (next !== undefined && !seen.has(next)) reach(next, seen);
      }
      return seen;
    };
    for (const state of requestStates) {
      const reached = reach(state);
      if (!isTerminal(state)) expect([...reached]).toEqual(expect.arrayContaining([...requestStates]));
    }
  });

  it("can cancel whatever has not ended", () => {
    expect(statesLeftBy("cancel")).toEqual(requestStates.filter((state) => !isTerminal(state)));
  });

  it("names for every event the states that it may leave", () => {
    for (const event of requestEvents) {
      expect(statesLeftBy(event)).toEqual(requestStates.filter((state) => nextState(state, event) !== undefined));
      expect(statesLeftBy(event)).not.toHaveLength(0);
    }
  });

  it("spends a claim on every call: running is entered by a claim alone", () => {
    expect(allowed.filter(([, , to]) => to === "running").map(([, event]) => event)).toEqual(["claim"]);
  });
});
