//! A form is filled in, and signed: what the rules must know, and what is written where they allow it. The row is compared
//! again when it is written, so what OpenEMR's portal saved meanwhile is not lost.

use sqlx::FromRow;
use time::OffsetDateTime;

use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::forms::Form;
use crate::domain::forms::Signed;
use crate::domain::forms::State;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::forms::chart;
use crate::emr::forms::picture;
use crate::emr::forms::rows;
use crate::emr::forms::rows::Held;
use crate::emr::forms::written;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::form::By;
use crate::portal::form::Fill;
use crate::portal::form::FillCase;
use crate::portal::form::FormCase;
use crate::portal::form::Policy;
use crate::portal::form::Signature;
use crate::portal::form::Signing;
use crate::store::forms;
use crate::store::forms::NewForm;
use crate::store::forms::NewSignature;
use crate::store::reviews;

/// The row as it stands, held until the transaction ends.
const HELD: &str = "SELECT denial_reason, full_document";
const DATA: &str = ", template_data AS data";
const NO_DATA: &str = ", NULL AS data";
const OF_ROW: &str = " FROM onsite_documents WHERE id = ? AND pid = ?";

const SAVE: &str = "UPDATE onsite_documents SET denial_reason = 'Editing', full_document = ?";
const SIGN: &str = "UPDATE onsite_documents SET denial_reason = 'In Review', patient_signature = ?, \
    patient_signed_status = 1, patient_signed_time = ?, full_document = ?";
const WITH_DATA: &str = ", template_data = ?";
/// Of two who sign at once one finds it signed.
const WHERE: &str = " WHERE id = ? AND pid = ? AND denial_reason IN ('New', 'Open', 'Editing')";

/// The signature on file, as OpenEMR's own portal keeps it: one a patient, under the user of its sessions.
const ON_FILE: &str = "UPDATE onsite_signatures SET status = 'filed', lastmod = ?, signator = ?, sig_image = ?, \
    signature = NULL, sig_hash = ? WHERE pid = ? AND user = '-patient-'";
const FIRST: &str = "INSERT INTO onsite_signatures (status, type, created, lastmod, pid, encounter, user, activity, \
    authorized, signator, sig_image, signature, sig_hash, ip) \
    VALUES ('filed', 'patient-signature', ?, ?, ?, NULL, '-patient-', 0, NULL, ?, ?, NULL, ?, '')";

/// What OpenEMR's dashboard counts and opens (OpenEMR facts 2.9).
const WAITS: &str = "INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, \
    action_taken, status, narrative, table_action, table_args, action_user, action_taken_time, checksum) \
    VALUES (?, ?, 'document', 1, 'review', '', 'waiting', ?, '', ?, 0, ?, '0')";
const WAITS_STILL: &str = "UPDATE onsite_portal_activity SET date = ?, narrative = ? \
    WHERE patient_id = ? AND activity = 'document' AND table_args = ? AND status = 'waiting'";

#[derive(FromRow)]
struct Row {
    denial_reason: String,
    full_document: Option<Vec<u8>>,
    data: Option<String>,
}

/// What the rules must know.
///
/// # Errors
/// `NotFound` for a form that is not there for this caller.
pub(in crate::emr) async fn case(
    emr: &Emr,
    (grant, reach): (&Grant, &Reach),
    (ask, policy): (Fill, Policy),
) -> Answer<Case> {
    let held = super::held(emr, reach, ask.form).await?;
    let seen = state_of(&held);
    let Held {
        mut form, title, ..
    } = held;
    let by = match (grant.user(), ask.tablet) {
        (User::Patient(_), Some(colleague)) => By::Tablet(colleague),
        (User::Patient(_), None) => By::Patient,
        (User::Staff(staff), _) => By::Staff(staff.id),
        (User::System, _) => By::Staff(0),
    };
    let answers = match ask.answers {
        Some(mut answers) => {
            answers.retain(|_, answer| !answer.trim().is_empty());
            answers
        }
        None => form.answers.clone(),
    };
    let practice = emr.practice().await?;
    let at = whole_seconds(emr.now());
    let signature = ask.signature.as_ref();
    let picture = signature.map_or_else(String::new, picture::of);
    let html = written::html(&form.questions, &answers, &picture);
    let data = match rows::has_data(emr) {
        true => written::data(&form.questions, &answers, &picture),
        false => String::new(),
    };
    let signing = match signature {
        None => None,
        Some(signature) => {
            let of = Of {
                title: &title,
                html: &html,
                data: &data,
            };
            form.answers.clone_from(&answers);
            let mut signing = signing(&form, (signature, picture), (&of, at));
            if policy == Policy::Automatic && form.state.is_open() {
                signing.charted = charted(emr, &form, (&signing, at), ask.tablet).await?;
            }
            Some(signing)
        }
    };
    Ok(Case::Form(Box::new(FormCase::Fill(Box::new(FillCase {
        form,
        by,
        portal_on: practice.globals.on("portal_onsite_two_enable"),
        answers,
        signing,
        seen,
        html,
        data,
        client_id: grant.client_id().to_owned(),
        at,
    })))))
}

/// The columns a signature is about.
struct Of<'a> {
    title: &'a str,
    html: &'a str,
    data: &'a str,
}

fn signing(
    form: &Form,
    (signature, picture): (&Signature, String),
    (of, at): (&Of<'_>, OffsetDateTime),
) -> Signing {
    let name = signature.name.trim();
    let hash = rows::fingerprint(&rows::signed_parts(
        (&form.person.pid.to_string(), &form.row.to_string()),
        (of.title, of.html, of.data),
        (
            name,
            signature.how().word(),
            &reviews::millis(at).to_string(),
        ),
    ));
    Signing {
        signature: Signature {
            name: name.to_owned(),
            ..signature.clone()
        },
        picture,
        hash,
        id: uuids::fresh(),
        charted: None,
    }
}

/// The document of the chart it becomes at once; nothing where none can be written here, and then staff look at it.
async fn charted(
    emr: &Emr,
    form: &Form,
    (signing, at): (&Signing, OffsetDateTime),
    witness: Option<uuid::Uuid>,
) -> Answer<Option<Box<crate::portal::document::DocumentCase>>> {
    let mut done = form.clone();
    done.signed = Some(Signed {
        name: signing.signature.name.clone(),
        how: signing.signature.how(),
        picture: signing.picture.clone(),
        at: emr.zone.at(at),
        hash: signing.hash.clone(),
        whole: true,
        witness,
    });
    match chart::document(emr, &done).await {
        Ok(document) => Ok(Some(Box::new(document))),
        Err(Failure::Refused(Refusal::Unavailable(_))) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Seconds alone: what OpenEMR's column keeps is what is hashed.
fn whole_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

/// What of a row may not change between the look and the write.
fn state_of(held: &Held) -> String {
    crypto::sha3_512_hex(format!("{}\n{}", held.data, held.html).as_bytes())
}

/// Writes what a permit allows.
///
/// # Errors
/// `Conflict` where the form was signed, or changed, at the same moment.
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &FillCase) -> Answer<Written> {
    let form = &case.form;
    unchanged(emr, tx, case).await?;
    let data = rows::has_data(emr);
    let wall = emr.zone.wall(case.at);
    let sql = match &case.signing {
        None => Sql::new(SAVE),
        Some(signing) => Sql::new(SIGN).bind(&signing.picture).bind(wall),
    };
    let sql = sql.bind(case.html.clone().into_bytes());
    let sql = match data {
        true => sql.push(WITH_DATA).bind(&case.data),
        false => sql,
    };
    let sql = sql.push(WHERE).bind(form.row).bind(form.person.pid);
    if tx.run(sql).await? != 1 {
        return Err(moved());
    }
    if let Some(signing) = &case.signing {
        signed(emr, tx, (case, signing)).await?;
    }
    Ok(Written::Record(form.uuid))
}

async fn unchanged(emr: &Emr, tx: &mut Tx, case: &FillCase) -> Answer<()> {
    let lock = tx.lock_clause();
    let data = if rows::has_data(emr) { DATA } else { NO_DATA };
    let sql = Sql::new(HELD)
        .push(data)
        .push(OF_ROW)
        .push(lock)
        .bind(case.form.row)
        .bind(case.form.person.pid);
    let row: Option<Row> = tx.one(sql).await?;
    let row = row.ok_or(Refusal::NotFound)?;
    let html = String::from_utf8_lossy(row.full_document.as_deref().unwrap_or_default());
    let text = format!("{}\n{html}", row.data.unwrap_or_default());
    let open = State::of(&row.denial_reason).is_some_and(State::is_open);
    match open && crypto::sha3_512_hex(text.as_bytes()) == case.seen {
        true => Ok(()),
        false => Err(moved()),
    }
}

async fn signed(emr: &Emr, tx: &mut Tx, (case, signing): (&FillCase, &Signing)) -> Answer<()> {
    let form = &case.form;
    let witness = match case.by {
        By::Tablet(colleague) => Some(colleague),
        By::Patient | By::Staff(_) => None,
    };
    let kept = NewSignature {
        id: signing.id,
        document: form.row,
        person: form.person,
        name: &signing.signature.name,
        how: signing.signature.how(),
        picture: &signing.picture,
        hash: &signing.hash,
        at: case.at,
        client_id: &case.client_id,
        witness,
    };
    forms::sign(tx, &kept).await?;
    on_file(emr, tx, (case, signing)).await?;
    // OpenEMR's portal makes forms too, and of those nothing is known here yet.
    let known = NewForm {
        document: form.row,
        pid: form.person.pid,
        template: String::new(),
        category: 0,
        put_by: 0,
        at: case.at,
    };
    forms::insert(tx, &known).await?;
    let wall = emr.zone.wall(case.at);
    let number = form.row.to_string();
    let still = Sql::new(WAITS_STILL)
        .bind(wall)
        .bind(&form.title)
        .bind(form.person.pid)
        .bind(&number);
    if tx.run(still).await? == 0 {
        let sql = Sql::new(WAITS)
            .bind(wall)
            .bind(form.person.pid)
            .bind(&form.title)
            .bind(&number)
            .bind(wall);
        tx.run(sql).await?;
    }
    match &signing.charted {
        Some(document) => chart::locked(emr, tx, (form, document), form.put_by).await,
        None => Ok(()),
    }
}

async fn on_file(emr: &Emr, tx: &mut Tx, (case, signing): (&FillCase, &Signing)) -> Answer<()> {
    if !emr.layout.has_table("onsite_signatures") {
        return Ok(());
    }
    let wall = emr.zone.wall(case.at);
    let pid = case.form.person.pid;
    let hash = crypto::sha3_512_hex(signing.picture.as_bytes());
    let name = &signing.signature.name;
    let update = Sql::new(ON_FILE)
        .bind(wall)
        .bind(name)
        .bind(&signing.picture)
        .bind(&hash)
        .bind(pid);
    if tx.run(update).await? > 0 {
        return Ok(());
    }
    let insert = Sql::new(FIRST)
        .bind(case.at.unix_timestamp())
        .bind(wall)
        .bind(pid)
        .bind(name)
        .bind(&signing.picture)
        .bind(&hash);
    tx.run(insert).await.map(|_| ())
}

fn moved() -> Failure {
    let why = "The form was signed, or changed, at the same moment: read it again.";
    Refusal::Conflict(why.to_owned()).into()
}
