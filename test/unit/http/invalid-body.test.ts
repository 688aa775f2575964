import { expect, it } from "vitest";
import { invalidBody } from "../../../producers/http/invalid-body.ts";

it.each([
  ["messages[0].content is missing", "messages[0].content"],
  ['unknown field "tempature"', "tempature"],
  ["[2].prompt must be a string", "[2].prompt"],
  ["the line must be an object", undefined],
  ["the body is nested more than 200 levels deep", undefined],
])("%s is about %s", (reason, param) => {
  expect(invalidBody(reason).param).toBe(param);
});

it("a body that is wrong as a whole is called a body", () => {
  expect(invalidBody("the line must be an object").message).toBe("the body must be an object");
});
