//! Visits without an app: the patient's pages and the desk's, through to OpenEMR's own rows (portal rules F121 to F129, F138).

mod odd;

use anteroom::demo::manifest::PatientLogin;
use axum::http::StatusCode;
use time::Duration;

use super::mailbox::own_page;
use super::mailbox::run;
use super::staff::at_the_desk;
use super::staff::csrf;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::browser::Browser;

const HERE: &str = "/account/visits";

/// The row of the newest visit, as OpenEMR's screens see it.
const ROW: &str = "SELECT CONCAT_WS('|', pc_apptstatus, pc_catid, pc_title, pc_hometext, pc_duration, pc_eventstatus) AS text \
    FROM openemr_postcalendar_events ORDER BY pc_eid DESC";

const HELD: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_hold";

/// The value of the first attribute behind a mark in a page.
fn after(html: &str, mark: &str) -> String {
    let rest = html.split(mark).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    let value = value.unwrap_or_else(|| panic!("no {mark} in {html}"));
    value.replace("&#38;", "&")
}

fn every(html: &str, mark: &str) -> Vec<String> {
    let parts = html.split(mark).skip(1);
    parts
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// The part of a page that is about one visit: what `words` stand in.
fn card(html: &str, words: &str) -> String {
    let cards = html.split("<article").skip(1);
    let found = cards
        .filter_map(|one| one.split("</article>").next())
        .find(|one| one.contains(words));
    found
        .unwrap_or_else(|| panic!("no visit with {words} in {html}"))
        .to_owned()
}

fn login(patient: &PatientLogin) -> (&str, &str) {
    (patient.username.as_str(), patient.password.as_str())
}

/// A browser in which a patient stands before the visits.
async fn at_home<'c>(clinic: &'c Clinic, patient: &PatientLogin) -> (Browser<'c>, Answer) {
    let mut browser = clinic.browser();
    let page = own_page(&mut browser, login(patient), HERE).await;
    (browser, page)
}

/// Goes through the steps to the week of a provider; the page.
async fn week(browser: &mut Browser<'_>, with: &str) -> Answer {
    let kinds = browser.get(&format!("{HERE}/new")).await.text();
    assert!(kinds.contains("Office Visit"), "{kinds}");
    let kind = after(&kinds, "<h3><a href=\"");
    assert!(kind.contains("kind="), "{kind}");
    let kind = format!("{HERE}/new?kind=office_visit");
    let providers = browser.get(&kind).await.text();
    let row = providers
        .split("<li")
        .find(|row| row.contains(&format!(">{with}<")))
        .unwrap_or_else(|| panic!("no {with} in {providers}"));
    browser.get(&after(row, "href=\"")).await
}

/// Presses a time of a week.
async fn hold(browser: &mut Browser<'_>, (page, slot): (&Answer, &str), instead: &str) -> Answer {
    let html = page.text();
    let mut fields = vec![("csrf", csrf(page)), ("slot", slot.to_owned())];
    for name in ["kind", "provider", "from"] {
        let value = after(&html, &format!("name=\"{name}\" value=\""));
        fields.push((name, value));
    }
    fields.push(("instead", instead.to_owned()));
    browser.post(&format!("{HERE}/hold"), &fields).await
}

/// Asks for what is held.
async fn ask(browser: &mut Browser<'_>, held: Answer, more: &[(&'static str, &str)]) -> Answer {
    assert_eq!(held.status, StatusCode::SEE_OTHER, "{}", held.text());
    let page = browser.follow(held).await;
    let html = page.text();
    assert!(html.contains("Held for you until"), "{html}");
    let mut fields = vec![
        ("csrf", csrf(&page)),
        ("slot", after(&html, "name=\"slot\" value=\"")),
    ];
    if html.contains("name=\"instead\"") {
        fields.push(("instead", after(&html, "name=\"instead\" value=\"")));
    }
    fields.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
    browser.post(&format!("{HERE}/ask"), &fields).await
}

/// The last free time of a week: one that may still be called off, for which the practice wants a day's notice.
fn last(html: &str) -> String {
    every(html, "name=\"slot\" value=\"").pop().expect("a time")
}

/// Asks for a free time with a reason, all the way.
async fn asked(browser: &mut Browser<'_>, reason: &str) {
    let page = week(browser, "Donna Lee").await;
    let held = hold(browser, (&page, &last(&page.text())), "").await;
    let done = ask(browser, held, &[("reason", reason)]).await;
    assert_eq!(done.header("location"), format!("{HERE}?done=asked"));
}

/// Presses a button of a patient's visit.
async fn press(
    browser: &mut Browser<'_>,
    (page, words): (&Answer, &str),
    decision: &str,
    reason: &str,
) -> Answer {
    let card = card(&page.text(), words);
    let id = after(&card, "id=\"visit-");
    let fields = [
        ("csrf", csrf(page)),
        ("seen", after(&card, "name=\"seen\" value=\"")),
        ("decision", decision.to_owned()),
        ("reason", reason.to_owned()),
    ];
    browser.post(&format!("{HERE}/{id}"), &fields).await
}

/// Presses a button of a request at the desk.
async fn answer(
    browser: &mut Browser<'_>,
    (page, words): (&Answer, &str),
    decision: &str,
    more: &[(&'static str, &str)],
) -> Answer {
    let card = card(&page.text(), words);
    let mut fields = vec![
        ("csrf", csrf(page)),
        ("id", after(&card, "id=\"visit-")),
        ("seen", after(&card, "name=\"seen\" value=\"")),
        ("decision", decision.to_owned()),
    ];
    fields.extend(more.iter().map(|(name, text)| (*name, (*text).to_owned())));
    browser.post("/staff/visits", &fields).await
}

async fn the_whole_way(clinic: Clinic) {
    let maria = clinic.patient("active");
    let (mut home, _) = at_home(&clinic, maria).await;
    let before = clinic.look(ROW).await;
    let page = week(&mut home, "Donna Lee").await;
    let html = page.text();
    assert!(html.contains("America/New_York"), "{html}");
    let held = hold(&mut home, (&page, &last(&html)), "").await;
    assert_eq!(clinic.look(HELD).await, "1");
    assert_eq!(clinic.look(ROW).await, before, "OpenEMR knows nothing yet");
    let list = home.get(HERE).await.text();
    assert!(list.contains("Held for you until"), "{list}");
    let done = ask(&mut home, held, &[("reason", "Cough & cold")]).await;
    let place = done.header("location").to_owned();
    assert_eq!(place, format!("{HERE}?done=asked"), "{}", done.text());
    let row = clinic.look(ROW).await;
    assert_eq!(row, "^|5|Office Visit|Cough & cold|900|1", "F121, F124");
    assert_eq!(clinic.look(HELD).await, "0");
    let list = home.follow(done).await;
    let mine = card(&list.text(), "Cough &#38; cold");
    assert!(mine.contains("Waits for the practice"), "{mine}");
    let id = after(&mine, "id=\"visit-");
    let file = home.get(&format!("{HERE}/{id}.ics")).await;
    assert_eq!(file.header("content-type"), "text/calendar; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment"));
    assert!(file.text().contains("STATUS:TENTATIVE"), "F138");

    // One click, and OpenEMR's row says so.
    let (mut desk, tiles) = at_the_desk(&clinic, "nhaddad").await;
    assert!(tiles.text().contains("/staff/visits"), "{}", tiles.text());
    let requests = desk.get("/staff/visits").await;
    let words = "Cough &#38; cold";
    let done = answer(&mut desk, (&requests, words), "confirm", &[]).await;
    let place = done.header("location").to_owned();
    assert_eq!(place, "/staff/visits?done=confirm", "{}", done.text());
    assert!(clinic.look(ROW).await.starts_with("-|5|"), "F129");
    let late = answer(&mut desk, (&requests, words), "confirm", &[]).await;
    assert_eq!(late.header("location"), "/staff/visits?done=too-late");
    assert!(desk.follow(late).await.text().contains("Somebody else was"));

    // What the page of before would do is not done to what the visit is now.
    let stale = press(&mut home, (&list, words), "cancel", "Travel").await;
    assert_eq!(
        stale.header("location"),
        format!("{HERE}?done=changed"),
        "{}",
        stale.text()
    );
    let list = home.follow(stale).await;
    assert!(card(&list.text(), words).contains("Booked"));
    let file = home.get(&format!("{HERE}/{id}.ics")).await.text();
    assert!(file.contains("STATUS:CONFIRMED"), "F138: {file}");
    let done = press(&mut home, (&list, words), "cancel", "Travel").await;
    assert_eq!(done.header("location"), format!("{HERE}?done=cancel"));
    let row = clinic.look(ROW).await;
    assert!(row.starts_with("x|5|"), "F127: {row}");
    assert!(row.contains("Cancelled by patient: Travel"), "F128: {row}");
    let list = home.follow(done).await.text();
    let mine = card(&list, words);
    assert!(mine.contains("Cancelled") && mine.contains("<dd>Travel</dd>"));
    assert!(!mine.contains("<form"), "{mine}");
    clinic.close().await;
}

#[tokio::test]
async fn f121_f124_f127_f138_a_visit_is_asked_for_confirmed_filed_and_cancelled_on_the_pages() {
    the_whole_way(Clinic::open().await).await;
}

#[tokio::test]
async fn f121_f124_f127_the_pages_book_on_mariadb_too() {
    if let Some(clinic) = Clinic::on_mariadb("7.0.4").await {
        the_whole_way(clinic).await;
    }
}

#[tokio::test]
async fn f129_a_request_is_declined_with_a_reason_the_patient_reads() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    asked(&mut home, "Sore throat").await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let requests = desk.get("/staff/visits").await;
    let one = (&requests, "Sore throat");
    let refused = answer(&mut desk, one, "decline", &[("reason", " ")]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    let html = refused.text();
    assert!(html.contains("Say why, for the patient to read."), "{html}");
    assert!(card(&html, "Sore throat").contains("<details class=\"fold\" open>"));
    let reason = [("reason", "Dr. Lee is on leave")];
    let done = answer(&mut desk, one, "decline", &reason).await;
    assert_eq!(done.header("location"), "/staff/visits?done=decline");
    assert!(clinic.look(ROW).await.starts_with("x|5|"));
    let mine = card(&home.get(HERE).await.text(), "Sore throat");
    assert!(mine.contains("The practice says"), "{mine}");
    assert!(mine.contains("<dd>Dr. Lee is on leave</dd>"), "{mine}");
    clinic.close().await;
}

#[tokio::test]
async fn f125_f129_another_time_is_proposed_and_the_patient_agrees() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    asked(&mut home, "Sore throat").await;
    let when = "SELECT CONCAT(pc_eventDate, ' ', pc_startTime, ' ', pc_apptstatus) AS text FROM openemr_postcalendar_events ORDER BY pc_eid DESC";
    let before = clinic.look(when).await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let requests = desk.get("/staff/visits").await;
    let one = (&requests, "Sore throat");
    let none = answer(&mut desk, one, "propose", &[]).await;
    assert_eq!(none.status, StatusCode::BAD_REQUEST);
    assert!(none.text().contains("Choose a time."), "{}", none.text());
    let gone = [("when", "2020-01-06T09:00")];
    let past = answer(&mut desk, one, "propose", &gone).await;
    assert!(past.text().contains("This time has passed."));
    let offered = card(&requests.text(), "Sore throat");
    let options = every(&offered, "<option value=\"");
    let slot = [("slot", options[3].as_str())];
    let done = answer(&mut desk, one, "propose", &slot).await;
    assert_eq!(
        done.header("location"),
        "/staff/visits?done=propose",
        "{}",
        done.text()
    );
    let moved = clinic.look(when).await;
    assert!(moved != before && moved.ends_with('^'), "{before} {moved}");
    let requests = desk.follow(done).await.text();
    assert!(card(&requests, "Sore throat").contains("Waits for the patient"));
    let account = home.get("/account").await.text();
    assert!(account.contains("Your answer is wanted"), "{account}");

    let list = home.get(HERE).await;
    let done = press(&mut home, (&list, "Sore throat"), "agree", "").await;
    assert_eq!(
        done.header("location"),
        format!("{HERE}?done=agree"),
        "{}",
        done.text()
    );
    let agreed = clinic.look(when).await;
    assert_eq!(agreed.replace('-', ""), moved.replace(['-', '^'], ""));
    // Nobody agrees to what nobody proposed.
    let waiting = home.get(HERE).await;
    asked(&mut home, "Another one").await;
    let list = home.get(HERE).await;
    let forced = press(&mut home, (&list, "Another one"), "agree", "").await;
    assert!(forced.status.is_client_error(), "{}", forced.text());
    assert!(waiting.text().contains("Booked"));
    clinic.close().await;
}

#[tokio::test]
async fn f121_a_time_somebody_else_took_is_told_with_the_next_free_ones() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, other) = (active.next().expect("one"), active.next().expect("two"));
    let (mut first, _) = at_home(&clinic, maria).await;
    let (mut second, _) = at_home(&clinic, other).await;
    let page = week(&mut first, "Donna Lee").await;
    let theirs = week(&mut second, "Donna Lee").await;
    let slot = after(&page.text(), "name=\"slot\" value=\"");
    let held = hold(&mut first, (&page, &slot), "").await;
    let late = hold(&mut second, (&theirs, &slot), "").await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
    let html = late.text();
    assert!(html.contains("This time is taken. Next free: 20"), "{html}");
    assert!(html.contains("Donna Lee") && html.contains("Office Visit"));
    assert!(!every(&html, "name=\"slot\" value=\"").contains(&slot));
    // Whoever waits too long may have lost it; what was typed is still there.
    let question = second.get(&format!("{HERE}/ask?slot={slot}")).await;
    assert!(question.text().contains("not held for you"));
    ask(&mut first, held, &[]).await;
    let fields = [
        ("csrf", csrf(&question)),
        ("slot", slot.clone()),
        ("reason", "My knee".to_owned()),
    ];
    let lost = second.post(&format!("{HERE}/ask"), &fields).await;
    assert_eq!(lost.status, StatusCode::CONFLICT, "{}", lost.text());
    assert!(lost.text().contains("Next free: 20"), "{}", lost.text());
    assert!(lost.text().contains(">My knee</textarea>"));
    clinic.close().await;
}

#[tokio::test]
async fn f121_f127_a_visit_is_moved_in_one_step_and_a_call_can_be_asked_for() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    asked(&mut home, "Back pain").await;
    let list = home.get(HERE).await.text();
    let mine = card(&list, "Back pain");
    let id = after(&mine, "id=\"visit-");
    let moving = format!("href=\"{HERE}/new");
    let rest = after(&mine, &moving);
    let page = home.get(&format!("{HERE}/new{rest}")).await;
    assert!(page.text().contains("Move your visit"), "{}", page.text());
    let slots = every(&page.text(), "name=\"slot\" value=\"");
    let held = hold(&mut home, (&page, &slots[2]), &id).await;
    let done = ask(&mut home, held, &[("reason", "Back pain, later")]).await;
    assert_eq!(
        done.header("location"),
        format!("{HERE}?done=moved"),
        "{}",
        done.text()
    );
    let both = "SELECT GROUP_CONCAT(CONCAT(pc_apptstatus, ' ', pc_hometext)) AS text FROM openemr_postcalendar_events WHERE pc_hometext LIKE 'Back pain%'";
    let rows = clinic.look(both).await;
    assert!(
        rows.contains("x Back pain") && rows.contains("^ Back pain, later"),
        "{rows}"
    );
    let page = week(&mut home, "Donna Lee").await;
    let slot = after(&page.text(), "name=\"slot\" value=\"");
    let held = hold(&mut home, (&page, &slot), "").await;
    let fields = [("call", "true"), ("reason", "Not sure")];
    let done = ask(&mut home, held, &fields).await;
    assert_eq!(
        done.header("location"),
        format!("{HERE}?done=call"),
        "{}",
        done.text()
    );
    assert!(clinic.look(ROW).await.starts_with("CALL|5|"));
    clinic.close().await;
}

#[tokio::test]
async fn f127_nobody_sees_moves_or_cancels_the_visit_of_another() {
    let clinic = Clinic::open().await;
    let mut active = clinic.patients("active");
    let (maria, other) = (active.next().expect("one"), active.next().expect("two"));
    let (mut home, _) = at_home(&clinic, maria).await;
    asked(&mut home, "Mine alone").await;
    let id = after(
        &card(&home.get(HERE).await.text(), "Mine alone"),
        "id=\"visit-",
    );
    let (mut thief, page) = at_home(&clinic, other).await;
    assert!(!page.text().contains("Mine alone"));
    for path in [
        format!("{HERE}/{id}.ics"),
        format!("{HERE}/{id}"),
        format!("{HERE}/new?instead={id}"),
        format!("{HERE}/none.ics"),
    ] {
        let answer = thief.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    let week = week(&mut thief, "Donna Lee").await;
    let token = csrf(&week);
    let slot = after(&week.text(), "name=\"slot\" value=\"");
    let cancel = [("csrf", token.clone()), ("decision", "cancel".to_owned())];
    let answer = thief.post(&format!("{HERE}/{id}"), &cancel).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    let moved = [
        ("csrf", token.clone()),
        ("slot", slot.clone()),
        ("instead", id.clone()),
    ];
    let answer = thief.post(&format!("{HERE}/ask"), &moved).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND, "{}", answer.text());
    assert!(clinic.look(ROW).await.starts_with("^|5|"));

    // A form from elsewhere does nothing, and neither does a GET.
    for (path, decision) in [
        (format!("{HERE}/{id}"), "cancel"),
        (format!("{HERE}/hold"), ""),
        (format!("{HERE}/ask"), ""),
        ("/staff/visits".to_owned(), "confirm"),
    ] {
        let forged = [
            ("csrf", "made-up".to_owned()),
            ("id", id.clone()),
            ("slot", slot.clone()),
            ("decision", decision.to_owned()),
        ];
        let answer = home.post(&path, &forged).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    home.get(&format!("{HERE}/{id}?decision=cancel")).await;
    home.get(&format!("{HERE}/ask?slot={slot}&reason=x")).await;
    assert!(clinic.look(ROW).await.starts_with("^|5|"));
    assert_eq!(clinic.look(HELD).await, "0");
    clinic.close().await;
}

#[tokio::test]
async fn f127_f128_a_refused_cancellation_says_why_and_keeps_what_was_typed() {
    let clinic = Clinic::with(|config| config.cancel_notice = Duration::days(300)).await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    asked(&mut home, "Sore throat").await;
    let list = home.get(HERE).await;
    let refused = press(&mut home, (&list, "Sore throat"), "cancel", "I travel").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mine = card(&refused.text(), "Sore throat");
    assert!(mine.contains("7200 hours&#39; notice"), "{mine}");
    assert!(mine.contains(">I travel</textarea>"), "{mine}");
    let spanish = home.get(&format!("{HERE}?lang=es")).await.text();
    assert!(spanish.contains("Espera al consultorio"), "{spanish}");
    assert!(!spanish.contains("Waits for"), "{spanish}");
    clinic.close().await;
}

#[tokio::test]
async fn f126_where_the_practice_offers_no_appointments_the_pages_say_so() {
    let clinic = Clinic::open().await;
    let (mut home, page) = at_home(&clinic, clinic.patient("active")).await;
    assert!(page.text().contains("Ask for a visit"));
    let open = week(&mut home, "Donna Lee").await;
    run(
        &clinic,
        "UPDATE globals SET gl_value = '0' WHERE gl_name = 'allow_portal_appointments'",
    )
    .await;
    let words = "The practice does not take requests for visits online.";
    for path in [HERE.to_owned(), format!("{HERE}/new")] {
        let page = home.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        let html = page.text();
        assert!(html.contains(words), "{html}");
        let main = html.split("<main").nth(1).expect("a main part");
        assert!(!main.contains("<form"), "{main}");
    }
    let slot = after(&open.text(), "name=\"slot\" value=\"");
    let refused = hold(&mut home, (&open, &slot), "").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains(words), "{}", refused.text());
    clinic.close().await;
}

#[tokio::test]
async fn f129_requests_are_answered_by_whoever_has_the_calendar_and_by_nobody_else() {
    let clinic = Clinic::open().await;
    run(
        &clinic,
        "DELETE FROM gacl_aco_map WHERE section_value = 'patients' AND value = 'appt'",
    )
    .await;
    let (mut clerk, tiles) = at_the_desk(&clinic, "jpark").await;
    assert!(!tiles.text().contains("/staff/visits"), "{}", tiles.text());
    let away = clerk.get("/staff/visits").await;
    assert_eq!(away.status, StatusCode::FORBIDDEN);
    clinic.close().await;
}
