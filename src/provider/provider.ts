/**
 * The specification of a provider. An adapter is one file, `adapters/<id>.ts`, that exports a `Provider`; it alone
 * knows the vendor's SDK, wire, error bodies and headers. Contract:
 *  - a call never throws and never rejects for anything the provider or the network does: it returns a `CallOutcome`;
 *  - SDK retries are off; one call is at most one HTTP request, unless its wire needs more (then the file says so);
 *  - `io.signal` aborts the socket at once; the outcome is then a `timeout` failure if the reason says so, else `network`
 *    (the pipeline knows why it aborted and decides);
 *  - a stream that ends without the wire's terminal event is a `stream` failure, never a success;
 *  - usage that the provider did not state is absent, never zero;
 *  - a tool call whose arguments are no JSON object is a `server` failure: nobody can carry it out;
 *  - no key and no prompt appears in a failure's message.
 */
import type { Body, ChatBody, EmbeddingBody, Operation, SpeechBody, TranscriptionBody } from "../request/body.ts";
import type { Delta } from "../request/delta.ts";
import type { CallOutcome } from "../request/outcome.ts";

export interface Provider {
  /** Stable id, the name of the adapter's file. */
  readonly id: string;
  /** Environment names, first one wins; the vendors' own. */
  readonly environment: ProviderVariables;
  readonly operations: readonly Operation[];
  /** Opens a connection; it keeps sockets alive between calls. */
  connect(settings: ConnectionSettings): Connection;
}

export interface ProviderVariables {
  /** What says that there is a credential: a key, or the name of a profile or of a file with one. */
  readonly apiKey: readonly string[];
  readonly baseUrl: readonly string[];
  /** Further settings by our name for them, such as `region`. Those that are secret have a name that ends in `Key` or `Token`. */
  readonly more?: Readonly<Record<string, readonly string[]>>;
}

export interface ConnectionSettings {
  readonly apiKey: string;
  /** Absent: the vendor's own address. */
  readonly baseUrl?: string;
  /** Of `ProviderVariables.more`: those that are set. */
  readonly more?: Readonly<Record<string, string>>;
}

type Call<Asked extends Body> = (input: CallInput<Asked>, io: CallIo) => Promise<CallOutcome>;

/** One function for each operation of the provider. */
export interface Connection {
  readonly chat?: Call<ChatBody>;
  readonly embedding?: Call<EmbeddingBody>;
  readonly transcription?: Call<TranscriptionBody>;
  readonly speech?: Call<SpeechBody>;
  /** Cheap authenticated probe: lists models. Same outcome rules as a call; `text` is a word about what answered. */
  probe(io: CallIo): Promise<CallOutcome>;
}

export interface CallInput<Asked extends Body = ChatBody> {
  /** The vendor's name of the model. */
  readonly model: string;
  readonly body: Asked;
  readonly stream: boolean;
  /** Output limit to send where the vendor requires one and the caller gave none. */
  readonly defaultMaxOutputTokens: number;
  /** Sent as `x-millrace-request` so that calls can be matched with requests; carries no content. */
  readonly correlation?: string;
}

export interface CallIo {
  readonly signal: AbortSignal;
  /** Called for every piece of an answer as it arrives (streams only). The first call marks the first token. */
  onDelta(delta: Delta): void;
  /** Called for every sign of life of a stream, a piece or not: resets the idle timeout. */
  onActivity(): void;
}
