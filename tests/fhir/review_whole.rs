//! F148, F150, F164: what staff did in OpenEMR is not undone here, what is left of a request still keeps to the rules, and
//! nobody decides about what they may not open.

use anteroom::db::sql::Sql;
use anteroom::worker::telling;
use anteroom::worker::telling::Of;
use axum::http::StatusCode;
use serde_json::Value;
use serde_json::json;
use uuid::Uuid;

use super::review::decided;
use super::review::sent;
use crate::clinic::Clinic;
use crate::clinic::EVERYTHING;
use crate::fhir::chart::both;
use crate::fhir::chart::manager;
use crate::fhir::chart::put;
use crate::fhir::chart::read;
use crate::fhir::message::WRITES;
use crate::fhir::reach;

/// The category of the newest document that is not deleted.
const CATEGORY: &str = "SELECT c.name AS text FROM documents d JOIN categories_to_documents l ON l.document_id = d.id \
    JOIN categories c ON c.id = l.category_id WHERE d.deleted = 0 ORDER BY d.id DESC";

/// The newest document is filed under this category, as OpenEMR does it.
async fn filed(clinic: &Clinic, category: &str) {
    let sql = Sql::new(
        "UPDATE categories_to_documents SET category_id = (SELECT MIN(id) FROM categories WHERE name = ?) \
         WHERE document_id = (SELECT MAX(id) FROM documents)",
    );
    let done = clinic.app.emr.db.run(sql.bind(category)).await;
    assert_eq!(done.expect("files"), 1);
}

#[tokio::test]
async fn f150_what_staff_filed_in_openemr_is_neither_taken_back_nor_refused_and_settles() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let staff = manager(&clinic).await;
        let (at, id) = sent(&clinic, &own).await;
        filed(&clinic, "Lab Report").await;
        let mut mine = read(&clinic, &own, &at).await;
        mine["status"] = json!("cancelled");
        let kept = put(&clinic, &own, &mine).await;
        assert_eq!(kept.status, StatusCode::CONFLICT, "{}", kept.text());
        assert!(kept.text().contains("as they filed it"), "{}", kept.text());
        let refused = json!({"status": "rejected", "statusReason": {"text": "Not readable."}});
        let late = decided(&clinic, &staff, &at, refused).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        let other = json!({"status": "completed",
            "output": [{"type": {"text": "category"}, "valueString": "Medical Record"}]});
        let moved = decided(&clinic, &staff, &at, other).await;
        assert_eq!(moved.status, StatusCode::CONFLICT, "{}", moved.text());
        assert_eq!(clinic.look(CATEGORY).await, "Lab Report");
        assert_eq!(read(&clinic, &own, &at).await["status"], "requested");

        let told = telling::look(clinic.app.as_ref(), Of::Reviews)
            .await
            .expect("a look");
        assert_eq!(told, 1);
        assert_eq!(read(&clinic, &own, &at).await["status"], "completed");
        let upload = "SELECT state AS text FROM anteroom_upload ORDER BY document DESC";
        assert_eq!(clinic.look(upload).await, "accepted");
        let paper = read(&clinic, &own, &format!("/fhir/DocumentReference/{id}")).await;
        assert_eq!(paper["status"], "current");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_what_staff_deleted_or_gave_to_another_chart_was_not_accepted() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let (at, _) = sent(&clinic, &own).await;
        // Somebody else's report: it goes to that chart, and to its category.
        filed(&clinic, "Lab Report").await;
        let db = &clinic.app.emr.db;
        let newest = "WHERE id = (SELECT id FROM (SELECT MAX(id) AS id FROM documents) newest)";
        for (moved, back) in [
            (
                "UPDATE documents SET foreign_id = foreign_id + 1 ",
                "UPDATE documents SET foreign_id = foreign_id - 1 ",
            ),
            (
                "UPDATE documents SET deleted = 1 ",
                "UPDATE documents SET deleted = 0 ",
            ),
        ] {
            let run = db.run(Sql::new(moved).push(newest)).await;
            assert_eq!(run.expect("moves"), 1);
            let told = telling::look(clinic.app.as_ref(), Of::Reviews).await;
            assert_eq!(told.expect("a look"), 0, "{moved}");
            assert_eq!(read(&clinic, &own, &at).await["status"], "requested");
            let upload = "SELECT state AS text FROM anteroom_upload ORDER BY document DESC";
            assert_eq!(clinic.look(upload).await, "waiting");
            db.run(Sql::new(back).push(newest)).await.expect("moves");
        }
        let told = telling::look(clinic.app.as_ref(), Of::Reviews).await;
        assert_eq!(told.expect("a look"), 1, "it lies filed in her own chart");
        assert_eq!(read(&clinic, &own, &at).await["status"], "completed");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_a_document_in_several_categories_is_staffs_and_one_that_waits_does_not_settle() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let staff = manager(&clinic).await;
        let (at, _) = sent(&clinic, &own).await;
        let told = telling::look(clinic.app.as_ref(), Of::Reviews)
            .await
            .expect("a look");
        assert_eq!(told, 0);
        assert_eq!(read(&clinic, &own, &at).await["status"], "requested");
        let also = Sql::new(
            "INSERT INTO categories_to_documents (category_id, document_id) \
             SELECT (SELECT MIN(id) FROM categories WHERE name = 'Lab Report'), MAX(id) FROM documents",
        );
        clinic.app.emr.db.run(also).await.expect("files too");
        let refused = json!({"status": "rejected", "statusReason": {"text": "Not readable."}});
        let late = decided(&clinic, &staff, &at, refused).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.text());
        let deleted = "SELECT CAST(deleted AS CHAR) AS text FROM documents ORDER BY id DESC";
        assert_eq!(clinic.look(deleted).await, "0");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f150_a_category_is_named_by_its_path_too() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let staff = manager(&clinic).await;
        let (at, _) = sent(&clinic, &own).await;
        let filed = |name: &str| json!({"status": "completed", "output": [{"type": {"text": "category"}, "valueString": name}]});
        let unknown = decided(&clinic, &staff, &at, filed("Nowhere / Reviewed")).await;
        assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY);
        let done = decided(&clinic, &staff, &at, filed("Onsite Portal / Reviewed")).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        assert_eq!(clinic.look(CATEGORY).await, "Reviewed");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f164_who_may_not_open_a_document_decides_nothing_about_it() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, WRITES).await;
        let (at, _) = sent(&clinic, &own).await;
        // The front desk has the portal, and no documents.
        let front = reach::token(&clinic, Some("tbanks"), None, "user/*.cruds").await;
        // Nor is what it is called told to them.
        assert_eq!(
            read(&clinic, &front, &at).await["description"],
            "A document."
        );
        let waits = "/fhir/Task?code=review-document&status=requested";
        for (who, told) in [(&front, false), (&own, true)] {
            let list = read(&clinic, who, waits).await.to_string();
            assert_eq!(list.contains("letter & co.txt"), told, "{list}");
        }
        for also in [
            json!({"status": "completed"}),
            json!({"status": "rejected", "statusReason": {"text": "No."}}),
        ] {
            let refused = decided(&clinic, &front, &at, also).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(
                refused.text().contains("review.opens"),
                "{}",
                refused.text()
            );
        }
        let staff = manager(&clinic).await;
        let done = decided(&clinic, &staff, &at, json!({"status": "completed"})).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_what_is_left_of_an_insurance_keeps_to_the_rules() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        card["period"] = json!({"start": "2001-01-01", "end": "2001-12-31"});
        let waits = put(&clinic, &own, &card).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let staff = manager(&clinic).await;
        let waiting = "/fhir/Task?code=review-coverage&status=requested";
        let task = read(&clinic, &staff, waiting).await["entry"][0]["resource"].clone();
        let at = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
        // With its first day refused it would end before it begins.
        let part = json!({"status": "completed",
            "output": [{"type": {"text": "refused: Coverage.period.start"}, "valueString": "See the card."}]});
        let refused = decided(&clinic, &staff, &at, part).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            refused.text().contains("coverage.end"),
            "{}",
            refused.text()
        );
        assert_eq!(read(&clinic, &staff, &at).await["status"], "requested");
        clinic.close().await;
    }
}

#[tokio::test]
async fn f148_an_insurance_of_a_deleted_chart_is_nobody_elses() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let found = read(&clinic, &own, "/fhir/Coverage").await;
        let mut card = found["entry"][0]["resource"].clone();
        card["subscriberId"] = json!("CHH-448120-02");
        let waits = put(&clinic, &own, &card).await;
        assert_eq!(waits.status, StatusCode::ACCEPTED, "{}", waits.text());
        let staff = manager(&clinic).await;
        let waiting = "/fhir/Task?code=review-coverage&status=requested";
        let task = read(&clinic, &staff, waiting).await["entry"][0]["resource"].clone();
        let at = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
        // The chart is deleted, and the next patient gets its number.
        let known: Uuid = maria.id.parse().expect("an id");
        let other = Uuid::from_u128(0x77);
        let given = Sql::new("UPDATE patient_data SET uuid = ? WHERE uuid = ?");
        let done = clinic.app.emr.db.run(given.bind(other).bind(known)).await;
        assert_eq!(done.expect("changes"), 1);
        let mut late = task.clone();
        late["status"] = json!("completed");
        let late = put(&clinic, &staff, &late).await;
        assert!(late.status.is_client_error(), "{}", late.text());
        assert_ne!(clinic.get(&at, &staff).await.status, StatusCode::OK);
        let left = read(&clinic, &staff, waiting).await.to_string();
        assert!(!left.contains(task["id"].as_str().unwrap_or_default()));
        let number = "SELECT CAST(COUNT(*) AS CHAR) AS text FROM insurance_data WHERE policy_number = 'CHH-448120-02'";
        assert_eq!(clinic.look(number).await, "0");
        clinic.close().await;
    }
}

/// The elements a Task asks to have changed.
fn asked(task: &Value) -> Vec<String> {
    let inputs = task["input"].as_array().expect("inputs").iter();
    let after = inputs.filter_map(|one| {
        let text = one["type"]["text"].as_str()?;
        text.strip_prefix("after: ").map(str::to_owned)
    });
    after.collect()
}

#[tokio::test]
async fn f148_of_a_wish_of_openemrs_own_portal_the_patient_reads_what_was_refused() {
    for clinic in both().await {
        let maria = clinic.patient("active");
        let own = clinic.token(maria, EVERYTHING).await;
        let staff = manager(&clinic).await;
        let waiting = "/fhir/Task?code=review-profile&status=requested";
        let task = read(&clinic, &own, waiting).await["entry"][0]["resource"].clone();
        let at = format!("/fhir/Task/{}", task["id"].as_str().unwrap_or_default());
        let before = asked(&task);
        assert!(before.len() > 1, "{task}");
        let output = json!([{"type": {"text": format!("refused: {}", before[0])}, "valueString": "Bring a bill."}]);
        let part = json!({"status": "completed", "output": output});
        let done = decided(&clinic, &staff, &at, part).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let told = read(&clinic, &own, &at).await;
        assert_eq!(told["businessStatus"]["text"], "Taken over in part");
        assert_eq!(asked(&told), before, "{told}");
        assert_eq!(told["output"][0]["valueString"], "Bring a bill.");
        clinic.close().await;
    }
}
