//! What a person, a practice or a clock does to the pages of visits that nobody planned.

use anteroom::db::sql::Sql;
use axum::http::StatusCode;

use super::HERE;
use super::after;
use super::answer;
use super::ask;
use super::asked;
use super::at_home;
use super::card;
use super::hold;
use super::week;
use crate::auth::mailbox::run;
use crate::auth::staff::at_the_desk;
use crate::auth::staff::csrf;
use crate::clinic::Clinic;

async fn change(clinic: &Clinic, sql: Sql) {
    let changed = clinic.app.emr.db.run(sql).await;
    assert!(changed.expect("a statement that runs") > 0);
}

#[tokio::test]
async fn f121_two_clicks_ask_for_one_visit() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    let page = week(&mut home, "Donna Lee").await;
    let slot = after(&page.text(), "name=\"slot\" value=\"");
    let held = hold(&mut home, (&page, &slot), "").await;
    let page = home.follow(held).await;
    let fields = [
        ("csrf", csrf(&page)),
        ("slot", after(&page.text(), "name=\"slot\" value=\"")),
        ("reason", "Twice".to_owned()),
    ];
    for click in ["the first", "the second"] {
        let done = home.post(&format!("{HERE}/ask"), &fields).await;
        let place = done.header("location");
        assert_eq!(
            place,
            format!("{HERE}?done=asked"),
            "{click}: {}",
            done.text()
        );
    }
    let rows = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM openemr_postcalendar_events WHERE pc_hometext = 'Twice'";
    assert_eq!(clinic.look(rows).await, "1");
    clinic.close().await;
}

#[tokio::test]
async fn f001_while_the_portal_is_off_no_visit_is_shown() {
    let clinic = Clinic::open().await;
    let (mut home, page) = at_home(&clinic, clinic.patient("active")).await;
    let id = after(&page.text(), "<article class=\"card visit\" id=\"visit-");
    let file = format!("{HERE}/{id}.ics");
    assert_eq!(home.get(&file).await.status, StatusCode::OK);
    assert!(home.get("/account").await.text().contains(HERE));
    let off = "UPDATE globals SET gl_value = '0' WHERE gl_name = 'portal_onsite_two_enable'";
    run(&clinic, off).await;
    clinic.wait(time::Duration::seconds(2));
    let page = home.get(HERE).await.text();
    assert!(page.contains("portal is switched off") && !page.contains("<article"));
    let none = home.get(&file).await;
    assert!(none.status.is_client_error() || none.status.is_server_error());
    assert!(!none.text().contains("BEGIN:VCALENDAR"));
    let tiles = home.get("/account").await.text();
    assert!(!tiles.contains(HERE), "{tiles}");
    clinic.close().await;
}

#[tokio::test]
async fn f134_a_call_that_was_asked_for_waits_until_somebody_answers() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    let page = week(&mut home, "Donna Lee").await;
    let slot = after(&page.text(), "name=\"slot\" value=\"");
    let held = hold(&mut home, (&page, &slot), "").await;
    let more = [("reason", "Call me"), ("call", "true")];
    let done = ask(&mut home, held, &more).await;
    assert_eq!(done.header("location"), format!("{HERE}?done=call"));
    let mark = "SELECT CONCAT_WS('|', pc_apptstatus, CASE WHEN pc_facility > 0 THEN 'there' END) AS text \
        FROM openemr_postcalendar_events WHERE pc_hometext = 'Call me'";
    assert_eq!(
        clinic.look(mark).await,
        "CALL|there",
        "with the place of the time"
    );
    // The day passes, and nobody called.
    let day = clinic.app.emr.zone.wall(clinic.app.emr.now()).date();
    let day = day.previous_day().expect("a day");
    let sql = "UPDATE openemr_postcalendar_events SET pc_eventDate = ? WHERE pc_hometext = ?";
    change(&clinic, Sql::new(sql).bind(day).bind("Call me")).await;
    let list = home.get(HERE).await;
    let mine = card(&list.text(), "Call me");
    assert!(mine.contains("The practice will call you"), "{mine}");
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let requests = desk.get("/staff/visits").await;
    assert!(card(&requests.text(), "Call me").contains("Wants a call"));
    // Whoever is offered a time answers, and waits for no call.
    let free = week(&mut home, "Donna Lee").await;
    let slot = after(&free.text(), "name=\"slot\" value=\"");
    let words = "Call me";
    let done = answer(&mut desk, (&requests, words), "propose", &[("slot", &slot)]).await;
    assert_eq!(
        done.header("location"),
        "/staff/visits?done=propose",
        "{}",
        done.text()
    );
    let list = home.get(HERE).await;
    let mine = card(&list.text(), "Call me");
    assert!(mine.contains("The practice proposes this time"), "{mine}");
    // The time it has is none to propose.
    let requests = desk.get("/staff/visits").await;
    let same = answer(&mut desk, (&requests, words), "propose", &[("slot", &slot)]).await;
    assert_eq!(same.status, StatusCode::BAD_REQUEST, "{}", same.text());
    assert!(same.text().contains("This is the time that was asked for"));
    clinic.close().await;
}

#[tokio::test]
async fn f124_a_request_far_ahead_reaches_the_desk_at_once() {
    let clinic = Clinic::open().await;
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    asked(&mut home, "Far ahead").await;
    let day = clinic.app.emr.zone.wall(clinic.app.emr.now()).date();
    let day = day.checked_add(time::Duration::days(300)).expect("a day");
    let sql = "UPDATE openemr_postcalendar_events SET pc_eventDate = ? WHERE pc_hometext = ?";
    change(&clinic, Sql::new(sql).bind(day).bind("Far ahead")).await;
    let (mut desk, _) = at_the_desk(&clinic, "nhaddad").await;
    let requests = desk.get("/staff/visits").await.text();
    assert!(requests.contains("Far ahead"), "{requests}");
    clinic.close().await;
}

#[tokio::test]
async fn f125_of_many_providers_one_is_chosen() {
    let clinic = Clinic::open().await;
    for number in 0..51 {
        let sql = Sql::new(
            "INSERT INTO users (username, fname, lname, authorized, active, calendar) VALUES (?, 'Many', ?, 1, 1, 1)",
        );
        let sql = sql.bind(format!("many{number}"));
        change(&clinic, sql.bind(format!("Number {number}"))).await;
    }
    let (mut home, _) = at_home(&clinic, clinic.patient("active")).await;
    let page = home.get(&format!("{HERE}/new?kind=office_visit")).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    let html = page.text();
    assert!(
        html.contains("Donna Lee") && html.contains("Number 50"),
        "{html}"
    );
    assert!(!html.contains("Anybody who is free"), "{html}");
    assert_eq!(week(&mut home, "Donna Lee").await.status, StatusCode::OK);
    clinic.close().await;
}
