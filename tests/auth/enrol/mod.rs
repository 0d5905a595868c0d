//! Somebody new registers: the letter, the wizard, the chart, staff, and the first login.

use anteroom::auth::links;
use anteroom::config::accounts::Switch;
use anteroom::config::notify::Transport;
use anteroom::store::expiry;
use axum::body::Body;
use axum::http::Request;
use axum::http::StatusCode;
use serde_json::Value;
use time::Duration;

use crate::auth::staff::at_the_desk;
use crate::auth::staff::change;
use crate::auth::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::clinic::browser::Browser;
use crate::clinic::browser::authorization;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

const PASSWORD: &str = "Lantern-harbor-2026";

const PERSON: [(&str, &str); 6] = [
    ("language", "es"),
    ("first_name", "Zoë"),
    ("middle_name", "R."),
    ("last_name", "Quill & Sons"),
    ("birth_date", "03/04/1991"),
    ("email", "zoe.quill@mail.example"),
];

const PROFILE: [(&str, &str); 8] = [
    ("sex", "female"),
    ("street", "1 <b>Elm</b> Street"),
    ("street_line_2", "Apt 2"),
    ("city", "Gloucester"),
    ("state", "MA"),
    ("postal_code", "01930"),
    ("phone_home", "978-555-0190"),
    ("phone_cell", ""),
];

/// How many rows fit.
macro_rules! count {
    ($clinic:expr, $rest:literal) => {
        $clinic
            .look(concat!(
                "SELECT CAST(COUNT(*) AS CHAR) AS text FROM ",
                $rest
            ))
            .await
    };
}

mod decided;

/// A text with some of its pairs replaced.
fn with<'t>(pairs: &[(&'t str, &'t str)], other: &[(&'t str, &'t str)]) -> Vec<(&'t str, &'t str)> {
    let kept = pairs
        .iter()
        .filter(|(name, _)| other.iter().all(|(known, _)| known != name));
    kept.chain(other).copied().collect()
}

/// SQLite, and each layout on MariaDB where there is a server.
async fn everywhere(change: fn(&mut anteroom::config::Config)) -> Vec<Clinic> {
    let mut all = vec![Clinic::with(change).await];
    for layout in LAYOUTS {
        all.extend(Clinic::on_mariadb_with(layout, change).await);
    }
    all
}

/// The first form; where it leads.
async fn begin(browser: &mut Browser<'_>, person: &[(&str, &str)]) -> Answer {
    let form = browser.get("/register").await;
    browser.submit(&form, person).await
}

/// The address of the link in the last letter of a kind.
async fn link(clinic: &Clinic, sql: &'static str) -> String {
    let hex = clinic.look(sql).await;
    assert_eq!(hex.len(), 32, "no link: {hex}");
    let id = uuid::Uuid::parse_str(&hex).expect("an id");
    format!("/register/{}", links::token(&clinic.app.keys, id))
}

const VERIFY: &str = "SELECT HEX(link) AS text FROM anteroom_outbox WHERE letter = 'verify-email' ORDER BY id DESC LIMIT 1";

/// The first form and the link of its letter.
async fn begun(clinic: &Clinic, browser: &mut Browser<'_>, person: &[(&str, &str)]) -> String {
    let sent = begin(browser, person).await;
    assert_eq!(sent.header("location"), "/register/sent", "{}", sent.text());
    link(clinic, VERIFY).await
}

/// Sends the form of a page and follows.
async fn go_on(browser: &mut Browser<'_>, page: &Answer, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.submit(page, fields).await;
    browser.follow(answer).await
}

/// The wizard up to its last page.
async fn filled(browser: &mut Browser<'_>, place: &str, wish: &str) -> Answer {
    let page = browser.get(place).await;
    let page = go_on(browser, &page, &PROFILE).await;
    assert!(page.text().contains("Policy number"), "{}", page.text());
    let insurer = option(&page, "Commonwealth Harbor Health Plan");
    let insurance = [
        ("insurer", insurer.as_str()),
        ("policy_number", "P&1"),
        ("relationship", "child"),
        ("subscriber_first", "Jo"),
        ("subscriber_last", "Quill"),
    ];
    let page = go_on(browser, &page, &insurance).await;
    let provider = option(&page, "Donna Lee");
    let fields = [("provider", provider.as_str()), ("wish", wish)];
    let page = go_on(browser, &page, &fields).await;
    assert!(
        page.text().contains("Send to the practice"),
        "{}",
        page.text()
    );
    page
}

/// The value of a choice with these words; empty where there is none.
fn option(page: &Answer, words: &str) -> String {
    let html = page.text();
    let before = html
        .split(words)
        .next()
        .filter(|before| before.len() < html.len());
    let value = before.and_then(|before| before.rsplit("value=\"").next());
    value
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

/// The whole way to the page behind the wizard.
async fn sent_in(clinic: &Clinic, browser: &mut Browser<'_>, person: &[(&str, &str)]) -> Answer {
    let place = begun(clinic, browser, person).await;
    let check = filled(browser, &place, "").await;
    go_on(browser, &check, &[]).await
}

#[tokio::test]
async fn f107_the_form_has_the_readers_language_chosen() {
    let clinic = Clinic::open().await;
    for (tag, chosen) in [("es", "es"), ("en", "en"), ("fr", "en")] {
        let request = Request::get("/register").header("accept-language", tag);
        let page = clinic
            .send(request.body(Body::empty()).expect("a request"))
            .await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.text());
        let option = format!("<option value=\"{chosen}\" selected>");
        assert!(page.text().contains(&option), "{tag}: {}", page.text());
        assert_eq!(page.text().matches(" selected>").count(), 1, "{tag}");
    }
    clinic.close().await;
}

#[tokio::test]
async fn f028_f029_f108_f109_f110_f113_to_f118_g11_from_the_form_to_a_chart_and_a_login() {
    for clinic in everywhere(|_| {}).await {
        let charts = count!(clinic, "patient_data");
        let mut browser = clinic.browser();
        let login = browser.start(&authorization(EVERYTHING)).await;
        assert!(login.text().contains("href=\"/register\""), "F107");
        let place = begun(&clinic, &mut browser, &PERSON).await;
        assert_eq!(count!(clinic, "patient_data"), charts, "nothing yet");
        let letter = "SELECT CONCAT_WS(' ', address, language, told) AS text FROM anteroom_outbox";
        let told = clinic.look(letter).await;
        assert_eq!(told, "zoe.quill@mail.example es {\"hours\":1}");

        let first = browser.get(&place).await;
        assert!(first.text().contains("Zoë R. Quill"), "{}", first.text());
        assert!(first.text().contains("1991-03-04"));
        assert!(!first.text().contains("name=\"email\""), "it is fixed");
        let wish = "Mondays, <script>alert(1)</script> please";
        let check = filled(&mut browser, &place, wish).await;
        assert!(check.text().contains("Donna Lee"));
        assert!(!check.text().contains("<script>"), "case 173");
        let done = go_on(&mut browser, &check, &[]).await;
        assert!(done.text().contains("Choose your login"), "{}", done.text());

        // The chart, as the layout can hold it.
        let chart = "SELECT CONCAT_WS('|', fname, mname, lname, DOB, sex, city, state, postal_code, phone_home, email, \
            hipaa_allowemail, allow_patient_portal, language) AS text FROM patient_data ORDER BY pid DESC LIMIT 1";
        assert_eq!(
            clinic.look(chart).await,
            "Zoë|R.|Quill & Sons|1991-03-04|Female|Gloucester|MA|01930|978-555-0190|zoe.quill@mail.example|YES|YES|Spanish"
        );
        let street = "SELECT street AS text FROM patient_data ORDER BY pid DESC LIMIT 1";
        let street = clinic.look(street).await;
        assert!(street.starts_with("1 <b>Elm</b> Street"), "{street}");
        let registered = count!(
            clinic,
            "patient_data p JOIN uuid_registry r ON r.uuid = p.uuid WHERE r.table_name = 'patient_data' \
             AND p.email = 'zoe.quill@mail.example' AND p.pubpid = CAST(p.pid AS CHAR)"
        );
        assert_eq!(registered, "1");
        let provider = "SELECT u.username AS text FROM patient_data p JOIN users u ON u.id = p.providerID \
            ORDER BY p.pid DESC LIMIT 1";
        assert_eq!(clinic.look(provider).await, "dlee");
        let insurance = "SELECT CONCAT_WS('|', d.type, d.provider, d.policy_number, d.subscriber_relationship, \
            d.subscriber_fname, d.subscriber_lname) AS text FROM insurance_data d JOIN patient_data p ON p.pid = d.pid \
            WHERE p.email = 'zoe.quill@mail.example'";
        assert_eq!(clinic.look(insurance).await, "primary|1|P&1|child|Jo|Quill");
        let notes = "SELECT GROUP_CONCAT(n.title) AS text FROM (SELECT title FROM pnotes WHERE assigned_to = 'dlee' \
            AND title IN ('New Patient', 'New Appointment') ORDER BY id) n";
        assert_eq!(clinic.look(notes).await, "New Patient,New Appointment");
        let body = clinic
            .look("SELECT body AS text FROM pnotes WHERE title = 'New Appointment'")
            .await;
        assert!(body.contains(wish), "as text: {body}");
        assert!(body.contains("(portal-user to dlee)"), "{body}");

        // Staff see it: the count, the Task, the page.
        let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
        assert!(desk.text().contains("/staff/registrations"));
        let token = token(&clinic, Some("nhaddad"), None, "user/*.cruds").await;
        let path = "/fhir/Task?code=registration-review&status=requested";
        let found = clinic.get(path, &token).await.json();
        assert_eq!(found["total"], 1, "{found}");
        let task = &found["entry"][0]["resource"];
        let focus = task["focus"]["reference"].as_str().unwrap_or_default();
        assert!(focus.starts_with("Patient/"), "{task}");
        let description = task["description"].as_str().unwrap_or_default();
        assert!(description.starts_with("New patient portal user"));
        let list = manager.get("/staff/registrations").await;
        assert!(list.text().contains("Let in by e-mail"), "{}", list.text());
        assert!(!list.text().contains("<script>alert"), "case 173");

        // The login; nobody else's password was ever there (F046, F110).
        assert_eq!(
            count!(
                clinic,
                "patient_access_onsite a JOIN patient_data p ON p.pid = a.pid \
            WHERE p.email = 'zoe.quill@mail.example'"
            ),
            "0"
        );
        let weak = [
            ("username", "zoe.quill"),
            ("new_password", "short"),
            ("new_password_again", "other"),
        ];
        let again = go_on(&mut browser, &done, &weak).await;
        assert!(again.text().contains("The two passwords are not the same."));
        let taken = [
            ("username", "Maria.Delgado"),
            ("new_password", PASSWORD),
            ("new_password_again", PASSWORD),
        ];
        let again = go_on(&mut browser, &again, &taken).await;
        assert!(again.text().contains("Somebody else has this username"));
        let good = [
            ("username", "zoe.quill"),
            ("new_password", PASSWORD),
            ("new_password_again", PASSWORD),
        ];
        let ready = go_on(&mut browser, &again, &good).await;
        assert!(
            ready.text().contains("You are registered"),
            "{}",
            ready.text()
        );
        let form = browser.start(&authorization(EVERYTHING)).await;
        let fields = [("username", "zoe.quill"), ("password", PASSWORD)];
        let consent = go_on(&mut browser, &form, &fields).await;
        assert!(consent.text().contains("decision"), "{}", consent.text());
        let links = count!(
            clinic,
            "anteroom_link WHERE purpose = 'invite' AND ended IS NULL AND used IS NULL"
        );
        assert_eq!(links, "0", "the link of the welcome is dead");
        let ledger = "SELECT GROUP_CONCAT(a.action) AS text FROM (SELECT action FROM anteroom_audit WHERE action LIKE \
            'register.%' OR action = 'credentials.choose' ORDER BY id) a";
        assert_eq!(
            clinic.look(ledger).await,
            "register.begin,register.submit,credentials.choose"
        );
        clinic.close().await;
    }
}

#[tokio::test]
async fn case_87_f035_the_page_is_one_whatever_is_known_and_the_owner_is_told() {
    let clinic = Clinic::open().await;
    change(
        &clinic,
        "UPDATE patient_data SET hipaa_allowemail = 'YES' WHERE pid = 1",
    )
    .await;
    let maria = [
        ("language", "en"),
        ("first_name", "maria"),
        ("last_name", "DELGADO"),
        ("birth_date", "1984-02-29"),
    ];
    let daughter = [("first_name", "Luz"), ("birth_date", "2015-05-05")];
    let own = ("email", "Maria.Delgado@example.com");
    let strange = ("email", "eve@evil.example");
    // Who registers, and the letters that go out: kind and address.
    let cases: [(Vec<(&str, &str)>, &str); 4] = [
        (PERSON.to_vec(), "verify-email zoe.quill@mail.example"),
        (
            with(&maria, &[own]),
            "already-known Maria.Delgado@example.com",
        ),
        (
            with(&maria, &[strange]),
            "verify-email eve@evil.example,already-known maria.delgado@example.com",
        ),
        // A family's mailbox: complaint 41, F035.
        (
            with(&with(&maria, &daughter), &[own]),
            "verify-email Maria.Delgado@example.com",
        ),
    ];
    let mut pages = Vec::new();
    for (person, letters) in cases {
        change(&clinic, "DELETE FROM anteroom_outbox").await;
        let mut browser = clinic.browser();
        let answer = begin(&mut browser, &person).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let page = browser.follow(answer).await;
        pages.push((page.status, page.text()));
        let sent = clinic
            .look(
                "SELECT GROUP_CONCAT(o.line) AS text FROM (SELECT CONCAT_WS(' ', letter, address) AS line \
                 FROM anteroom_outbox ORDER BY id) o",
            )
            .await;
        assert_eq!(sent, letters);
    }
    assert!(pages.iter().all(|page| *page == pages[0]));
    clinic.close().await;
}

#[tokio::test]
async fn case_93_letters_to_one_mailbox_and_forms_from_one_network_are_limited() {
    let clinic = Clinic::open().await;
    for _ in 0..5 {
        let sent = begin(&mut clinic.browser(), &PERSON).await;
        assert_eq!(sent.header("location"), "/register/sent");
    }
    assert_eq!(count!(clinic, "anteroom_outbox"), "3");
    let mut last = StatusCode::SEE_OTHER;
    for number in 0..16 {
        let email = format!("x{number}@mail.example");
        let person = with(&PERSON, &[("email", email.as_str())]);
        last = begin(&mut clinic.browser(), &person).await.status;
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(count!(clinic, "anteroom_outbox"), "18");
    clinic.wait(Duration::hours(1));
    begun(&clinic, &mut clinic.browser(), &PERSON).await;
    clinic.close().await;
}

#[tokio::test]
async fn case_94_f030_looking_spoils_nothing_and_what_is_never_opened_ends() {
    let clinic = Clinic::open().await;
    let charts = count!(clinic, "patient_data");
    let mut browser = clinic.browser();
    let place = begun(&clinic, &mut browser, &PERSON).await;
    for round in 0..20 {
        let mut scanner = clinic.browser();
        let request = match round % 2 {
            0 => Request::head(&place),
            _ => Request::get(&place).header("sec-purpose", "prefetch"),
        };
        let looked = scanner.send(request, Body::empty()).await;
        assert_eq!(looked.status, StatusCode::OK);
    }
    // Another browser opens it, and does not see what this one typed.
    let page = browser.get(&place).await;
    let next = go_on(&mut browser, &page, &PROFILE).await;
    assert!(next.text().contains("Policy number"));
    let mut other = clinic.browser();
    let shown = other.get(&place).await;
    assert!(shown.text().contains("Zoë"));
    assert!(!shown.text().contains("978-555-0190"));
    let behind = other.get(&format!("{place}/check")).await;
    assert_eq!(behind.status, StatusCode::SEE_OTHER);
    // After the hour the letter opens nothing; the browser that began goes on, until a day is over.
    clinic.wait(Duration::minutes(61));
    assert_eq!(other.get(&place).await.status, StatusCode::NOT_FOUND);
    let kept = browser.get(&place).await;
    assert!(
        kept.text().contains("978-555-0190"),
        "back keeps what was typed"
    );
    clinic.wait(Duration::hours(23));
    assert_eq!(browser.get(&place).await.status, StatusCode::NOT_FOUND);
    assert_eq!(count!(clinic, "anteroom_registration"), "1");
    clinic.wait(Duration::hours(2));
    let now = clinic.app.emr.now().unix_timestamp();
    expiry::sweep(&clinic.app.emr.db, now)
        .await
        .expect("sweeps");
    assert_eq!(count!(clinic, "anteroom_registration"), "0");
    assert_eq!(count!(clinic, "patient_data"), charts);
    clinic.close().await;
}

#[tokio::test]
async fn case_112_case_116_what_is_not_asked_is_dropped_and_nothing_else_opens() {
    let clinic = Clinic::open().await;
    let mut browser = clinic.browser();
    let place = begun(&clinic, &mut browser, &PERSON).await;
    let page = browser.get(&place).await;
    let more = [
        ("email", "eve@evil.example"),
        ("first_name", "Eve"),
        ("birth_date", "2000-01-01"),
        ("allow_patient_portal", "YES"),
        ("email_verified", "true"),
        ("role", "staff"),
        ("pid", "1"),
        ("provider", "1"),
    ];
    go_on(&mut browser, &page, &with(&PROFILE, &more)).await;
    let kept = clinic
        .look("SELECT fields AS text FROM anteroom_registration")
        .await;
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(kept["email"], "zoe.quill@mail.example");
    assert_eq!(kept["first_name"], "Zoë");
    for name in [
        "allow_patient_portal",
        "email_verified",
        "role",
        "pid",
        "provider",
    ] {
        assert!(kept.get(name).is_none(), "{name}");
    }
    // Registering opens no session.
    for path in ["/account", "/account/apps"] {
        let answer = browser.get(path).await;
        assert!(answer.header("location").starts_with("/login?"), "{path}");
    }
    // Forms from elsewhere, and a link that never was.
    let mut stranger = clinic.browser();
    let foreign = stranger.post(&format!("{place}/profile"), &[]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    let never = browser.get("/register/al_nothing").await;
    assert_eq!(never.status, StatusCode::NOT_FOUND);
    let odd = browser.get(&format!("{place}/../staff")).await;
    assert_ne!(odd.status, StatusCode::OK);
    clinic.close().await;
}

#[tokio::test]
async fn f048_f106_f107_where_it_is_not_offered_nothing_leads_there_and_the_page_says_whom_to_call()
{
    type Off = fn(&mut anteroom::config::Config);
    let all: [Off; 3] = [
        |config| config.accounts.self_register = Switch::Off,
        // OpenEMR's own setting, which the sandbox leaves as it comes: off.
        |config| config.accounts.self_register = Switch::OpenEmr,
        |config| config.notify.transport = Transport::Off,
    ];
    for off in all {
        let clinic = Clinic::with(off).await;
        let mut browser = clinic.browser();
        let page = browser.get("/register").await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
        assert!(page.text().contains("call the practice"), "{}", page.text());
        let login = browser.start(&authorization(EVERYTHING)).await;
        assert!(!login.text().contains("href=\"/register\""));
        let fields = [("csrf", csrf(&login))];
        let posted = browser.post("/register", &fields).await;
        assert_eq!(posted.status, StatusCode::NOT_FOUND);
        assert_eq!(count!(clinic, "anteroom_registration"), "0");
        clinic.close().await;
    }
}
