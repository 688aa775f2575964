import type { LineShape } from "../../src/ledger/accept.ts";
import type { Body } from "../../src/request/body.ts";
import type { Priority } from "../../src/request/priority.ts";

/** What a line of a batch file asks for, and how to answer it. */
export interface ParsedLine {
  readonly customId: string;
  readonly shape: LineShape;
  readonly priority: Priority;
  readonly body: Body;
}

/** What holds for lines that say nothing of it. */
export interface LineDefaults {
  readonly model: string | undefined;
  readonly priority: Priority;
}
