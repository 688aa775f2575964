/**
 * The specification of a provider. An adapter is one file, `adapters/<id>.ts`, that exports a `Provider`; it alone
 * knows the vendor's SDK, wire, error bodies and headers. Contract:
 *  - `call` never throws and never rejects for anything the provider or the network does: it returns a `CallOutcome`;
 *  - SDK retries are off; one `call` is at most one HTTP request;
 *  - `io.signal` aborts the socket at once; the outcome is then a `timeout` failure if the reason says so, else `network`
 *    (the pipeline knows why it aborted and decides);
 *  - a stream that ends without the wire's terminal event is a `stream` failure, never a success;
 *  - usage that the provider did not state is absent, never zero;
 *  - no key and no prompt appears in a failure's message.
 */
import type { Body } from "../request/body.ts";
import type { CallOutcome } from "../request/outcome.ts";

export interface Provider {
  /** Stable id, the name of the adapter's file. */
  readonly id: string;
  /** Environment names, first one wins; the vendors' own. */
  readonly environment: { readonly apiKey: readonly string[]; readonly baseUrl: readonly string[] };
  /** Opens a connection; it keeps sockets alive between calls. */
  connect(settings: ConnectionSettings): Connection;
}

export interface ConnectionSettings {
  readonly apiKey: string;
  /** Absent: the vendor's own address. */
  readonly baseUrl?: string;
}

export interface Connection {
  call(input: CallInput, io: CallIo): Promise<CallOutcome>;
  /** Cheap authenticated probe: lists models. Same outcome rules as `call`; `text` is a word about what answered. */
  probe(io: CallIo): Promise<CallOutcome>;
}

export interface CallInput {
  /** The vendor's name of the model. */
  readonly model: string;
  readonly body: Body;
  readonly stream: boolean;
  /** Output limit to send where the vendor requires one and the caller gave none. */
  readonly defaultMaxOutputTokens: number;
  /** Sent as `x-millrace-request` so that calls can be matched with requests; carries no content. */
  readonly correlation?: string;
}

export interface CallIo {
  readonly signal: AbortSignal;
  /** Called for every piece of text as it arrives (streams only). The first call marks the first token. */
  onText(text: string): void;
  /** Called for every sign of life of a stream, text or not: resets the idle timeout. */
  onActivity(): void;
}
