/** The calls that failed last. */
import { keyedList, make, say, textRow } from "./node.js";
import { ago, span } from "./words.js";

/** @typedef {import("../look-json.ts").FailureJson} Failure */

/** @type {(failures: readonly Failure[] | null) => void} */
export const showFailures = keyedList(
  "failures",
  (failure) => failure.id,
  (first) => {
    const row = textRow(["when", "name", "kind", "said", "n wide", "link"]);
    const said = first.message ?? (first.outcome === "lost" ? "its worker died; the call may have been made" : "");
    row.say(["", `${first.provider} ${first.model}`, kindOf(first), said, span(first.durationMs)]);
    row.cells[3]?.setAttribute("title", said);
    row.cells[5]?.append(
      make(
        "a",
        { href: `/v1/requests/${first.requestId}`, "aria-label": `Request ${first.requestId}` },
        first.requestId.slice(-8),
      ),
    );
    return {
      node: row.node,
      /** @param {Failure} failure */
      update(failure) {
        if (row.cells[0] !== undefined) say(row.cells[0], ago(failure.agoMs));
      },
    };
  },
);

/** @param {Failure} failure */
const kindOf = ({ kind, outcome, httpStatus }) => `${kind ?? outcome}${httpStatus === null ? "" : ` ${httpStatus}`}`;
