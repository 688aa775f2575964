/** The page in a real browser, against a fleet that works against the simulator. */
import { v7 as uuidv7 } from "uuid";
import { describe, expect, test } from "vitest";
import { createKey } from "../../../src/ledger/api-keys.ts";
import { useBrowser } from "../../support/browser.ts";
import { chromiumPath } from "../../support/chromium-binary.ts";
import { openTestHttp } from "../../support/http.ts";
import { openPlay, play, scene } from "../../support/scene.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const chromium = await chromiumPath();
const browser = useBrowser(chromium);

describe.skipIf(chromium === undefined)("the dashboard", () => {
  test("says what to do while there is nothing, then shows a run as it happens, without being loaded again", async () => {
    const http = await openPlay(services);
    const { page, complaints } = await browser.open(http.url);
    const row = (table: string, text: string) => page.locator(`#${table} > *`).filter({ hasText: text });
    const figure = (name: string) => page.locator(`[data-figure=${name}]`);

    await page.getByText("Nothing waits and nothing runs.").waitFor();
    expect(await page.getByText("npx millrace batch run examples/prompts.jsonl").isVisible()).toBe(true);
    expect(await page.getByText("No call has failed.").isVisible()).toBe(true);
    expect(await figure("open").textContent()).toBe("0");
    await page.evaluate("window.sameDocument = true");

    await play(http);

    await row("lanes", scene.pausedLane)
      .filter({ hasText: `paused: ${scene.pauseReason}` })
      .waitFor();
    const open = row("circuits", scene.brokenModel);
    await open.filter({ hasText: "one call may find out in" }).waitFor();
    expect(await open.locator(".standing").textContent()).toBe("open");
    expect(await open.locator("svg.history rect").count()).toBe(2);
    expect(await row("events", scene.brokenModel).first().textContent()).toContain("closed → open");
    const batch = row("batches", "acme, prompts.jsonl");
    await batch.filter({ hasText: "2 of 4 (50 %)" }).waitFor();
    expect(await batch.textContent()).toContain("2 waiting");
    expect(await batch.getByRole("progressbar").getAttribute("aria-valuenow")).toBe("2");
    const failure = row("failures", scene.brokenModel).first();
    expect(await failure.textContent()).toMatch(/capacity 503/);
    expect(await failure.getByRole("link").getAttribute("href")).toMatch(/^\/v1\/requests\/[\da-f-]{36}$/);
    expect(await row("lanes", "anthropic.haiku").first().textContent()).toContain("idle");
    await row("models", "claude-haiku-4-5").filter({ hasText: "100 %" }).waitFor();
    expect(await row("models", "claude-haiku-4-5").textContent()).toMatch(/\$0\.00\d+/);
    expect(await figure("cost").textContent()).toMatch(/^\$0\.00\d+/);
    expect(await figure("latency").textContent()).toMatch(/ ms$| s$/);
    expect(await row("pools", "anthropic.haiku").first().getByRole("meter").count()).toBeGreaterThanOrEqual(2);
    await page.locator("#calls rect.ok").first().waitFor({ state: "attached" });

    expect(await page.evaluate("window.sameDocument")).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("is light or dark as its reader is, fits a phone, and is reached by the keyboard", async () => {
    const http = await openPlay(services);
    await play(http);
    const paper = "getComputedStyle(document.body).backgroundColor";
    const light = await browser.open(http.url, { colorScheme: "light" });
    const dark = await browser.open(http.url, { colorScheme: "dark" });
    expect(await light.page.evaluate(paper)).toBe("rgb(247, 248, 248)");
    expect(await dark.page.evaluate(paper)).toBe("rgb(18, 24, 26)");

    const phone = await browser.open(http.url, { viewport: { width: 360, height: 740 }, isMobile: true });
    await phone.page.locator("#failures tr").first().waitFor();
    await phone.page.locator("summary").click();
    expect(await phone.page.evaluate("document.documentElement.scrollWidth")).toBe(360);
    const wide =
      "[...document.querySelectorAll('.scroll')].filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.ariaLabel)";
    expect(await phone.page.evaluate(wide)).toEqual([]);
    expect(await phone.page.getByRole("rowheader", { name: scene.pausedLane }).count()).toBe(1);

    const focused = "document.activeElement.textContent.trim()";
    const reached: unknown[] = [];
    for (let key = 0; key < 4; key += 1) {
      await light.page.keyboard.press("Tab");
      reached.push(await light.page.evaluate(focused));
    }
    expect(reached).toEqual(["Skip to the lanes", "Board", "Metrics", "Readiness"]);
    for (const { complaints } of [light, dark, phone]) expect(complaints).toEqual([]);
  });

  test("shows what a provider says as text, whatever it says", async () => {
    const http = await openTestHttp(services);
    const words = `<img src="/x" onerror="document.title='broken'"> & more`;
    await http.fleet.ledger.sql`
      insert into attempts (id, request_id, tenant, dispatch_no, attempt, provider, model, deployment, outcome, failure_kind,
        failure_message, streamed, started_at, duration_ms)
      values (${uuidv7()}, ${uuidv7()}, 't', 1, 1, 'anthropic', '<b>m</b>', 'anthropic/<b>m</b>', 'failed', 'server', ${words}, false, now(), 7)`;

    const { page, complaints } = await browser.open(http.url);

    await page.locator("#failures").getByText(words).waitFor();
    expect(await page.locator("#failures").getByText("anthropic <b>m</b>").count()).toBe(1);
    expect(await page.title()).toBe("Millrace");
    expect(complaints).toEqual([]);
  });

  test("asks for an admin key where there are keys, and then shows itself; the board has its way back", async () => {
    const http = await openTestHttp(services);
    const key = async (scope: "admin" | "use") =>
      (await createKey(http.fleet.ledger, { tenant: "red", name: "test", scope })).key;
    const [use, admin] = [await key("use"), await key("admin")];

    const { page } = await browser.open(http.url);
    expect(new URL(page.url()).pathname).toBe("/login");
    await page.getByLabel("Admin key").fill(use);
    await page.getByRole("button").click();
    await page.getByRole("alert").waitFor();
    await page.getByLabel("Admin key").fill(admin);
    await page.getByRole("button").click();

    await page.locator("#live[data-state=live]").waitFor();
    expect(new URL(page.url()).pathname).toBe("/");
    await page.getByRole("link", { name: "Board" }).click();
    await page.getByText("Millrace").first().waitFor();
    expect(new URL(page.url()).pathname).toContain("/board");
  });
});
