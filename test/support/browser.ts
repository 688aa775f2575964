/** A real Chromium for one test file. Pages complain: whatever a page says to its console, or breaks of its policy, is kept. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, onTestFinished } from "vitest";

export interface TestBrowser {
  /** A page in a profile of its own; closed with the test. */
  open(url: string, options?: BrowserContextOptions): Promise<TestPage>;
}

export interface TestPage {
  readonly page: Page;
  /** Errors and warnings of the console, exceptions, requests that were refused or went elsewhere. */
  readonly complaints: readonly string[];
}

/** `executablePath` from chromium-binary.ts; undefined where the tests are skipped. */
export function useBrowser(executablePath: string | undefined): TestBrowser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    if (executablePath === undefined) return;
    browser = await chromium.launch({ executablePath, chromiumSandbox: false });
  });
  afterAll(() => browser?.close());
  return {
    async open(url, options = {}) {
      if (browser === undefined) throw new Error("the browser is there from the first test on, not before");
      const context = await browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
      onTestFinished(() => context.close());
      // A machine that does much else at the same time.
      context.setDefaultTimeout(60_000);
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(error.message));
      const { origin } = new URL(url);
      page.on("request", (request) => {
        if (!request.url().startsWith(origin)) complaints.push(`asked ${request.url()}`);
      });
      await page.goto(url);
      return { page, complaints };
    },
  };
}
