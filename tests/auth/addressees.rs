//! Who of the practice takes messages from patients, as whoever administers users says: on the page, and as an app (portal rule
//! F142).

use axum::http::StatusCode;
use serde_json::json;

use super::messages::HERE;
use super::messages::at_home;
use super::messages::sent;
use super::staff::at_the_desk;
use crate::clinic::Answer;
use crate::clinic::Clinic;
use crate::clinic::engine::LAYOUTS;
use crate::fhir::reach::token;

const PAGE: &str = "/staff/addressees";
const PATCH: &str = "application/json-patch+json";
const FHIR: &str = "application/fhir+json";
const WRITES: &str = "openid fhirUser launch/patient patient/*.crus";
const SCOPE: &str = "user/Practitioner.rus";
const EXTENSION: &str = "https://anteroom.dev/fhir/StructureDefinition/portal-addressee";

/// The row of a login name.
fn row(page: &Answer, login: &str) -> String {
    let html = page.text();
    let row = html
        .split("<tr>")
        .find(|row| row.contains(&format!(">{login}</td>")));
    row.unwrap_or_else(|| panic!("no {login} in {html}"))
        .to_owned()
}

/// The FHIR id in the form beside it.
fn id_of(page: &Answer, login: &str) -> String {
    let row = row(page, login);
    let value = row.split("name=\"colleague\" value=\"").nth(1);
    let value = value.and_then(|rest| rest.split('"').next());
    value.expect("a form").to_owned()
}

/// Says as an app whether somebody takes messages.
async fn said(clinic: &Clinic, (id, token): (&str, &str), takes: bool) -> Answer {
    let path = format!("/fhir/Practitioner/{id}");
    let patch = json!([{"op": "replace", "path": "/extension/0/valueBoolean", "value": takes}]);
    clinic
        .with_body("PATCH", (&path, token), PATCH, patch.to_string())
        .await
}

const FLAGS: &str = "SELECT CONCAT_WS('|', SUM(CASE WHEN username = 'jpark' THEN portal_user ELSE 0 END), \
    SUM(CASE WHEN username = 'dlee' THEN portal_user ELSE 0 END)) AS text FROM users";

const TOLD: &str = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM anteroom_audit WHERE action = 'Practitioner.patch' AND outcome = 'success'";

async fn the_switch(clinic: Clinic) {
    let db = &clinic.app.emr.db;
    db.script("UPDATE users SET portal_user = 0 WHERE username = 'jpark'")
        .await
        .expect("off");
    assert_eq!(clinic.look(FLAGS).await, "0|1");
    let maria = clinic.patient("active");
    let (mut home, _) = at_home(&clinic, maria).await;
    let new = format!("{HERE}/new");
    assert!(!home.get(&new).await.text().contains("Jin Park"));
    // Who may not administer users neither sees the page nor says it as an app.
    let (mut front, desk) = at_the_desk(&clinic, "tbanks").await;
    assert!(!desk.text().contains(PAGE), "{}", desk.text());
    let no = front.get(PAGE).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "{}", no.text());
    let (mut manager, desk) = at_the_desk(&clinic, "nhaddad").await;
    assert!(desk.text().contains(PAGE), "{}", desk.text());
    let page = manager.get(PAGE).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text());
    assert!(!row(&page, "jpark").contains("May not read them"));
    let (park, lee) = (id_of(&page, "jpark"), id_of(&page, "dlee"));
    let on = [("colleague", park.as_str()), ("decision", "on")];
    let done = sent(&mut manager, (&page, PAGE), &on).await;
    assert_eq!(
        done.header("location"),
        format!("{PAGE}?done=on"),
        "{}",
        done.text()
    );
    assert_eq!(clinic.look(FLAGS).await, "1|1");
    assert_eq!(clinic.look(TOLD).await, "1");
    let page = manager.follow(done).await;
    assert!(page.text().contains("Patients can write to them now."));
    // Billing has no right to notes in OpenEMR: that is told where they are switched on.
    let told = row(&page, "jpark");
    assert!(told.contains("May not read them"), "{told}");
    assert!(home.get(&new).await.text().contains("Jin Park"));
    // Twice says the same, and writes nothing.
    let done = sent(&mut manager, (&page, PAGE), &on).await;
    assert_eq!(done.header("location"), format!("{PAGE}?done=on"));
    assert_eq!(clinic.look(TOLD).await, "1");
    let off = [("colleague", lee.as_str()), ("decision", "off")];
    let done = sent(&mut manager, (&page, PAGE), &off).await;
    assert_eq!(
        done.header("location"),
        format!("{PAGE}?done=off"),
        "{}",
        done.text()
    );
    assert_eq!(clinic.look(FLAGS).await, "1|0");
    assert!(!home.get(&new).await.text().contains("Donna Lee"));
    let odd = [("colleague", lee.as_str()), ("decision", "maybe")];
    let no = sent(&mut manager, (&page, PAGE), &odd).await;
    assert_eq!(no.status, StatusCode::BAD_REQUEST, "{}", no.text());
    // As an app.
    let (may, may_not) = (
        token(&clinic, Some("nhaddad"), None, SCOPE).await,
        token(&clinic, Some("dlee"), None, SCOPE).await,
    );
    let no = said(&clinic, (&lee, &may_not), true).await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    let code = no.json()["issue"][0]["details"]["coding"][0]["code"].clone();
    assert_eq!(code, "addressee.administrator");
    let mine = clinic.token(maria, WRITES).await;
    let no = said(&clinic, (&lee, &mine), true).await;
    assert_eq!(no.status, StatusCode::FORBIDDEN, "{}", no.text());
    assert_eq!(clinic.look(FLAGS).await, "1|0");
    let done = said(&clinic, (&lee, &may), true).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text());
    let told = done.json();
    assert_eq!(told["extension"][0]["url"], EXTENSION);
    assert_eq!(told["extension"][0]["valueBoolean"], true);
    assert_eq!(clinic.look(FLAGS).await, "1|1");
    // Nothing else of an account is changed here.
    let path = format!("/fhir/Practitioner/{lee}");
    let patch = json!([{"op": "replace", "path": "/name/0/family", "value": "Li"}]);
    let no = clinic
        .with_body("PATCH", (&path, &may), PATCH, patch.to_string())
        .await;
    assert_eq!(no.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", no.text());
    let bare = clinic.with_body("PUT", (&path, &may), FHIR, told.to_string());
    assert_eq!(bare.await.status, StatusCode::PRECONDITION_REQUIRED);
    clinic.close().await;
}

#[tokio::test]
async fn f142_an_administrator_says_who_takes_messages() {
    the_switch(Clinic::open().await).await;
}

#[tokio::test]
async fn f142_an_administrator_says_who_takes_messages_on_mariadb_in_every_layout() {
    for layout in LAYOUTS {
        if let Some(clinic) = Clinic::on_mariadb(layout).await {
            the_switch(clinic).await;
        }
    }
}
