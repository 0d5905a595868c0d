// The desk's counts as they change. Without this script, or where events do not come, the page is loaded again.
const EVENTS = "/staff/events";
const AGAIN = "/staff?by=itself";
const PATIENCE = 60_000;

const state = document.querySelector("[data-state]");
const total = document.querySelector("[data-total]");
const title = document.title;
let source;
let fallback;

function show(counts) {
  let sum = 0;
  for (const line of document.querySelectorAll("[data-queue]")) {
    // null: it could not be counted.
    const count = counts[line.dataset.queue] ?? null;
    sum += count ?? 0;
    const pill = line.querySelector("[data-count]");
    pill.textContent = count === null ? "–" : String(count);
    pill.className = count > 0 ? "pill wait" : "pill off";
    line.querySelector("[data-waits]").hidden = !(count > 0);
    line.querySelector("[data-none]").hidden = count !== 0;
    line.querySelector("[data-unknown]").hidden = count !== null;
  }
  const words = sum === 0 ? "none" : sum === 1 ? "one" : "many";
  total.textContent = total.dataset[words].replace("{}", String(sum));
  document.title = sum > 0 ? `(${sum}) ${title}` : title;
}

function say(words) {
  state.hidden = false;
  state.textContent = state.dataset[words];
}

// Whoever presses reload from here on is there.
history.replaceState(null, "", "/staff");

function reload() {
  location.replace(AGAIN);
}

function begin() {
  source = new EventSource(EVENTS);
  source.addEventListener("counts", (event) => {
    clearTimeout(fallback);
    fallback = undefined;
    say("live");
    show(JSON.parse(event.data));
  });
  // The login has ended: the page says so itself.
  source.addEventListener("over", reload);
  source.addEventListener("error", () => {
    say("still");
    fallback ??= setTimeout(reload, PATIENCE);
  });
}

// A page nobody looks at holds no connection: a browser has six of them for a server.
document.addEventListener("visibilitychange", () => {
  source.close();
  clearTimeout(fallback);
  fallback = undefined;
  if (document.visibilityState === "visible") begin();
});

begin();
