// The stranger's app: two static pages and the fhirclient script, at the public client's redirect.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { CALLBACK } from "./target.js";

const HERE = new URL("../app/", import.meta.url);
const FHIRCLIENT = join(dirname(createRequire(import.meta.url).resolve("fhirclient/package.json")), "build", "fhir-client.js");

/** Serves the app. `arrivals` holds the query of every visit to the callback, in order. */
export async function serveApp() {
  const files = new Map([
    ["/launch", ["text/html", await readFile(new URL("launch.html", HERE))]],
    ["/callback", ["text/html", await readFile(new URL("callback.html", HERE))]],
    ["/fhir-client.js", ["text/javascript", await readFile(FHIRCLIENT)]],
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
