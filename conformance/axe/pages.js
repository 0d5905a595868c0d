// The pages that are looked at: a line is a page. `who` is stranger, patient or staff; `path` may hold {patient}, the id of a patient.
// `does` (page) goes on from there, such as to an error, and ends on the page to look at. `english` is for developers' pages.
const press = async (page, selector) => {
  const gone = page.waitForNavigation({ timeout: 20_000 });
  await page.$eval(selector, (one) => one.click());
  await gone;
};
const unfold = (page) => page.$$eval("details", (all) => all.forEach((one) => { one.open = true; }));
const send = "main form button[type=submit]";

export const PAGES = [
  { name: "start", path: "/", who: "stranger" },
  { name: "help", path: "/help", who: "stranger" },
  { name: "nothing here", path: "/no-such-page", who: "stranger", status: 404 },
  { name: "login", path: "/account", who: "stranger" },
  {
    name: "login refused",
    path: "/account",
    who: "stranger",
    once: true,
    does: async (page) => {
      await page.type("[name=username]", "nobody.at.all");
      await page.type("[name=password]", "not the password");
      await press(page, send);
    },
  },
  { name: "staff login", path: "/staff", who: "stranger", does: async (page) => { if (!page.url().includes("/login/staff")) await press(page, "a[href^='/login/staff']"); } },
  { name: "logged out", path: "/account/logout", who: "stranger" },
  { name: "sample app", path: "/app", who: "stranger" },
  { name: "reset", path: "/reset", who: "stranger" },
  { name: "a link that is none", path: "/activate/al_none", who: "stranger", status: 404 },
  { name: "register as a patient", path: "/register", who: "stranger" },
  { name: "developers", path: "/developers", who: "stranger", english: true },
  { name: "register an app", path: "/developers/register", who: "stranger", english: true },

  { name: "account", path: "/account", who: "patient" },
  { name: "apps", path: "/account/apps", who: "patient", does: unfold },
  { name: "logout", path: "/account/logout", who: "patient" },

  { name: "who looked", path: "/account/activity", who: "patient" },
  { name: "own login", path: "/account/login", who: "patient" },
  { name: "own e-mail", path: "/account/email", who: "patient" },

  { name: "appointments", path: "/account/visits", who: "patient", does: unfold },
  { name: "ask, what for", path: "/account/visits/new", who: "patient" },
  { name: "ask, with whom", path: "/account/visits/new?kind=office_visit", who: "patient" },
  { name: "ask, when", path: "/account/visits/new?kind=office_visit&provider=any", who: "patient", does: unfold },
  { name: "ask, once more", path: "/account/visits/new?kind=office_visit&provider=any", who: "patient", once: true, does: (page) => press(page, ".starts button") },

  { name: "messages", path: "/account/messages", who: "patient" },
  { name: "a conversation", path: "/account/messages", who: "patient", does: (page) => press(page, "tbody a") },
  { name: "write a message", path: "/account/messages/new", who: "patient" },
  { name: "documents", path: "/account/documents", who: "patient" },
  { name: "forms", path: "/account/forms", who: "patient" },
  { name: "requests", path: "/account/requests", who: "patient" },

  { name: "desk", path: "/staff", who: "staff" },
  { name: "appointments at the desk", path: "/staff/visits", who: "staff", does: unfold },
  { name: "onboarding", path: "/staff/onboarding", who: "staff" },
  { name: "patients", path: "/staff/patients", who: "staff" },
  { name: "one patient", path: "/staff/patients/{patient}", who: "staff" },
  { name: "a patient's apps", path: "/staff/patients/{patient}/apps", who: "staff" },
  { name: "a patient's documents", path: "/staff/patients/{patient}/documents", who: "staff" },
  { name: "a patient's forms", path: "/staff/patients/{patient}/forms", who: "staff" },
  { name: "messages at the desk", path: "/staff/messages", who: "staff" },
  { name: "write to a patient", path: "/staff/messages/new", who: "staff" },
  { name: "write to many", path: "/staff/messages/many", who: "staff" },
  { name: "requests of patients", path: "/staff/reviews", who: "staff" },
  { name: "templates of forms", path: "/staff/templates", who: "staff" },
  { name: "registrations", path: "/staff/registrations", who: "staff" },
  { name: "letters", path: "/staff/mail", who: "staff" },
  { name: "who did what", path: "/staff/audit", who: "staff" },
  { name: "start an app", path: "/staff/launch", who: "staff" },
  {
    name: "patients found",
    path: "/staff/launch",
    who: "staff",
    does: async (page) => {
      await page.$eval("input[name=client_id]", (radio) => radio.click());
      await page.type("[name=search]", "mor");
      await press(page, "form:has([name=search]) button[type=submit]");
    },
  },
  { name: "apps at the desk", path: "/staff/apps", who: "staff", does: unfold },
  { name: "staff's own apps", path: "/account/apps?as=staff", who: "staff" },
];
