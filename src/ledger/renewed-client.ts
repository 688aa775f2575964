/**
 * A client that leaves all of its connections when one of them was lost. postgres.js 3.4.9 uses the object of a lost
 * connection again, and when something was still to be written to it, it never sends anything any more: who is given it
 * waits for ten seconds and hears CONNECT_TIMEOUT, each time. And a transaction that is told of the loss says `rollback`
 * to a socket that is gone, which throws where nobody can catch it (porsager/postgres#1154, #1208).
 */
import type postgres from "postgres";
import { isConnectionLost } from "./interruption.ts";

/** What the client of postgres.js has to tell: its options `onparameter` and `onclose`, and errors of its sockets. */
export interface Watch {
  /** The server took a connection. One that takes none is asked at the pace of postgres.js. */
  readonly taken: () => void;
  readonly lost: () => void;
}

/** Statements under way on connections that still live have so long to end: none may be silent for longer (ledger.ts). */
const restMs = 120_000;

/** What a lost connection still waits for never comes. */
const atOnce = { timeout: 0 };

/** `open` makes another client each time. What was set in the options of the last one is carried over. */
export function renewedClient<Client extends postgres.Sql>(open: (watch: Watch) => Client): Client {
  const left = new Set<Client>();
  let isEnding = false;
  let current = launch();

  function launch(): Client {
    let wasTaken = false;
    const client = open({
      taken: () => {
        wasTaken = true;
      },
      lost: () => {
        if (wasTaken && client === current && !isEnding) renew();
      },
    });
    return client;
  }

  function renew(): void {
    const last = current;
    current = launch();
    Object.assign(current.options.parsers, last.options.parsers);
    Object.assign(current.options.serializers, last.options.serializers);
    left.add(last);
    setTimeout(() => {
      left.delete(last);
      void last.end(atOnce);
    }, restMs).unref();
  }

  const begin = (...args: readonly (string | Work)[]) =>
    Reflect.apply(
      current.begin,
      undefined,
      args.map((arg) => (typeof arg === "function" ? silentWhenLost(arg) : arg)),
    );
  const end: Client["end"] = async (how) => {
    isEnding = true;
    await Promise.all([current.end(how), ...[...left].map((client) => client.end(atOnce))]);
  };
  const own: Readonly<Record<PropertyKey, unknown>> = { begin, end };
  return new Proxy(current, {
    apply: (_first, _self, args) => lettingGo(Reflect.apply(current, undefined, args)),
    get: (_first, key) => (Object.hasOwn(own, key) ? own[key] : Reflect.get(current, key)),
  });
}

/**
 * A query that lets go of what it sent when it is answered. What hangs on a query of postgres.js is found by full collections
 * of garbage only: of a batch that came in, each line stayed in memory for minutes.
 */
function lettingGo(query: unknown): unknown {
  const resolve: unknown = query instanceof Promise ? Reflect.get(query, "resolve") : undefined;
  if (!(query instanceof Promise) || typeof resolve !== "function") return query;
  Reflect.set(query, "resolve", (rows: unknown) => {
    Reflect.set(query, "args", []);
    Reflect.set(query, "parameters", []);
    Reflect.apply(resolve, query, [rows]);
  });
  return query;
}

type Work = (sql: postgres.TransactionSql) => unknown;

/** The work of a transaction. It never ends when its connection was lost: the transaction itself is told so, and ends. */
const silentWhenLost =
  (work: Work) =>
  async (sql: postgres.TransactionSql): Promise<unknown> => {
    try {
      return await work(sql);
    } catch (error) {
      if (isConnectionLost(error)) return new Promise(() => {});
      throw error;
    }
  };
