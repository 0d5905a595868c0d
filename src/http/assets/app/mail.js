// Messages as threads, and documents with open and download.

import { download, search } from "./fhir.js";
import { alertBox, concept, el, empty, failed, loading, shortDay, show, time, timeElement } from "./words.js";

// Types a browser shows without running anything of them. Others, HTML and SVG among them, are only saved:
// opened here, they would run as part of this site.
const HARMLESS = ["application/pdf", "text/plain", "image/png", "image/jpeg", "image/gif", "image/webp"];

/** Fills the section with the patient's messages, newest thread first. */
export async function mail(section, patient, stop) {
  loading(section, "Reading your messages");
  try {
    const all = await search("Communication", { patient, _count: "50" });
    if (all.length === 0) {
      empty(section, "No messages between you and the practice yet.");
      return;
    }
    const threads = inThreads(all);
    show(section, ...threads.map((messages, index) => thread(messages, index === 0, patient)));
  } catch (error) {
    stop(error) || failed(section, error, () => mail(section, patient, stop));
  }
}

/** Fills the section with the patient's documents, newest first. */
export async function documents(section, patient, stop) {
  loading(section, "Reading your documents");
  try {
    const all = await search("DocumentReference", { patient, _count: "50" });
    const shown = all.filter((paper) => paper.status !== "entered-in-error" && paper.content?.[0]?.attachment);
    if (shown.length === 0) {
      empty(section, "The practice has no documents for you.");
      return;
    }
    shown.sort((one, other) => (other.date ?? "").localeCompare(one.date ?? ""));
    show(section, el("div", "card", el("ul", "papers", ...shown.map((paper) => row(paper, stop)))));
  } catch (error) {
    stop(error) || failed(section, error, () => documents(section, patient, stop));
  }
}

/** Groups by replies first; messages without any link join those of the same subject. */
function inThreads(messages) {
  const byId = new Map(messages.map((message) => [`Communication/${message.id}`, message]));
  const parent = new Map();
  const root = (message) => (parent.has(message) ? root(parent.get(message)) : message);
  const join = (one, other) => {
    if (root(one) !== root(other)) {
      parent.set(root(one), root(other));
    }
  };
  const linked = new Set();
  for (const message of messages) {
    for (const { reference } of [...(message.inResponseTo ?? []), ...(message.partOf ?? [])]) {
      const other = byId.get(reference);
      if (other) {
        join(message, other);
        linked.add(message).add(other);
      }
    }
  }
  const bySubject = new Map();
  for (const message of messages.filter((one) => !linked.has(one))) {
    const subject = subjectOf(message).replace(/^(re|fwd?):\s*/i, "").toLowerCase();
    bySubject.has(subject) ? join(message, bySubject.get(subject)) : bySubject.set(subject, message);
  }
  const threads = new Map();
  for (const message of messages) {
    threads.set(root(message), [...(threads.get(root(message)) ?? []), message]);
  }
  const sorted = [...threads.values()].map((thread) => thread.sort((one, other) => instant(one) - instant(other)));
  return sorted.sort((one, other) => instant(other.at(-1)) - instant(one.at(-1)));
}

function thread(messages, open, patient) {
  const last = messages.at(-1);
  const count = messages.length > 1 ? ` (${messages.length})` : "";
  const details = el("details", "card thread",
    el("summary", "",
      el("span", "subject", subjectOf(messages[0]) + count, timeElement(last.sent, shortDay(last.sent))),
      el("span", "peek", `${senderOf(last)}: ${bodyOf(last)}`)),
    ...messages.map((message) => {
      const mine = message.sender?.reference?.endsWith(`Patient/${patient}`);
      const when = [shortDay(message.sent), time(message.sent)].filter(Boolean).join(", ");
      return el("article", mine ? "message mine" : "message",
        el("header", "", el("b", "", mine ? "You" : senderOf(message)), timeElement(message.sent, when)),
        el("p", "", bodyOf(message)));
    }));
  details.open = open;
  return details;
}

function row(paper, stop) {
  const { attachment } = paper.content[0];
  const name = attachment.title || concept(paper.type) || paper.description || "Document";
  const facts = [concept(paper.category?.at(-1)) || concept(paper.type), shortDay(paper.date), size(attachment.size)];
  const acts = el("div", "acts");
  const item = el("li", "", el("div", "name", el("b", "", name), el("span", "", facts.filter(Boolean).join(" · "))), acts);
  const kinds = HARMLESS.includes(attachment.contentType) ? ["Open", "Download"] : ["Download"];
  for (const kind of kinds) {
    const button = el("button", "quiet small", kind);
    button.type = "button";
    button.setAttribute("aria-label", `${kind} ${name}`);
    button.addEventListener("click", () => fetchFile(kind, attachment, name, item, button, stop));
    acts.append(button);
  }
  return item;
}

async function fetchFile(kind, attachment, name, item, button, stop) {
  item.querySelector(".alert")?.remove();
  button.disabled = true;
  // The tab is opened before the wait: later, a browser would take it for an advertisement and block it.
  const tab = kind === "Open" ? window.open("", "_blank") : null;
  try {
    const url = URL.createObjectURL(await download(attachment));
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    if (tab) {
      tab.location = url;
    } else {
      const link = el("a");
      link.href = url;
      link.download = name;
      link.click();
    }
  } catch (error) {
    tab?.close();
    if (!stop(error)) {
      item.append(alertBox(error.message));
    }
  }
  button.disabled = false;
}

function subjectOf(message) {
  return concept(message.topic) || "Message";
}

function senderOf(message) {
  return message.sender?.display || "The practice";
}

function bodyOf(message) {
  return (message.payload ?? []).map((part) => part.contentString).filter(Boolean).join("\n\n");
}

function instant(message) {
  return new Date(message.sent ?? 0).getTime();
}

function size(bytes) {
  if (!bytes) {
    return "";
  }
  return bytes < 1_000_000 ? `${Math.max(1, Math.round(bytes / 1000))} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
