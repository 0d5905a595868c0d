// The stranger's app: static pages with the scripts of fhirclient and oidc-client-ts, at the public client's redirect.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { CALLBACK } from "./target.js";

const HERE = new URL("../app/", import.meta.url);
const { resolve } = createRequire(import.meta.url);
const FHIRCLIENT = join(dirname(resolve("fhirclient/package.json")), "build", "fhir-client.js");
const OIDC_CLIENT = join(dirname(resolve("oidc-client-ts/package.json")), "dist", "browser", "oidc-client-ts.min.js");

/** Start, way back and end of the OpenID Connect app. */
export const OIDC_PAGES = ["/oidc", "/oidc/callback", "/oidc/goodbye"];

/** Serves the app. `arrivals` holds the query of every visit to the callback, in order. */
export async function serveApp() {
  const files = new Map([
    ["/launch", ["text/html", await readFile(new URL("launch.html", HERE))]],
    ["/callback", ["text/html", await readFile(new URL("callback.html", HERE))]],
    ["/fhir-client.js", ["text/javascript", await readFile(FHIRCLIENT)]],
    ["/oidc-client-ts.js", ["text/javascript", await readFile(OIDC_CLIENT)]],
    ...(await Promise.all(OIDC_PAGES.map(async (path) => [path, ["text/html", await readFile(new URL("oidc.html", HERE))]]))),
  ]);
  const arrivals = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url, CALLBACK);
    const file = files.get(url.pathname);
    if (url.pathname === "/callback") arrivals.push(url.searchParams);
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": file[0], "cache-control": "no-store" }).end(file[1]);
  });
  const { hostname, port, origin } = new URL(CALLBACK);
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(Number(port), hostname, resolve);
  });
  return {
    origin,
    arrivals,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
