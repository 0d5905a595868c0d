// A sandbox of a suite's own: the built binary on a free port, in a folder that goes with it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const BUILT = ["release", "debug"].map((kind) => fileURLToPath(new URL(`../../target/${kind}/anteroom`, import.meta.url)));
const PATIENCE = 60_000;

/** The binary of ANTEROOM_BIN, or the one built here last. */
export function binary() {
  const found = process.env.ANTEROOM_BIN ?? BUILT.toReversed().find((path) => existsSync(path));
  if (!found) throw new Error("there is no binary: cargo build, or set ANTEROOM_BIN to its path");
  return found;
}

/** A port that nobody listens on. */
export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A folder for sandboxes; `remove()` takes it away. */
export async function newFolder() {
  const path = await mkdtemp(join(tmpdir(), "anteroom-sandbox-"));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }) };
}

/** Starts `anteroom demo` there and waits until it serves. `stop()` ends it and waits. */
export async function startSandbox({ folder, port, env }) {
  const base = `http://127.0.0.1:${port}`;
  const child = spawn(binary(), ["demo", "--listen", `127.0.0.1:${port}`, "--data", folder], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ...env },
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => { said = (said + text).slice(-4000); });
  let over = false;
  const ended = new Promise((resolve) => child.once("close", () => { over = true; resolve(); }));
  const stop = async () => {
    child.kill("SIGTERM");
    // What does not end when it is told to is a defect with a name, and no suite that hangs.
    const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    await ended;
    clearTimeout(late);
    if (child.signalCode === "SIGKILL") throw new Error(`the sandbox at ${base} did not stop within ${PATIENCE / 1000} s: ${said}`);
  };
  for (const until = Date.now() + PATIENCE; Date.now() < until && !over; await sleep(100)) {
    const ready = await fetch(`${base}/readyz`).catch(() => undefined);
    if (ready?.status === 200) return { base, stop, said: () => said };
  }
  await stop();
  throw new Error(`the sandbox at ${base} did not start: ${said}`);
}
