//! Renders every page and checks what a page may never lack.

use super::account::Account;
use super::activity::Activity;
use super::activity::StaffAudit;
use super::app::SampleApp;
use super::apps::Apps;
use super::assets::ASSETS;
use super::consent::Consent;
use super::desk::Desk;
use super::developers::Developers;
use super::developers_register::RegisterApp;
use super::developers_register::Registered;
use super::documents::Documents;
use super::enrol::Enrol;
use super::enrol::EnrolCheck;
use super::enrol::EnrolLogin;
use super::enrol::EnrolTold;
use super::help::Help;
use super::home::Home;
use super::jobs::JobPage;
use super::link::Done;
use super::link::LinkForm;
use super::link::LinkOver;
use super::login::Login;
use super::logout::LogOut;
use super::logout::LoggedOut;
use super::messages::Conversation;
use super::messages::Many;
use super::messages::Messages;
use super::messages::NewMessage;
use super::messages::StaffNewMessage;
use super::new_credentials::NewCredentials;
use super::onboarding::Confirm;
use super::onboarding::Onboarding;
use super::onboarding::PinToRead;
use super::own::EmailLink;
use super::own::OwnEmail;
use super::own::OwnLogin;
use super::own_forms::OwnForm;
use super::own_forms::OwnForms;
use super::own_forms::Tablet;
use super::problem::Problem;
use super::requests::Requests;
use super::reset::Reset;
use super::reset::ResetAsked;
use super::staff::StaffApps;
use super::staff::StaffLaunch;
use super::staff_addressees::Addressees;
use super::staff_documents::StaffDocuments;
use super::staff_forms::StaffForms;
use super::staff_login::ChoosePatient;
use super::staff_login::StaffLogin;
use super::staff_mail::StaffMail;
use super::staff_patient::PatientApps;
use super::staff_patient::StaffPatient;
use super::staff_patient::StaffPatients;
use super::staff_registrations::StaffRegistrations;
use super::staff_reviews::StaffReview;
use super::staff_reviews::StaffReviews;
use super::staff_templates::StaffTemplate;
use super::staff_templates::StaffTemplates;
use super::staff_visits::StaffVisits;
use super::visits::Visits;
use super::visits::VisitsAsk;
use super::visits_new::VisitsNew;
use askama::Template;

mod words;

/// Every page in every state it has: name and HTML.
fn samples() -> Vec<(&'static str, String)> {
    pages()
        .into_iter()
        .map(|(name, page)| (name, page.dyn_render().unwrap()))
        .collect()
}

/// The same, not yet written.
fn pages() -> Vec<(&'static str, Box<dyn askama::DynTemplate>)> {
    vec![
        ("home", Box::new(Home::sample())),
        ("home-practice", Box::new(Home::sample_of_a_practice())),
        ("login", Box::new(Login::sample())),
        ("login-refused", Box::new(Login::sample_refused())),
        ("login-waiting", Box::new(Login::sample_waiting())),
        ("consent", Box::new(Consent::sample())),
        ("consent-staff", Box::new(Consent::sample_of_staff())),
        ("account", Box::new(Account::sample())),
        ("account-new", Box::new(Account::sample_new())),
        ("account-off", Box::new(Account::sample_off())),
        ("account-staff", Box::new(Account::sample_of_staff())),
        ("activity", Box::new(Activity::sample())),
        ("activity-empty", Box::new(Activity::sample_empty())),
        ("staff-audit", Box::new(StaffAudit::sample())),
        ("staff-audit-empty", Box::new(StaffAudit::sample_empty())),
        ("apps", Box::new(Apps::sample())),
        ("apps-empty", Box::new(Apps::sample_empty())),
        ("new-credentials", Box::new(NewCredentials::sample())),
        (
            "new-credentials-refused",
            Box::new(NewCredentials::sample_refused()),
        ),
        ("reset", Box::new(Reset::sample())),
        ("reset-refused", Box::new(Reset::sample_refused())),
        ("reset-off", Box::new(Reset::sample_off())),
        ("reset-asked", Box::new(ResetAsked::sample())),
        ("link", Box::new(LinkForm::sample())),
        ("link-refused", Box::new(LinkForm::sample_refused())),
        ("link-first", Box::new(LinkForm::sample_first())),
        ("link-bare", Box::new(LinkForm::sample_bare())),
        ("link-over", Box::new(LinkOver::sample())),
        ("link-over-off", Box::new(LinkOver::sample_off())),
        ("done", Box::new(Done::sample())),
        ("own-login", Box::new(OwnLogin::sample())),
        ("own-login-done", Box::new(OwnLogin::sample_done())),
        ("own-login-refused", Box::new(OwnLogin::sample_refused())),
        ("own-email", Box::new(OwnEmail::sample())),
        ("own-email-asked", Box::new(OwnEmail::sample_asked())),
        ("own-email-refused", Box::new(OwnEmail::sample_refused())),
        ("own-email-off", Box::new(OwnEmail::sample_off())),
        ("email-link", Box::new(EmailLink::sample())),
        ("email-link-undo", Box::new(EmailLink::sample_undo())),
        ("logout", Box::new(LogOut::sample())),
        ("logged-out", Box::new(LoggedOut::sample())),
        (
            "logged-out-without-apps",
            Box::new(LoggedOut::sample_without_apps()),
        ),
        ("own-forms", Box::new(OwnForms::sample())),
        ("own-forms-empty", Box::new(OwnForms::sample_empty())),
        ("own-form", Box::new(OwnForm::sample())),
        ("own-form-signed", Box::new(OwnForm::sample_signed())),
        ("own-form-tablet", Box::new(OwnForm::sample_tablet())),
        ("tablet", Box::new(Tablet::sample())),
        ("tablet-over", Box::new(Tablet::sample_over())),
        ("staff-forms", Box::new(StaffForms::sample())),
        ("staff-templates", Box::new(StaffTemplates::sample())),
        (
            "staff-templates-changed",
            Box::new(StaffTemplates::changed()),
        ),
        ("staff-template", Box::new(StaffTemplate::sample())),
        ("staff-forms-empty", Box::new(StaffForms::sample_empty())),
        ("problem", Box::new(Problem::sample())),
        ("help", Box::new(Help::sample())),
        ("developers", Box::new(Developers::sample())),
        (
            "developers-without-registration",
            Box::new(Developers::sample_without_registration()),
        ),
        ("documents", Box::new(Documents::sample())),
        ("documents-empty", Box::new(Documents::sample_empty())),
        ("staff-documents", Box::new(StaffDocuments::sample())),
        (
            "staff-documents-empty",
            Box::new(StaffDocuments::sample_empty()),
        ),
        ("staff-addressees", Box::new(Addressees::sample())),
        (
            "staff-addressees-refused",
            Box::new(Addressees::sample_refused()),
        ),
        ("messages", Box::new(Messages::sample())),
        ("messages-staff", Box::new(Messages::sample_of_staff())),
        ("messages-closed", Box::new(Messages::sample_closed())),
        ("messages-empty", Box::new(Messages::sample_empty())),
        ("message", Box::new(Conversation::sample())),
        ("message-refused", Box::new(Conversation::sample_refused())),
        ("message-over", Box::new(Conversation::sample_over())),
        ("message-new", Box::new(NewMessage::sample())),
        (
            "message-new-refused",
            Box::new(NewMessage::sample_refused()),
        ),
        ("message-new-nobody", Box::new(NewMessage::sample_nobody())),
        ("message-new-closed", Box::new(NewMessage::sample_closed())),
        ("staff-many", Box::new(Many::sample())),
        ("staff-many-refused", Box::new(Many::sample_refused())),
        ("staff-many-counted", Box::new(Many::sample_counted())),
        ("staff-message-new", Box::new(StaffNewMessage::sample())),
        (
            "staff-message-new-refused",
            Box::new(StaffNewMessage::sample_refused()),
        ),
        ("staff-patients", Box::new(StaffPatients::sample())),
        ("staff-patient", Box::new(StaffPatient::sample())),
        ("staff-patient-apps", Box::new(PatientApps::sample())),
        (
            "staff-patient-apps-empty",
            Box::new(PatientApps::sample_empty()),
        ),
        ("staff-patient-off", Box::new(StaffPatient::sample_off())),
        (
            "staff-patient-shown",
            Box::new(StaffPatient::sample_shown()),
        ),
        (
            "staff-patient-locked",
            Box::new(StaffPatient::sample_locked()),
        ),
        ("register", Box::new(RegisterApp::sample())),
        ("register-refused", Box::new(RegisterApp::sample_refused())),
        ("register-off", Box::new(RegisterApp::sample_off())),
        ("registered", Box::new(Registered::sample())),
        ("registered-waiting", Box::new(Registered::sample_waiting())),
        (
            "developers-practice",
            Box::new(Developers::sample_of_a_practice()),
        ),
        ("app", Box::new(SampleApp::sample())),
        ("staff-login", Box::new(StaffLogin::sample())),
        (
            "staff-login-refused",
            Box::new(StaffLogin::sample_refused()),
        ),
        ("staff-login-idp", Box::new(StaffLogin::sample_elsewhere())),
        ("choose-patient", Box::new(ChoosePatient::sample())),
        (
            "choose-patient-none",
            Box::new(ChoosePatient::sample_empty()),
        ),
        ("desk", Box::new(Desk::sample())),
        ("desk-done", Box::new(Desk::sample_done())),
        ("desk-nobody", Box::new(Desk::sample_of_nobody())),
        ("staff-launch", Box::new(StaffLaunch::sample())),
        ("staff-launch-ready", Box::new(StaffLaunch::sample_ready())),
        ("staff-launch-empty", Box::new(StaffLaunch::sample_empty())),
        ("staff-apps", Box::new(StaffApps::sample())),
        ("staff-apps-empty", Box::new(StaffApps::sample_empty())),
        ("staff-mail", Box::new(StaffMail::sample())),
        ("staff-mail-empty", Box::new(StaffMail::sample_empty())),
        (
            "staff-mail-search",
            Box::new(StaffMail::sample_of_a_search()),
        ),
        ("enrol", Box::new(Enrol::sample())),
        ("enrol-step", Box::new(Enrol::sample_of_a_step())),
        ("enrol-check", Box::new(EnrolCheck::sample())),
        ("enrol-told", Box::new(EnrolTold::sample())),
        ("enrol-login", Box::new(EnrolLogin::sample())),
        (
            "staff-registrations",
            Box::new(StaffRegistrations::sample()),
        ),
        (
            "staff-registrations-empty",
            Box::new(StaffRegistrations::sample_empty()),
        ),
        ("onboarding", Box::new(Onboarding::sample())),
        ("onboarding-empty", Box::new(Onboarding::sample_empty())),
        ("onboarding-confirm", Box::new(Confirm::sample())),
        (
            "onboarding-confirm-nobody",
            Box::new(Confirm::sample_of_nobody()),
        ),
        ("onboarding-pin", Box::new(PinToRead::sample())),
        ("staff-job", Box::new(JobPage::sample())),
        ("staff-job-stopped", Box::new(JobPage::sample_stopped())),
        ("visits", Box::new(Visits::sample())),
        ("visits-empty", Box::new(Visits::sample_empty())),
        ("visits-closed", Box::new(Visits::sample_closed())),
        ("visits-new", Box::new(VisitsNew::sample())),
        (
            "visits-new-provider",
            Box::new(VisitsNew::sample_of_providers()),
        ),
        ("visits-new-time", Box::new(VisitsNew::sample_of_times())),
        ("visits-new-full", Box::new(VisitsNew::sample_full())),
        ("visits-ask", Box::new(VisitsAsk::sample())),
        ("visits-ask-refused", Box::new(VisitsAsk::sample_refused())),
        ("requests", Box::new(Requests::sample())),
        ("requests-empty", Box::new(Requests::sample_empty())),
        ("requests-closed", Box::new(Requests::sample_closed())),
        ("staff-reviews", Box::new(StaffReviews::sample())),
        (
            "staff-reviews-empty",
            Box::new(StaffReviews::sample_empty()),
        ),
        ("staff-review", Box::new(StaffReview::sample())),
        (
            "staff-review-document",
            Box::new(StaffReview::sample_document()),
        ),
        (
            "staff-review-decided",
            Box::new(StaffReview::sample_decided()),
        ),
        ("staff-review-form", Box::new(StaffReview::sample_form())),
        (
            "staff-review-closed",
            Box::new(StaffReview::sample_closed()),
        ),
        ("staff-visits", Box::new(StaffVisits::sample())),
        ("staff-visits-empty", Box::new(StaffVisits::sample_empty())),
    ]
}

#[test]
fn every_page_keeps_the_rules() {
    for (name, html) in samples() {
        assert_eq!(faults(&html), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_check_sees_each_fault() {
    let good = "<h1>A</h1><form method=\"post\"><input type=\"hidden\" name=\"csrf\" value=\"t\">\
                <label for=\"u\">U</label><input id=\"u\" name=\"u\"></form>";
    assert_eq!(faults(good), Vec::<String>::new());
    let check = |from: &str, to: &str, fault: &str| {
        let found = faults(&good.replace(from, to));
        assert!(
            found.iter().any(|text| text.contains(fault)),
            "{to}: {found:?}"
        );
    };
    check("<h1>A</h1>", "", "h1");
    check("</h1>", "</h1><h1></h1>", "h1");
    check("for=\"u\"", "for=\"v\"", "label");
    check("value=\"t\"", "value=\"\"", "csrf");
    check("name=\"csrf\"", "name=\"other\"", "csrf");
    check("<h1>", "<h1 style=\"x\">", "style");
    check("<h1>", "<h1 onclick=\"x\">", "handler");
    check("</form>", "</form><script>x</script>", "script");
    check("</form>", "</form><style>x</style>", "style");
    check(
        "<input id=\"u\"",
        "<input id=\"u\" aria-describedby=\"gone\"",
        "gone",
    );
    check("</form>", "</form><p id=\"u\">", "twice");
    check(
        "</form>",
        "</form><script src=\"/assets/none.js\"></script>",
        "/assets/none.js",
    );
}

#[test]
fn what_people_typed_is_shown_as_text() {
    let mut page = Consent::sample();
    page.app.name = "<img src=x onerror=alert(1)>".to_owned();
    let html = page.render().unwrap();
    assert!(!html.contains("<img src=x"));
    assert_eq!(faults(&html), Vec::<String>::new());
}

#[test]
fn documents_are_offered_to_who_may_open_them() {
    let tab = "/documents\"";
    let html = StaffPatient::sample().render().expect("renders");
    assert!(html.contains(tab), "{html}");
    let html = StaffPatient::sample_off().render().expect("renders");
    assert!(!html.contains(tab), "{html}");
}

#[test]
fn consent_carries_every_scope_it_shows() {
    let page = Consent::sample();
    let html = page.render().unwrap();
    for choice in page.groups.iter().flat_map(|group| &group.scopes) {
        let field = format!("name=\"scope\" value=\"{}\"", choice.scope);
        assert_eq!(html.matches(&field).count(), 1, "{}", choice.scope);
    }
    assert!(html.contains("name=\"decision\" value=\"approve\""));
    assert!(html.contains("name=\"decision\" value=\"deny\""));
}

/// What is wrong with a page, one sentence each.
fn faults(html: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let tags = tags(html);
    let headings = tags.iter().filter(|tag| tag_name(tag) == "h1").count();
    if headings != 1 {
        faults.push(format!("{headings} h1"));
    }
    let ids: Vec<&str> = tags.iter().filter_map(|tag| attribute(tag, "id")).collect();
    let labelled: Vec<&str> = tags
        .iter()
        .filter_map(|tag| attribute(tag, "for"))
        .collect();
    for id in &ids {
        if ids.iter().filter(|other| *other == id).count() > 1 {
            faults.push(format!("id {id} twice"));
        }
    }
    for tag in &tags {
        let hidden = attribute(tag, "type") == Some("hidden");
        if matches!(tag_name(tag), "input" | "select" | "textarea") && !hidden {
            let id = attribute(tag, "id").unwrap_or_default();
            if !labelled.contains(&id) {
                faults.push(format!("no label: <{tag}>"));
            }
        }
        for id in attribute(tag, "aria-describedby")
            .unwrap_or_default()
            .split_whitespace()
        {
            if !ids.contains(&id) {
                faults.push(format!("nothing has the id {id}"));
            }
        }
        if tag_name(tag) == "style" || attribute(tag, "style").is_some() {
            faults.push(format!("inline style: <{tag}>"));
        }
        if tag_name(tag) == "script" && attribute(tag, "src").is_none() {
            faults.push(format!("inline script: <{tag}>"));
        }
        if tag
            .split_whitespace()
            .any(|word| word.starts_with("on") && word.contains("=\""))
        {
            faults.push(format!("inline handler: <{tag}>"));
        }
        for url in [attribute(tag, "src"), attribute(tag, "href")]
            .into_iter()
            .flatten()
        {
            if url.starts_with("/assets/") && !ASSETS.iter().any(|asset| asset.path == url) {
                faults.push(format!("no asset {url}"));
            }
        }
    }
    for form in html.split("<form").skip(1) {
        let body = form.split("</form>").next().unwrap_or_default();
        let opening = body.split('>').next().unwrap_or_default();
        let field = "name=\"csrf\" value=\"";
        let token = body
            .split(field)
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if opening.contains("method=\"post\"") && token.unwrap_or_default().is_empty() {
            faults.push("a form without csrf".to_owned());
        }
    }
    faults
}

/// The inside of every opening tag.
fn tags(html: &str) -> Vec<&str> {
    html.split('<')
        .skip(1)
        .filter(|rest| rest.starts_with(|first: char| first.is_ascii_alphabetic()))
        .filter_map(|rest| rest.split('>').next())
        .collect()
}

fn tag_name(tag: &str) -> &str {
    tag.split_whitespace().next().unwrap_or_default()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let start = format!(" {name}=\"");
    tag.split_once(&start)?.1.split('"').next()
}
