//! Holds the pages to two languages: no word stands outside the catalogue, in any template and in what is said in Rust.

use std::fs;
use std::path::Path;

use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::Uri;

use super::pages;
use crate::domain::language::Language;
use crate::http::words::Reader;
use crate::words;

/// Files whose sentences people read: each literal that is a sentence has to be in the catalogue.
const SAYING: [&str; 106] = [
    "auth/accounts/access.rs",
    "auth/accounts/credential.rs",
    "auth/authorize.rs",
    "auth/desk.rs",
    "auth/email_change.rs",
    "auth/launch.rs",
    "auth/new_credentials.rs",
    "auth/onboarding.rs",
    "auth/own_login.rs",
    "auth/password.rs",
    "auth/policy.rs",
    "auth/redeem.rs",
    "auth/registering.rs",
    "auth/registering/choosing.rs",
    "auth/upstream.rs",
    "auth/upstream/people.rs",
    "auth/upstream/proof.rs",
    "auth/upstream/provider.rs",
    "domain/forms/outline.rs",
    "domain/mailbox.rs",
    "emr/slots/offers.rs",
    "http/account.rs",
    "http/account_email.rs",
    "http/account_login.rs",
    "http/activate.rs",
    "http/activity.rs",
    "http/activity/lines.rs",
    "http/desk.rs",
    "http/documents.rs",
    "http/documents/records/told.rs",
    "http/documents/records/turn.rs",
    "http/enrol/view.rs",
    "http/forms.rs",
    "http/limits.rs",
    "http/messages.rs",
    "http/messages/shown.rs",
    "http/onboarding.rs",
    "http/onboarding/many.rs",
    "http/onboarding/rows.rs",
    "http/own_forms.rs",
    "http/pages/activity.rs",
    "http/pages/apps.rs",
    "http/pages/documents.rs",
    "http/pages/jobs.rs",
    "http/pages/link.rs",
    "http/pages/messages.rs",
    "http/pages/new_credentials.rs",
    "http/pages/own.rs",
    "http/pages/problem.rs",
    "http/pages/reset.rs",
    "http/pages/scope_words.rs",
    "http/pages/staff.rs",
    "http/pages/staff_documents.rs",
    "http/pages/staff_login.rs",
    "http/pages/staff_patient.rs",
    "http/pages/requests.rs",
    "http/pages/staff_reviews.rs",
    "http/pages/staff_visits.rs",
    "http/pages/visits.rs",
    "http/pages/visits_new.rs",
    "http/reply.rs",
    "http/reset.rs",
    "http/signin.rs",
    "http/site.rs",
    "http/staff.rs",
    "http/staff_addressees.rs",
    "http/staff_apps.rs",
    "http/staff_documents.rs",
    "http/staff_forms.rs",
    "http/staff_mail.rs",
    "http/staff_messages.rs",
    "http/staff_messages/many.rs",
    "http/staff_patient.rs",
    "http/staff_patient/apps.rs",
    "http/staff_registrations.rs",
    "http/staff_signin.rs",
    "http/staff_templates.rs",
    "http/requests.rs",
    "http/requests/said.rs",
    "http/staff_reviews.rs",
    "http/staff_reviews/deciding.rs",
    "http/staff_reviews/paper.rs",
    "http/staff_visits.rs",
    "http/staff_visits/free.rs",
    "http/visits.rs",
    "http/visits/asking.rs",
    "http/visits/choosing.rs",
    "http/tablet.rs",
    "mail/carrier.rs",
    "mail/reply.rs",
    "portal/account.rs",
    "portal/addressee.rs",
    "portal/chart.rs",
    "portal/document.rs",
    "portal/form.rs",
    "portal/form/keep.rs",
    "portal/insurance.rs",
    "portal/login.rs",
    "portal/message.rs",
    "portal/registration.rs",
    "portal/rules.rs",
    "portal/sharing.rs",
    "portal/visit.rs",
    "portal/visit/accept.rs",
    "portal/work.rs",
    "worker/outbox.rs",
];

/// What programs read, in files that also speak to people.
const FOR_PROGRAMS: [&str; 2] = [
    // No page has such a scope.
    "emr/slots/offers.rs: The token's scope",
    // Pasted together in one place.
    "auth/upstream/people.rs: {} has",
];

/// Name and text of every template but developers' ones, which are English.
fn templates() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/templates");
    let files = fs::read_dir(folder).unwrap();
    let mut found: Vec<(String, String)> = files
        .map(|file| file.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .filter(|(name, _)| !name.starts_with("developers"))
        .collect();
    found.sort();
    found
}

/// What stands between two marks, and the text without it.
fn taken(text: &str, (from, to): (&str, &str)) -> (Vec<String>, String) {
    let (mut inside, mut outside) = (Vec::new(), String::new());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        let (part, after) = after.split_once(to).unwrap_or((after, ""));
        outside.push_str(before);
        inside.push(part.to_owned());
        rest = after;
    }
    outside.push_str(rest);
    (inside, outside)
}

/// The string literals of an expression, each with what stands before and after it.
fn literals(code: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = code[at..].find('"').map(|offset| at + offset) {
        let body = &code[start + 1..];
        let mut end = 0;
        let mut escaped = false;
        for (index, letter) in body.char_indices() {
            if letter == '"' && !escaped {
                end = index;
                break;
            }
            escaped = letter == '\\' && !escaped;
        }
        // A line that ends in a backslash goes on at the next one's first letter.
        let mut text = String::new();
        for (index, line) in body[..end].split("\\\n").enumerate() {
            text.push_str(if index > 0 { line.trim_start() } else { line });
        }
        at = start + 1 + end + 1;
        let text = text.replace("\\\"", "\"");
        found.push((text, code[..start].to_owned(), code[at..].to_owned()));
    }
    found
}

/// A sentence as the catalogue writes it: `{seconds}` is a hole.
fn with_holes(text: &str) -> String {
    let (holes, _) = taken(text, ("{", "}"));
    holes.iter().fold(text.to_owned(), |text, hole| {
        text.replace(&format!("{{{hole}}}"), "{}")
    })
}

#[test]
fn every_word_of_a_template_is_in_the_catalogue() {
    let mut missing = Vec::new();
    for (name, text) in templates() {
        let (_, text) = taken(&text, ("{#", "#}"));
        let (said, rest) = taken(&text, ("{{", "}}"));
        let (done, _) = taken(&rest, ("{%", "%}"));
        for code in said.iter().chain(&done) {
            for (literal, before, after) in literals(code) {
                let after = after.trim_start();
                let filtered = after.strip_prefix('|').map(str::trim_start);
                let filter = filtered.is_some_and(|rest| {
                    let word = rest
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .next();
                    matches!(word, Some("t" | "with" | "with_both"))
                });
                let formatted = before.trim_end().ends_with("format!(") && after.contains(")|t");
                // What a macro is called with is said by the macro.
                let called = code.trim_start().starts_with("call ")
                    && literal.starts_with(char::is_uppercase);
                if filter || formatted || called {
                    let wanted = with_holes(&literal);
                    if !words::knows(&wanted) {
                        missing.push(format!("{name}: {wanted:?}"));
                    }
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Visible letters of a template that no filter says.
fn unsaid(text: &str) -> Vec<String> {
    let (_, text) = taken(text, ("{#", "#}"));
    // The name of a class, and an attribute.
    let (_, text) = taken(&text, ("{% block width %}", "{% endblock %}"));
    let (_, text) = taken(&text, ("{% block language %}", "{% endblock %}"));
    let (_, text) = taken(&text, ("{{", "}}"));
    let (_, text) = taken(&text, ("{%", "%}"));
    let (_, text) = taken(&text, ("<code", "</code>"));
    let (_, text) = taken(&text, ("<!doctype", ">"));
    let (tags, text) = taken(&text, ("<", ">"));
    let (_, text) = taken(&text, ("&", ";"));
    let read = [
        " aria-label=\"",
        " alt=\"",
        " title=\"",
        " placeholder=\"",
        " data-label=\"",
    ];
    let attributes = tags
        .iter()
        .flat_map(|tag| read.iter().filter_map(|name| tag.split_once(name)))
        .filter_map(|(_, value)| value.split('"').next());
    let lines = text.lines().map(str::trim);
    // The names of the languages are in their own.
    let lines = lines.filter(|line| *line != "English Español");
    let all = lines.chain(attributes).map(str::to_owned);
    all.filter(|part| part.contains(char::is_alphabetic))
        .collect()
}

#[test]
fn no_visible_word_of_a_template_stands_outside_the_braces() {
    for (name, text) in templates() {
        assert_eq!(unsaid(&text), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_check_of_templates_sees_what_is_unsaid() {
    for (text, found) in [
        ("<h1>{{ \"Help\"|t }}</h1>", 0),
        ("<h1>Help</h1>", 1),
        ("<td data-label=\"Born\">{{ x }}</td>", 1),
        ("<td data-label=\"{{ \"Born\"|t }}\">{{ x }}</td>", 0),
        ("{% if a > b %}·{% endif %} <code>curl</code> &nbsp;", 0),
    ] {
        assert_eq!(unsaid(text).len(), found, "{text}");
    }
}

#[test]
fn what_is_said_in_rust_is_in_the_catalogue() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut count = 0;
    let mut missing = Vec::new();
    for name in SAYING {
        let text = fs::read_to_string(folder.join(name)).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = text.lines().filter(|line| {
            let line = line.trim_start();
            !line.starts_with("//") && !line.starts_with("about:") && !line.starts_with("'\"'")
        });
        let code: String = lines.map(|line| format!("{line}\n")).collect();
        for (literal, before, _) in literals(&code) {
            let sentence = literal.starts_with(|first: char| first.is_uppercase() || first == '{')
                && literal.contains(' ')
                && (literal.ends_with(['.', '?'])
                    // What something outside said comes behind a colon.
                    || !literal.starts_with('{') && literal.ends_with('}') && literal.contains(": {"));
            // What is expected of a request is told to its developer, in English.
            let detail = before.rsplit("Detail::new(").next().unwrap_or_default();
            let detail = detail.len() < before.len() && !detail.contains(')');
            // Titles of tables and answers for programs.
            let about = before.trim_end().ends_with("vec![\n        (")
                || before.trim_end().ends_with("),\n        (");
            let wanted = with_holes(&literal);
            let known = FOR_PROGRAMS
                .iter()
                .any(|known| format!("{name}: {wanted}").starts_with(known));
            if sentence && !detail && !about && !known {
                count += 1;
                if !words::knows(&wanted) {
                    missing.push(format!("{name}: {wanted:?}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert!(count > 100, "{count} sentences were looked at");
}

fn reader(address: &str) -> Reader {
    let uri: Uri = address.parse().unwrap();
    Reader::of((&Method::GET, &uri), &HeaderMap::new())
}

/// The text of each heading, label and button.
fn headings(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in [
        "title", "h1", "h2", "h3", "legend", "label", "button", "summary", "th", "dt",
    ] {
        let closing = format!("</{name}>");
        for part in html.split(&format!("<{name}")).skip(1) {
            // `<th` begins `<thead` too.
            if part.starts_with([' ', '>']) {
                let text = part.split(&closing).next().unwrap_or_default();
                let text = text.split_once('>').map_or("", |(_, text)| text);
                let (_, text) = taken(text, ("<code", "</code>"));
                found.push(taken(&text, ("<", ">")).1.trim().to_owned());
            }
        }
    }
    found
}

#[test]
fn every_page_is_written_in_spanish_from_its_title_to_its_buttons() {
    let spanish = reader("/?lang=es");
    for (name, page) in pages() {
        if name.starts_with("developers") || name.starts_with("register") {
            continue;
        }
        let english = headings(&page.dyn_render().unwrap());
        let html = page.dyn_render_with_values(&spanish).unwrap();
        assert!(html.contains("<html lang=\"es\">"), "{name}");
        let other = headings(&html);
        assert_eq!(english.len(), other.len(), "{name}");
        for (english, other) in english.iter().zip(&other) {
            // Names are what they are in every language; sentences have words in small letters.
            let mut words = english.split(['·', ' ']);
            let small = words.any(|word| word.starts_with(char::is_lowercase));
            assert!(english != other || !small, "{name}: {english}");
        }
    }
}

#[test]
fn what_was_chosen_is_said_in_spanish_and_what_was_typed_is_not() {
    use askama::Template;
    for html in [
        super::EnrolCheck::sample().render_with_values(&reader("/?lang=es")),
        super::StaffRegistrations::sample().render_with_values(&reader("/?lang=es")),
    ] {
        let html = html.unwrap();
        assert!(html.contains("<dd>Femenino</dd>"), "{html}");
        assert!(!html.contains("<dd>Female</dd>"), "{html}");
    }
    let mut page = super::EnrolCheck::sample();
    page.fixed[0].value = "Help".to_owned();
    let html = page.render_with_values(&reader("/?lang=es")).unwrap();
    assert!(html.contains("<dd>Help</dd>"), "{html}");
}

#[test]
fn a_page_says_its_language_and_offers_the_other() {
    let page = super::Login::sample();
    for (address, tag) in [
        ("/login?request=r", "en"),
        ("/login?lang=es&request=r", "es"),
    ] {
        use askama::Template;
        let html = page.render_with_values(&reader(address)).unwrap();
        assert!(html.contains(&format!("<html lang=\"{tag}\">")), "{tag}");
        for language in Language::ALL {
            let link = format!(
                "href=\"/login?request=r&#38;lang={0}\" lang=\"{0}\"",
                language.tag()
            );
            assert!(html.contains(&link), "{tag}: {link}");
        }
        let current = format!("hreflang=\"{tag}\" aria-current=\"true\"");
        assert_eq!(html.matches("aria-current=\"true\"").count(), 1);
        assert!(html.contains(&current), "{tag}");
    }
}

#[test]
fn scopes_read_as_spanish_sentences_with_their_codes_as_they_are() {
    let spanish = |text: &str| words::said(Language::Spanish, text).into_owned();
    assert_eq!(
        spanish(
            "The app may read and cancel your appointments: the time, place and status. The practice's own rules still apply."
        ),
        "La aplicación puede leer y cancelar sus citas: la hora, el lugar y el estado. Las reglas del consultorio siguen vigentes."
    );
    assert_eq!(
        spanish(
            "The app may read the names, dates and kinds of your documents. Only those of the type “11488-4” (LOINC) and with the status “current”."
        ),
        "La aplicación puede leer los nombres, las fechas y los tipos de sus documentos. Solo del tipo “11488-4” (LOINC) y con el estado “current”."
    );
    assert_eq!(
        spanish("The app may read the messages with the practice of every patient you may see."),
        "La aplicación puede leer los mensajes con el consultorio de todos los pacientes que usted puede ver."
    );
    assert_eq!(
        spanish("21 November 2026, 14:05; 12 times in all"),
        "21 de noviembre de 2026, 14:05; 12 veces en total"
    );
    for name in ["April May", "May 5th Clinic", "Ana Moreno"] {
        assert_eq!(spanish(name), name);
    }
}
