import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { aboutShape } from "../../../producers/wire/fields.ts";
import { nativeChatShape } from "../../../producers/wire/native-chat.ts";
import {
  nativeEmbeddingShape,
  nativeSpeechShape,
  nativeTranscriptionShape,
} from "../../../producers/wire/native-other.ts";
import { nativePart } from "../../../producers/wire/parts.ts";

const document = readFileSync(new URL("../../../docs/requests.md", import.meta.url), "utf8");

/** The first column of the tables under a heading. */
const documented = (heading: string): string[] => {
  const [, section = ""] = document.split(`\n${heading}\n`);
  const [text = ""] = section.split(/\n#+ /);
  return [...text.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, name = ""]) => name);
};

const shared = ["operation", "model", ...Object.keys(aboutShape)];
const own = (shape: object): string[] => Object.keys(shape).filter((field) => !shared.includes(field));

it.each([
  ["## Chat", own(nativeChatShape)],
  ["## Embedding", own(nativeEmbeddingShape)],
  ["## Transcription", own(nativeTranscriptionShape)],
  ["## Speech", own(nativeSpeechShape)],
  ["## Every operation", shared],
])("docs/requests.md has every field and no other: %s", (heading, fields) => {
  expect(documented(heading).sort()).toEqual([...fields].sort());
});

it("docs/requests.md has every kind of part and no other", () => {
  const kinds = nativePart.options.flatMap((option) => {
    const shape = "shape" in option ? option.shape : option.in.shape;
    return [...shape.type.values];
  });
  expect(documented("### Parts").sort()).toEqual(kinds.sort());
});
