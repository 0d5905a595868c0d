//! How the wizard's pages look: which field is shown how, and what is said where.

use axum::http::StatusCode;
use axum::response::Response;

use super::AGAIN;
use super::said::SEXES;
use super::said::fact;
use super::said::related;
use crate::auth::csrf;
use crate::auth::policy;
use crate::auth::registering::After;
use crate::config::Accounts;
use crate::config::accounts::Approval;
use crate::config::accounts::Required;
use crate::domain::coverage::Relationship;
use crate::domain::language::Language;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Reason;
use crate::emr::Emr;
use crate::emr::registering;
use crate::http::App;
use crate::http::pages::enrol::Enrol;
use crate::http::pages::enrol::EnrolCheck;
use crate::http::pages::enrol::EnrolLogin;
use crate::http::pages::enrol::EnrolTold;
use crate::http::pages::enrol::Fact;
use crate::http::pages::enrol::FieldView;
use crate::http::pages::enrol::Part;
use crate::http::pages::enrol::WizardStep;
use crate::http::reply;
use crate::portal::registration::draft::Draft;
use crate::portal::registration::draft::Field;
use crate::portal::registration::draft::Step;

/// How a field is shown: kind, what a browser may fill in, and a hint.
type Look = (&'static str, &'static str, &'static str, &'static str);

const LOOKS: &[Look] = &[
    ("language", "select", "language", ""),
    ("first_name", "text", "given-name", ""),
    ("middle_name", "text", "additional-name", ""),
    ("last_name", "text", "family-name", ""),
    (
        "birth_date",
        "text",
        "bday",
        "Year, month and day, such as 1984-02-29, or 02/29/1984.",
    ),
    (
        "email",
        "email",
        "email",
        "A mailbox that only you read. For a child it may be yours.",
    ),
    ("sex", "select", "sex", ""),
    ("street", "text", "address-line1", ""),
    ("street_line_2", "text", "address-line2", ""),
    ("city", "text", "address-level2", ""),
    ("state", "text", "address-level1", ""),
    (
        "postal_code",
        "text",
        "postal-code",
        "00000 where you have none.",
    ),
    (
        "phone_home",
        "tel",
        "home tel",
        "A mobile number will do where you have no other.",
    ),
    ("phone_cell", "tel", "mobile tel", ""),
    (
        "contact_name",
        "text",
        "off",
        "Whom the practice calls if something happens to you.",
    ),
    ("contact_phone", "tel", "off", ""),
    (
        "insurer",
        "select",
        "off",
        "Leave this page empty if you have no insurance or want to show the card later.",
    ),
    ("insurer_name", "text", "off", ""),
    ("plan", "text", "off", ""),
    ("policy_number", "text", "off", ""),
    ("group_number", "text", "off", ""),
    ("relationship", "select", "off", ""),
    (
        "subscriber_first",
        "text",
        "off",
        "Only where the insurance is in somebody else's name.",
    ),
    ("subscriber_last", "text", "off", ""),
    ("provider", "select", "off", ""),
    (
        "wish",
        "textarea",
        "off",
        "Days and times that suit you, and what it is about. It is a wish, not an appointment.",
    ),
];

/// What can be chosen.
pub(super) struct Choices {
    providers: Vec<(String, String)>,
    insurers: Vec<(String, String)>,
    requires: Vec<Required>,
}

impl Choices {
    pub(super) async fn read(emr: &Emr, accounts: &Accounts) -> Answer<Self> {
        let providers = registering::providers(emr).await?;
        let insurers = registering::insurance_companies(emr).await?;
        Ok(Self {
            providers: providers
                .into_iter()
                .map(|one| (one.id.to_string(), one.name))
                .collect(),
            insurers: insurers
                .into_iter()
                .map(|(id, name)| (id.to_string(), name))
                .collect(),
            requires: accounts.requires.clone(),
        })
    }

    fn none() -> Self {
        Self {
            providers: Vec::new(),
            insurers: Vec::new(),
            requires: Vec::new(),
        }
    }

    fn of(&self, name: &str) -> Vec<(String, String)> {
        let pair = |(value, words): (&str, &str)| (value.to_owned(), words.to_owned());
        let led = |words, list: &[(String, String)]| {
            let mut all = vec![pair(("", words))];
            all.extend(list.iter().cloned());
            all
        };
        match name {
            "language" => Language::ALL
                .map(|one| pair((one.tag(), one.own_name())))
                .to_vec(),
            "sex" => led("Choose", &SEXES.map(pair)),
            "relationship" => Relationship::ALL
                .map(|one| pair((one.code(), related(one))))
                .to_vec(),
            "insurer" => led("None, or not in this list", &self.insurers),
            "provider" => led("Choose", &self.providers),
            _ => Vec::new(),
        }
    }

    fn needs(&self, name: &str) -> bool {
        match name {
            "language" | "first_name" | "last_name" | "birth_date" | "email" | "sex" => true,
            "postal_code" => self.requires.contains(&Required::Zip),
            "phone_home" => self.requires.contains(&Required::HomePhone),
            "provider" => !self.providers.is_empty(),
            _ => false,
        }
    }

    /// What stands in a field, in words; an insurance company and a provider by their names.
    fn said(&self, draft: &Draft, field: &Field) -> Fact {
        let text = draft.get(field.name);
        let options = self.of(field.name);
        let found = options.iter().find(|(value, _)| value == text);
        let text = found.map_or(text, |(_, words)| words);
        fact(field, draft.get(field.name), text)
    }
}

/// Where somebody is.
pub(super) struct At<'a> {
    pub(super) token: &'a str,
    pub(super) visitor: &'a str,
    pub(super) step: Step,
}

impl At<'_> {
    fn path(&self, step: Step) -> String {
        format!("/register/{}/{}", self.token, step.words().0)
    }

    fn back(&self) -> String {
        let before = Step::ALL.into_iter().take_while(|step| *step != self.step);
        before
            .last()
            .map_or_else(String::new, |step| self.path(step))
    }

    fn steps(&self) -> Vec<WizardStep> {
        let here = Step::ALL.iter().position(|step| *step == self.step);
        let state = |place: usize| match here {
            Some(here) if place < here => "done",
            Some(here) if place == here => "now",
            _ => "",
        };
        let all = Step::ALL.into_iter().enumerate();
        all.map(|(place, step)| WizardStep {
            title: step.words().1,
            path: self.path(step),
            state: state(place),
        })
        .collect()
    }
}

/// The first form.
pub(super) fn first(app: &App, visitor: &str, draft: &Draft, wrong: &[Reason]) -> Response {
    let choices = Choices::none();
    let page = Enrol {
        frame: reply::frame(app, "Register as a new patient"),
        action: "/register".to_owned(),
        csrf: csrf::token(visitor),
        steps: Vec::new(),
        lead: "A letter with a link goes to your e-mail address. The link opens the rest of the form.",
        fixed: Vec::new(),
        fields: Step::Person
            .fields()
            .map(|field| field_view(field, (draft, &choices), wrong))
            .collect(),
        button: "Send me the link",
        back: String::new(),
        error: again(wrong),
    };
    reply::html(AGAIN, page)
}

/// A page of the wizard.
pub(super) fn step(
    app: &App,
    at: &At<'_>,
    (draft, choices): (&Draft, &Choices),
    wrong: &[Reason],
) -> Response {
    let shown = |field: &&Field| field.name != "provider" || !choices.providers.is_empty();
    let page = Enrol {
        frame: reply::frame(app, at.step.words().1),
        action: at.path(at.step),
        csrf: csrf::token(at.visitor),
        steps: at.steps(),
        lead: "",
        fixed: match at.step {
            Step::Profile => fixed(draft),
            _ => Vec::new(),
        },
        fields: at
            .step
            .fields()
            .filter(shown)
            .map(|field| field_view(field, (draft, choices), wrong))
            .collect(),
        button: "Go on",
        back: at.back(),
        error: again(wrong),
    };
    reply::html(AGAIN, page)
}

/// Everything once more.
pub(super) fn check(app: &App, at: &At<'_>, (draft, choices): (&Draft, &Choices)) -> Response {
    let steps = [Step::Profile, Step::Insurance, Step::Provider];
    let part = |step: Step| {
        let fields = step.fields().filter(|field| {
            let own = field.name == "relationship" && !draft.insured();
            !draft.get(field.name).is_empty() && !own
        });
        Part {
            title: step.words().1,
            path: at.path(step),
            rows: fields.map(|field| choices.said(draft, field)).collect(),
        }
    };
    let page = EnrolCheck {
        frame: reply::frame(app, "Check and send"),
        action: at.path(Step::Check),
        csrf: csrf::token(at.visitor),
        steps: at.steps(),
        fixed: fixed(draft),
        parts: steps.map(part).to_vec(),
        looked_at: app.config.accounts.approval != Approval::Email,
        back: at.back(),
    };
    reply::html(StatusCode::OK, page)
}

/// What was confirmed by mail.
fn fixed(draft: &Draft) -> Vec<Fact> {
    let names = ["first_name", "middle_name", "last_name"].map(|name| draft.get(name));
    let name: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
    vec![
        Fact::typed("Name", name.join(" ")),
        Fact::typed("Date of birth", draft.get("birth_date").to_owned()),
        Fact::typed("E-mail", draft.get("email").to_owned()),
    ]
}

fn field_view(field: &Field, (draft, choices): (&Draft, &Choices), wrong: &[Reason]) -> FieldView {
    let look = LOOKS.iter().find(|(name, ..)| *name == field.name);
    let (_, kind, autocomplete, hint) = look.copied().unwrap_or((field.name, "text", "off", ""));
    let error = wrong.iter().find(|one| one.expression == field.name);
    FieldView {
        name: field.name,
        label: field.label,
        kind,
        value: draft.get(field.name).to_owned(),
        autocomplete,
        hint,
        error: error.map_or_else(String::new, |one| one.text.clone()),
        options: choices.of(field.name),
        most: field.most,
        needed: choices.needs(field.name),
    }
}

fn again(wrong: &[Reason]) -> Option<String> {
    (!wrong.is_empty()).then(|| "Correct the marked fields.".to_owned())
}

/// The first login.
pub(super) fn login(
    app: &App,
    (token, visitor): (&str, &str),
    username: String,
    errors: Vec<(String, String)>,
) -> Response {
    let field = |name: &'static str, label, kind, autocomplete| FieldView {
        name,
        label,
        kind,
        autocomplete,
        error: errors
            .iter()
            .find(|(known, _)| known == name)
            .map_or_else(String::new, |(_, text)| text.clone()),
        most: 100,
        needed: true,
        ..FieldView::default()
    };
    let page = EnrolLogin {
        frame: reply::frame(app, "Choose your login"),
        action: format!("/register/{token}/done"),
        csrf: csrf::token(visitor),
        fields: vec![
            FieldView {
                value: username,
                ..field("username", "Username", "text", "username")
            },
            field("new_password", "New password", "password", "new-password"),
            field(
                "new_password_again",
                "New password again",
                "password",
                "new-password",
            ),
        ],
        rules: policy::rules(app.config.accounts.password_minimum),
        error: (!errors.is_empty())
            .then(|| "Nothing was saved yet. Correct the marked fields.".to_owned()),
    };
    reply::html(AGAIN, page)
}

/// The letter is on its way, or not: the page does not know.
pub(super) fn sent(app: &App) -> Response {
    let sentences = [
        "If this address can be used, a letter with a link is on its way. The link works for one hour.",
        "If nothing comes within a few minutes, look among unwanted mail, or call the practice.",
    ];
    let links = vec![("/register".to_owned(), "Start again")];
    page(
        app,
        "Look into your mailbox",
        (StatusCode::OK, &sentences),
        links,
    )
}

/// Registering is not offered here.
pub(super) fn not_offered(app: &App, missing: &[Reason]) -> Response {
    let first = missing.first().map_or("", |reason| reason.text.as_str());
    let links = vec![("/".to_owned(), "Start"), ("/help".to_owned(), "Help")];
    page(
        app,
        "Register with the practice",
        (StatusCode::NOT_FOUND, &[first]),
        links,
    )
}

/// The link has ended, or never was.
pub(super) fn ended(app: &App) -> Response {
    let sentences = [
        "This link works no longer here. Links work for one hour, and what was begun goes on in the browser it was begun in, for a day.",
        "Nothing was lost at the practice. You can start again.",
    ];
    let links = vec![("/register".to_owned(), "Start again")];
    page(
        app,
        "This link has ended",
        (StatusCode::NOT_FOUND, &sentences),
        links,
    )
}

/// How it came out, where no login is chosen on the page.
pub(super) fn told(app: &App, after: After) -> Response {
    let login = vec![("/account".to_owned(), "Log in")];
    let (title, sentences, links): (&str, &[&str], _) = match after {
        After::Waits => (
            "The practice has your registration",
            &[
                "Somebody at the practice looks at it. You get a letter when you are let in.",
                "Until then nothing can be booked or written here. If it is urgent, call the practice.",
            ],
            Vec::new(),
        ),
        After::Call => (
            "Please call the practice",
            &[
                "Your registration could not be finished here. The practice has to look at it first.",
            ],
            Vec::new(),
        ),
        After::Letter => (
            "Look into your mailbox",
            &[
                "You are let in. A letter with a link is on its way: with it you choose your username and password.",
            ],
            Vec::new(),
        ),
        After::Ready | After::Choose(_) => (
            "You are registered",
            &["Your login is ready. Log in with the username and password you chose."],
            login,
        ),
    };
    page(app, title, (StatusCode::OK, sentences), links)
}

fn page(
    app: &App,
    title: &str,
    (status, sentences): (StatusCode, &[&str]),
    links: Vec<(String, &'static str)>,
) -> Response {
    let page = EnrolTold {
        frame: reply::frame(app, title),
        sentences: sentences.iter().map(|text| (*text).to_owned()).collect(),
        phone: app.config.help_phone.clone(),
        links,
    };
    reply::html(status, page)
}
