/** Sends a plan at its pace over one HTTP response, and notices when the caller leaves. */
import type { ServerResponse } from "node:http";
import type { Plan, Step } from "./plan.ts";
import type { Page } from "./wire.ts";

export interface Pace {
  readonly firstMs: number;
  readonly perTokenMs: number;
}

export interface Head {
  readonly status: number;
  readonly headers: Record<string, string>;
}

export interface Watch {
  /** Once, when the status goes out. */
  begun(): void;
  /** Tokens produced since the last time. */
  produced(tokens: number): void;
  /** Once, as soon as it is known how the answer ends; `tokens` were produced. */
  ended(how: "complete" | "cut" | "hang" | "client-left", tokens: number): void;
  /** Once, when nothing is under way any more; later than `ended` for a hang. */
  over(): void;
}

/** A reset may overtake what was sent before it: the receiver's kernel drops what its process has not read. */
const lingerMs = 25;

export function deliver(response: ServerResponse, head: Head, plan: Plan, pace: Pace, watch: Watch): void {
  const startedMs = performance.now();
  let next = 0;
  let produced = 0;
  let state: "under way" | "hanging" | "over" = "under way";
  let timer: NodeJS.Timeout | undefined;

  const finish = (how: "complete" | "cut" | "client-left") => {
    if (state === "over") return;
    clearTimeout(timer);
    if (state === "under way") watch.ended(how, produced);
    state = "over";
    watch.over();
  };
  /** Everything that is due by now, as one write. */
  const take = (): string => {
    const elapsedMs = performance.now() - startedMs;
    let data = "";
    for (let step = plan.steps[next]; step !== undefined && dueMs(step, pace) <= elapsedMs; step = plan.steps[++next]) {
      data += step.data;
      if (step.afterTokens > produced) watch.produced(step.afterTokens - produced);
      produced = Math.max(produced, step.afterTokens);
    }
    return data;
  };
  const end = (data: string) => {
    if (plan.end === "hang") {
      response.flushHeaders();
      response.write(data);
      state = "hanging";
      watch.ended("hang", produced);
    } else if (plan.end === "reset") {
      response.write(data, () => {
        timer = setTimeout(() => {
          response.socket?.resetAndDestroy();
          finish("cut");
        }, lingerMs);
      });
    } else {
      response.end(data);
      finish(plan.end);
    }
  };
  const go = () => {
    const data = take();
    const step = plan.steps[next];
    if (!response.headersSent && (data !== "" || step === undefined)) {
      response.writeHead(head.status, head.headers);
      watch.begun();
    }
    if (step === undefined) return end(data);
    if (data !== "") response.write(data);
    timer = setTimeout(go, Math.max(1, dueMs(step, pace) - (performance.now() - startedMs)));
  };
  response.once("close", () => finish("client-left"));
  go();
}

const dueMs = (step: Step, { firstMs, perTokenMs }: Pace): number => firstMs + step.afterTokens * perTokenMs;

export function sendPage(response: ServerResponse, { status, headers, body }: Page): void {
  response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(body) }).end(body);
}
