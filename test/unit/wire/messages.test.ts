import { describe, expect, it } from "vitest";
import { readMessages } from "../../../producers/wire/messages.ts";
import { joinSystem } from "../../../producers/wire/system.ts";

const png = "iVBORw0KGgo=";
const pdf = "JVBERi0xLjc=";

const read = (...turns: unknown[]) => {
  const read = readMessages(turns, "messages");
  if (!read.ok) throw new Error(read.reason);
  return { system: joinSystem(read.value.system), messages: read.value.messages };
};
const reasonOf = (...turns: unknown[]) => {
  const read = readMessages(turns, "messages");
  return read.ok ? undefined : read.reason;
};
const user = (...content: unknown[]) => ({ role: "user", content });
const call = (id: string, args = "{}") => ({ id, type: "function", function: { name: `tool_${id}`, arguments: args } });

describe("parts of OpenAI's wire", () => {
  it("become Millrace's, whatever carries the bytes", () => {
    const { messages } = read(
      user(
        { type: "text", text: "Look" },
        { type: "image_url", image_url: { url: `data:image/png;base64,${png}`, detail: "low" } },
        { type: "image_url", image_url: { url: "https://example.com/a.png" } },
        { type: "input_audio", input_audio: { data: "UklGRg==", format: "mp3" } },
        { type: "file", file: { file_data: `data:application/pdf;base64,${pdf}`, filename: "a.pdf" } },
        { type: "file", file: { file_data: pdf } },
      ),
    );
    expect(messages).toEqual([
      user(
        { type: "text", text: "Look" },
        { type: "image", source: { data: png, mediaType: "image/png" }, detail: "low" },
        { type: "image", source: { url: "https://example.com/a.png" } },
        { type: "audio", source: { data: "UklGRg==", mediaType: "audio/mpeg" } },
        { type: "file", source: { data: pdf, mediaType: "application/pdf" }, name: "a.pdf" },
        { type: "file", source: { data: pdf, mediaType: "application/pdf" } },
      ),
    ]);
  });

  it.each([
    [
      { type: "image_url", image_url: { url: "data:image/png,raw" } },
      "messages[0].content[0].image_url.url must be base64",
    ],
    [{ type: "image_url", image_url: { url: "data:image/png;base64,???" } }, "image_url.url must be base64"],
    [
      { type: "image_url", image_url: { url: "file:///etc/passwd" } },
      "image_url.url must be an https: or data: address",
    ],
    [
      { type: "input_audio", input_audio: { data: "UklGRg==", format: "midi" } },
      "input_audio.format must be one of wav",
    ],
    [{ type: "input_audio", input_audio: { data: "?", format: "wav" } }, "input_audio.data must be base64"],
    [{ type: "file", file: { file_id: "file-1" } }, "content[0].file.file_id names a file that lies at one provider"],
    [{ type: "file", file: {} }, "content[0].file.file_data is missing"],
    [{ type: "hologram" }, "messages[0].content[0].type must be one of text, image"],
    [
      { type: "tool-call", id: "a", name: "b", input: {} },
      'a part of type "tool-call" cannot be in a turn of role "user"',
    ],
  ])("are refused with their place: %j", (part, reason) => {
    expect(reasonOf(user(part))).toContain(reason);
  });
});

describe("parts of Millrace's own", () => {
  it("are taken in snake_case", () => {
    const { messages } = read(
      user(
        { type: "image", source: { data: png, media_type: "image/png" }, cache: "1h" },
        { type: "video", source: { url: "gs://bucket/a.mp4", media_type: "video/mp4" } },
      ),
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm.", signature: "seal", provider: "anthropic" },
          { type: "tool-call", id: "1", name: "look", input: { at: [1] } },
        ],
      },
      { role: "tool", content: [{ type: "tool-result", id: "1", content: "no", is_error: true }] },
    );
    expect(messages).toEqual([
      user(
        { type: "image", source: { data: png, mediaType: "image/png" }, cache: "1h" },
        { type: "video", source: { url: "gs://bucket/a.mp4", mediaType: "video/mp4" } },
      ),
      {
        role: "assistant",
        content: [
          { type: "reasoning", text: "Hm.", signature: "seal", provider: "anthropic" },
          { type: "tool-call", id: "1", name: "look", input: { at: [1] } },
        ],
      },
      { role: "tool", content: [{ type: "tool-result", id: "1", name: "look", content: "no", isError: true }] },
    ]);
  });

  it.each([
    [{ data: png }, "source needs media_type beside data"],
    [{}, "source must have either data or url"],
    [{ data: png, url: "https://example.com" }, "source must have either data or url"],
    [{ data: png, mediaType: "image/png" }, 'unknown field "messages[0].content[0].source.mediaType"'],
  ])("need to say where they come from: %j", (source, reason) => {
    expect(reasonOf(user({ type: "image", source }))).toContain(reason);
  });
});

describe("turns of tools", () => {
  it("are one message for all calls of one turn, with the tools' names", () => {
    const { messages } = read(
      { role: "user", content: "Weather?" },
      { role: "assistant", content: null, tool_calls: [call("a", '{"city":"Bonn"}'), call("b", "")] },
      { role: "tool", tool_call_id: "a", content: "rain" },
      { role: "tool", tool_call_id: "b", content: [{ type: "text", text: "sun" }] },
    );
    expect(messages.slice(1)).toEqual([
      {
        role: "assistant",
        content: [
          { type: "tool-call", id: "a", name: "tool_a", input: { city: "Bonn" } },
          { type: "tool-call", id: "b", name: "tool_b", input: {} },
        ],
      },
      {
        role: "tool",
        content: [
          { type: "tool-result", id: "a", name: "tool_a", content: "rain" },
          { type: "tool-result", id: "b", name: "tool_b", content: [{ type: "text", text: "sun" }] },
        ],
      },
    ]);
  });

  it.each([
    [
      [{ role: "assistant", tool_calls: [call("a", "{")] }],
      "messages[0].tool_calls[0].function.arguments must be JSON",
    ],
    [[{ role: "assistant", tool_calls: [{ ...call("a"), type: "custom" }] }], "tool_calls[0].type must be"],
    [
      [{ role: "tool", tool_call_id: "x", content: "y" }],
      'messages[0] answers the call "x", which no turn before it makes',
    ],
    [[{ role: "tool", content: "y" }], "messages[0].tool_call_id is missing"],
    [[{ role: "function", name: "f", content: "y" }], "messages[0].role must be"],
    [[{ role: "assistant", content: "x", function_call: { name: "f" } }], "messages[0].function_call cannot be sent"],
  ])("are refused with their place (%#)", (turns, reason) => {
    expect(reasonOf(...turns)).toContain(reason);
  });
});

describe("an assistant's turn", () => {
  it("is reasoning, what was said and calls, in this order", () => {
    const { messages } = read({
      role: "assistant",
      reasoning_content: "Hm.",
      content: "I will look.",
      tool_calls: [{ ...call("a"), signature: "seal" }],
    });
    expect(messages[0]?.content).toEqual([
      { type: "reasoning", text: "Hm." },
      { type: "text", text: "I will look." },
      { type: "tool-call", id: "a", name: "tool_a", input: {}, signature: "seal" },
    ]);
  });

  it("says its refusal", () => {
    const { messages } = read({ role: "assistant", content: null, refusal: "No." });
    expect(messages[0]?.content).toEqual([{ type: "text", text: "No." }]);
  });
});

describe("system turns", () => {
  it("are one text, unless a mark of the cache cuts it", () => {
    const mark = { cache_control: { type: "ephemeral" } };
    const turns = [
      { role: "system", content: "Be brief." },
      {
        role: "developer",
        content: [
          { type: "text", text: "Rules.", ...mark },
          { type: "text", text: "Today." },
        ],
      },
      { role: "user", content: "Hello" },
    ];
    expect(read(...turns).system).toEqual([
      { type: "text", text: "Be brief.\n\nRules.", cache: "5m" },
      { type: "text", text: "Today." },
    ]);
    expect(read(...turns.slice(0, 1), ...turns.slice(2)).system).toBe("Be brief.");
    expect(read({ role: "system", content: "" }, turns[2]).system).toBeUndefined();
  });

  it("hold nothing but text, and marks that are known", () => {
    const image = { type: "image_url", image_url: { url: "https://example.com/a.png" } };
    expect(reasonOf({ role: "system", content: [image] })).toContain('messages[0].content[0].type must be "text"');
    const ttl = { type: "text", text: "x", cache_control: { type: "ephemeral", ttl: "2h" } };
    expect(reasonOf(user(ttl))).toContain("messages[0].content[0].cache_control.ttl must be one of 5m, 1h");
  });
});
