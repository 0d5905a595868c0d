// Debian's Chromium, headless, with a profile that lives as long as the suite.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer from "puppeteer-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
];

/** Starts the browser of CHROMIUM or the system's. `close()` ends it and removes its profile. */
export async function openChromium() {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser"].find((path) => path && existsSync(path));
  if (!executablePath) throw new Error("Chromium is missing: install the package chromium, or set CHROMIUM to its path");
  const profile = await mkdtemp(join(tmpdir(), "anteroom-chromium-"));
  // A pipe and not a port: if this process dies, Chromium sees the pipe close and ends too.
  const browser = await puppeteer.launch({ executablePath, headless: true, pipe: true, userDataDir: profile, args: FLAGS });
  return {
    browser,
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
