/** A page that asks for an admin key and keeps it in a cookie, for people who open the dashboard or the board in a browser. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { type Callers, sessionCookie } from "./callers.ts";
import { loginDoc, loginPageDoc } from "./service-doc.ts";

const formSchema = z.object({ key: z.string().min(1).max(200) });
const sessionSeconds = 12 * 3_600;

export function addLogin(app: FastifyInstance, callers: Callers): void {
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))));
  });
  app.get("/login", { config: { doc: loginPageDoc } }, async (_request, reply) =>
    reply.headers(pageHeaders).send(page("")),
  );
  app.post("/login", { config: { doc: loginDoc } }, async (request, reply) => {
    const form = formSchema.safeParse(request.body);
    const caller = form.success ? await callers.of(form.data.key) : undefined;
    if (!form.success || caller?.isAdmin !== true) {
      return reply.status(401).headers(pageHeaders).send(page("This is no admin key, or no longer one."));
    }
    const secure = request.protocol === "https" ? "; Secure" : "";
    return reply
      .header(
        "set-cookie",
        `${sessionCookie}=${form.data.key}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionSeconds}${secure}`,
      )
      .redirect("/", 303);
  });
}

const pageHeaders = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy":
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
};

const page = (complaint: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { display: grid; place-items: center; min-height: 90vh; margin: 0 }
form { display: grid; gap: .75rem; width: min(22rem, 90vw) }
input, button { font: inherit; padding: .5rem .75rem; border: 1px solid #8888; border-radius: .5rem }
p { margin: 0; color: #c33 }
</style>
<form method="post" action="/login">
<label for="key">Admin key of Millrace</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button>Log in</button>${
  complaint === ""
    ? ""
    : `
<p role="alert">${complaint}</p>`
}
</form></html>
`;
