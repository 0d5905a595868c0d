//! A form is filled in, and signed: what the rules must know, and what is written where they allow it. The row is compared
//! again when it is written, so what OpenEMR's portal saved meanwhile is not lost.

use time::OffsetDateTime;

use crate::crypto;
use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::forms::Form;
use crate::domain::forms::Signed;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::forms::chart;
use crate::emr::forms::picture;
use crate::emr::forms::rewritten;
use crate::emr::forms::rows;
use crate::emr::forms::rows::Held;
use crate::emr::forms::written;
use crate::emr::uuids;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::DocumentCase;
use crate::portal::form;
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
use crate::store::tablets;

const SAVE: &str = "UPDATE onsite_documents SET denial_reason = 'Editing', full_document = ?";
const SIGN: &str = "UPDATE onsite_documents SET denial_reason = 'In Review', patient_signature = ?, \
    patient_signed_status = 1, patient_signed_time = ?, full_document = ?";
const WITH_DATA: &str = ", template_data = ?";
/// Of two who sign at once one finds it signed.
const WHERE: &str = " WHERE id = ? AND pid = ? \
    AND HEX(denial_reason) IN (HEX('New'), HEX('Open'), HEX('Editing'))";

/// The signature on file, as OpenEMR's own portal keeps it: one a patient, under the user of its sessions.
const ON_FILE: &str = "UPDATE onsite_signatures SET status = 'filed', lastmod = ?, signator = ?, sig_image = ?, \
    signature = NULL, sig_hash = ? WHERE pid = ? AND user = '-patient-'";
const FIRST: &str = "onsite_signatures (status, type, created, lastmod, pid, encounter, user, activity, \
    authorized, signator, sig_image, signature, sig_hash, ip) \
    VALUES ('filed', 'patient-signature', ?, ?, ?, NULL, '-patient-', 0, NULL, ?, NULL, NULL, '', '')";

/// What OpenEMR's dashboard counts and opens (OpenEMR facts 2.9).
const WAITS: &str = "INSERT INTO onsite_portal_activity (date, patient_id, activity, require_audit, pending_action, \
    action_taken, status, narrative, table_action, table_args, action_user, action_taken_time, checksum) \
    VALUES (?, ?, 'document', 1, 'review', '', 'waiting', ?, '', ?, 0, ?, '0')";
const WAITS_STILL: &str = "UPDATE onsite_portal_activity SET date = ?, narrative = ? \
    WHERE patient_id = ? AND activity = 'document' AND table_args = ? AND status = 'waiting'";

/// What the rules must know.
///
/// # Errors
/// `NotFound` for a form that is not there for this caller.
pub(in crate::emr) async fn case(
    emr: &Emr,
    (grant, reach): (&Grant, &Reach),
    (ask, policy): (Fill, Policy),
) -> Answer<Case> {
    let Held {
        mut form,
        title,
        data: saved,
        html: before,
    } = super::held(emr, reach, ask.form).await?;
    // A page shows one state, and that is what is signed on it. A signed form has its own rule.
    if form.state.is_open() && ask.seen.is_some_and(|seen| seen != form.seen) {
        return Err(moved());
    }
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
    let signature = ask.signature.map(|one| named(one, &form));
    let picture = signature.as_ref().map(picture::of);
    let filled = (&form.questions, &answers);
    let html = rewritten::html(&before, filled, picture.as_deref());
    let data = match rows::has_data(emr) {
        true => written::data(&saved, filled, picture.as_deref()),
        false => String::new(),
    };
    let of = Of {
        title: &title,
        html: &html,
        data: &data,
    };
    let signing = signature
        .zip(picture)
        .map(|signature| signing(&form, signature, (&of, at)));
    let seen = form.seen.clone();
    form.answers.clone_from(&answers);
    let mut case = FillCase {
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
    };
    // Drawing takes its time, and is for those whose signature counts.
    if policy == Policy::Automatic && form::permits(&case) {
        let charted = charted(emr, &case).await?;
        if let Some(signing) = &mut case.signing {
            signing.charted = charted;
        }
    }
    Ok(Case::Form(Box::new(FormCase::Fill(Box::new(case)))))
}

/// Who draws and types no name signs with the one of the chart.
fn named(signature: Signature, form: &Form) -> Signature {
    match signature.name.trim().is_empty() && signature.strokes().is_some() {
        true => Signature {
            name: form.patient_name.clone(),
            ..signature
        },
        false => signature,
    }
}

/// The columns a signature is about.
struct Of<'a> {
    title: &'a str,
    html: &'a str,
    data: &'a str,
}

fn signing(
    form: &Form,
    (signature, picture): (Signature, String),
    (of, at): (&Of<'_>, OffsetDateTime),
) -> Signing {
    let name = signature.name.trim().to_owned();
    let hash = rows::fingerprint(&rows::signed_parts(
        (&form.person.pid.to_string(), &form.row.to_string()),
        (of.title, of.html, of.data),
        (
            &name,
            signature.how().word(),
            &reviews::millis(at).to_string(),
        ),
    ));
    Signing {
        signature: Signature { name, ..signature },
        picture,
        hash,
        id: uuids::fresh(),
        charted: None,
    }
}

/// The document of the chart it becomes at once; nothing where none can be written here, and then staff look at it.
async fn charted(emr: &Emr, case: &FillCase) -> Answer<Option<Box<DocumentCase>>> {
    let mut done = case.form.clone();
    done.signed = case.signing.as_ref().map(|signing| Signed {
        name: signing.signature.name.clone(),
        how: signing.signature.how(),
        picture: signing.picture.clone(),
        at: emr.zone.at(case.at),
        hash: signing.hash.clone(),
        whole: true,
        witness: case.by.witness(),
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
    let (state, now) = rows::hold(emr, tx, (case.form.person, case.form.row)).await?;
    match state.is_open() && now == case.seen {
        true => Ok(()),
        false => Err(moved()),
    }
}

async fn signed(emr: &Emr, tx: &mut Tx, (case, signing): (&FillCase, &Signing)) -> Answer<()> {
    let form = &case.form;
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
        witness: case.by.witness(),
    };
    forms::sign(tx, &kept).await?;
    // Whoever still holds a device with this form has nothing left to sign.
    tablets::end_all(tx, form.row, case.at.unix_timestamp()).await?;
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
    forms::found(tx, &known, form.created).await?;
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
        Some(document) => chart::locked(emr, tx, (form, document), 0).await,
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
    // Of two first ones at once one finds the other's row, which the database keeps unique.
    let insert = Sql::new(tx.insert_new())
        .push(FIRST)
        .bind(case.at.unix_timestamp())
        .bind(wall)
        .bind(pid)
        .bind(name);
    tx.run(insert).await?;
    let update = Sql::new(ON_FILE)
        .bind(wall)
        .bind(name)
        .bind(&signing.picture)
        .bind(&hash)
        .bind(pid);
    tx.run(update).await.map(|_| ())
}

fn moved() -> Failure {
    let why = "The form was signed, or changed, at the same moment: read it again.";
    Refusal::Conflict(why.to_owned()).into()
}
