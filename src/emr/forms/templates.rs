//! Templates of forms: OpenEMR's own (`document_templates`, 7.0 and later), which are changed there, and those made here. A
//! Questionnaire that was sent is kept in a table of this house: version 6.1 has no table of templates, and in later ones
//! OpenEMR's portal would show its JSON to patients as a form.

use std::borrow::Cow;

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Grant;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::forms::Part;
use crate::domain::forms::Questions;
use crate::domain::forms::Source;
use crate::domain::forms::Template;
use crate::domain::people::Person;
use crate::domain::records::DOCUMENT_CATEGORIES;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::filing;
use crate::emr::forms::charted;
use crate::emr::forms::directives::FILLED;
use crate::emr::forms::directives::ISSUES;
use crate::emr::forms::directives::Known;
use crate::emr::forms::known;
use crate::emr::forms::parse;
use crate::emr::forms::restored;
use crate::emr::people::tidy;
use crate::emr::tasks;
use crate::emr::writing::Written;
use crate::portal::Case;
use crate::portal::document::Filer;
use crate::portal::form::FormCase;
use crate::portal::form::keep::Before;
use crate::portal::form::keep::KeepAsk;
use crate::portal::form::keep::KeepCase;
use crate::portal::form::keep::Told;
use crate::store::questionnaires;
use crate::store::questionnaires::Kept;
use crate::store::questionnaires::Questionnaire;
use crate::store::reviews;

/// A template of all patients has the pid 0, one of the repository -1; those of a profile or of one patient are copies of
/// these. A PDF asks nothing.
const OPENEMR: &str =
    "SELECT CAST(id AS SIGNED) AS id, CAST(modified_date AS CHAR) AS at, category, template_name, ";
const CONTENT: &str = "template_content";
const NO_CONTENT: &str = "NULL AS template_content";
const IDS: &str = "SELECT CAST(id AS SIGNED) AS id";
const FROM: &str = " FROM document_templates WHERE pid IN (0, -1) AND profile = '' \
    AND COALESCE(mime, '') NOT LIKE 'application/%'";

const ORDER: &str = " ORDER BY template_name, id LIMIT 500";

#[derive(FromRow)]
struct Row {
    id: i64,
    at: Option<String>,
    category: String,
    template_name: Option<String>,
    template_content: Option<Vec<u8>>,
}

#[derive(FromRow)]
struct Number {
    id: i64,
}

/// Of two who change one form one is told.
const MEANWHILE: &str = "Somebody else changed this form at the same moment: read it again.";

/// The table OpenEMR has, and 6.1 has not.
const TABLE: &str = "document_templates";

/// The directives that stand for what the chart says of the patient, as they are written; not those of single fields.
pub fn directives() -> Vec<String> {
    let names = FILLED.iter().map(|(name, _)| name);
    let names = names.filter(|name| !name.contains(':'));
    names.map(|name| format!("{{{name}}}")).collect()
}

/// All templates without what they ask, those that are offered first, by name.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn titles(emr: &Emr) -> Answer<Vec<Template>> {
    let nobody = known::nobody();
    let mut found = Vec::new();
    if emr.layout.has_table(TABLE) {
        let sql = Sql::new(OPENEMR).push(NO_CONTENT).push(FROM).push(ORDER);
        let rows: Vec<Row> = emr.db.all(sql).await?;
        found.extend(rows.into_iter().map(|row| row.template(emr, Some(&nobody))));
    }
    let own = questionnaires::titles(&emr.db).await?;
    found.extend(own.into_iter().map(|one| house(emr, one, Some(&nobody))));
    found.sort_by(|one, other| {
        let place = |template: &Template| (!template.active, template.title.to_lowercase());
        place(one).cmp(&place(other))
    });
    Ok(found)
}

/// One template, as it is before nobody in particular.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn read(emr: &Emr, id: Uuid) -> Answer<Option<Template>> {
    let found = kept(emr, id).await?;
    Ok(found.map(|kept| kept.template(emr, Some(&known::nobody()))))
}

/// One template as it is written, with its directives.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn written(emr: &Emr, id: Uuid) -> Answer<Option<Template>> {
    let found = kept(emr, id).await?;
    Ok(found.map(|kept| kept.template(emr, None)))
}

/// One that was made here as it is written, to be changed, and the version it is in.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn to_change(emr: &Emr, id: Uuid) -> Answer<Option<(Template, u64)>> {
    let found = match row_of(id) {
        Some(_) => None,
        None => questionnaires::one(&emr.db, id).await?,
    };
    Ok(found.map(|one| {
        let version = version(emr, &one);
        (house(emr, one, None), version)
    }))
}

/// The version of one that was made here, as apps know it.
fn version(emr: &Emr, one: &Questionnaire) -> u64 {
    let shown = house(emr, one.clone(), Some(&known::nobody()));
    Record::Questionnaire(Box::new(shown)).version()
}

/// The ids of all templates, in no order.
pub(super) async fn ids(emr: &Emr) -> Answer<Vec<Uuid>> {
    let mut ids = questionnaires::ids(&emr.db).await?;
    if emr.layout.has_table(TABLE) {
        let rows: Vec<Number> = emr.db.all(Sql::new(IDS).push(FROM)).await?;
        ids.extend(rows.into_iter().map(|row| id(row.id)));
    }
    Ok(ids)
}

/// Those of these ids that there are, as they are before nobody in particular.
pub(super) async fn several(emr: &Emr, ids: &[Uuid]) -> Answer<Vec<Template>> {
    let nobody = known::nobody();
    let rows: Vec<i64> = ids.iter().filter_map(|id| row_of(*id)).collect();
    let own = ids.iter().copied().filter(|id| row_of(*id).is_none());
    let own: Vec<Uuid> = own.collect();
    let mut found = Vec::with_capacity(ids.len());
    if !rows.is_empty() && emr.layout.has_table(TABLE) {
        let sql = Sql::new(OPENEMR).push(CONTENT).push(FROM);
        let rows: Vec<Row> = emr.db.all(sql.push(" AND id IN ").list(rows)).await?;
        found.extend(rows.into_iter().map(|row| row.template(emr, Some(&nobody))));
    }
    if !own.is_empty() {
        let own = questionnaires::several(&emr.db, &own).await?;
        found.extend(own.into_iter().map(|one| house(emr, one, Some(&nobody))));
    }
    found.retain(|one| ids.contains(&one.uuid));
    Ok(found)
}

/// The id of OpenEMR's template of that number.
fn id(row: i64) -> Uuid {
    let parts = Parts {
        row: row.unsigned_abs(),
        at: 0,
        extra: 0,
    };
    composed::id(Kind::Template, parts)
}

/// The number of OpenEMR's template of that id.
fn row_of(id: Uuid) -> Option<i64> {
    let parts = composed::parts(Kind::Template, id)?;
    i64::try_from(parts.row).ok()
}

/// A template as it is kept.
enum Held {
    OpenEmrs(Row),
    Ours(Questionnaire),
}

impl Held {
    /// What it says, with its mark-up.
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::OpenEmrs(row) => {
                String::from_utf8_lossy(row.template_content.as_deref().unwrap_or_default())
            }
            Self::Ours(one) => Cow::Borrowed(&one.body),
        }
    }

    fn template(self, emr: &Emr, known: Option<&Known>) -> Template {
        match self {
            Self::OpenEmrs(row) => row.template(emr, known),
            Self::Ours(one) => house(emr, one, known),
        }
    }
}

/// One template, filled in for a patient.
pub(super) async fn of_patient(emr: &Emr, id: Uuid, person: Person) -> Answer<Option<Template>> {
    let Some(found) = kept(emr, id).await? else {
        return Ok(None);
    };
    let known = known::of(emr, person, &found.text()).await?;
    Ok(Some(found.template(emr, Some(&known))))
}

async fn kept(emr: &Emr, id: Uuid) -> Answer<Option<Held>> {
    match row_of(id) {
        Some(_) if !emr.layout.has_table(TABLE) => Ok(None),
        Some(row) => {
            let sql = Sql::new(OPENEMR).push(CONTENT).push(FROM);
            let sql = sql.push(" AND id = ?").bind(row);
            let found: Option<Row> = emr.db.one(sql).await?;
            Ok(found.map(Held::OpenEmrs))
        }
        None => {
            let found = questionnaires::one(&emr.db, id).await?;
            Ok(found.map(Held::Ours))
        }
    }
}

/// One that was made here, filled in; as it is written where `known` is `None`.
fn house(emr: &Emr, one: Questionnaire, known: Option<&Known>) -> Template {
    let (mut questions, _) = parse::form(&one.body);
    if let Some(known) = known {
        questions = parse::filled(questions, known);
        questions.parts.retain(|part| match part {
            Part::Heading(text) | Part::Words(text) => !text.is_empty(),
            Part::Item(_) => true,
        });
    }
    questions.unknown.extend(unread(emr, &one.body));
    Template {
        uuid: one.id(),
        source: Source::House,
        title: one.title,
        category: one.category,
        active: one.active != 0,
        questions,
        changed: reviews::moment(one.changed).map(|at| emr.zone.at(at)),
    }
}

impl Row {
    fn template(self, emr: &Emr, known: Option<&Known>) -> Template {
        let content = self.template_content.unwrap_or_default();
        let text = String::from_utf8_lossy(&content);
        let mut questions = asked(&text, known);
        questions.unknown.extend(unread(emr, &text));
        let at = self.at.as_deref().and_then(tasks::written);
        Template {
            uuid: id(self.id),
            source: Source::OpenEmr(self.id),
            title: tidy(self.template_name),
            category: tidy(Some(self.category)),
            active: true,
            questions,
            changed: at.and_then(|at| emr.zone.told(Some(at))),
        }
    }
}

/// The directives of a text that name what this account may not read.
fn unread(emr: &Emr, text: &str) -> Vec<String> {
    if charted::has_issues(emr) {
        return Vec::new();
    }
    let issues = ISSUES.iter().map(|(name, _)| format!("{{{name}}}"));
    issues.filter(|one| text.contains(one)).collect()
}

/// What OpenEMR's template asks, filled in; as it is written where `known` is `None`. What is not known of somebody leaves a
/// line away: the ids are still those the Questionnaire has.
fn asked(text: &str, known: Option<&Known>) -> Questions {
    let mut questions = parse::template(text, known);
    let plain = parse::template(text, Some(&known::nobody()));
    let mut ids = plain.items().map(|item| &item.id);
    for part in &mut questions.parts {
        if let Part::Item(item) = part
            && let Some(id) = ids.next()
        {
            item.id.clone_from(id);
        }
    }
    questions
}

/// What the rules must know.
pub(super) async fn case(
    emr: &Emr,
    (grant, reach): (&Grant, &Reach),
    ask: KeepAsk,
) -> Answer<Case> {
    let by = match grant.user() {
        // A form is the whole practice's, and nothing of one patient's part.
        User::Staff(staff) if reach.patient().is_none() => Some(staff.uuid),
        User::Staff(_) | User::Patient(_) | User::System => None,
    };
    let category = match ask.category.trim() {
        "" => None,
        name => filing::category_named(emr, reach, name).await?,
    };
    let mut open = true;
    let (before, ask) = match (row_of(ask.id), questionnaires::one(&emr.db, ask.id).await?) {
        (Some(_), _) => (Before::OpenEmrs, ask),
        (None, None) => (Before::Nothing, of_held(ask, None)),
        (None, Some(held)) => {
            if ask.seen != Some(version(emr, &held)) {
                return Err(Refusal::Stale.into());
            }
            open = is_open(emr, reach, held.category.trim()).await?;
            (Before::Ours(held.seen()), of_held(ask, Some(&held)))
        }
    };
    Ok(Case::Form(Box::new(FormCase::Keep(Box::new(KeepCase {
        ask,
        by,
        category,
        before,
        open,
    })))))
}

/// Whether a form that is kept for this category may be changed: whoever changes it may use the category, or there is none
/// of that name any more.
async fn is_open(emr: &Emr, reach: &Reach, name: &str) -> Answer<bool> {
    if name.is_empty() || filing::category_named(emr, reach, name).await?.is_some() {
        return Ok(true);
    }
    let token = Token {
        system: Some(DOCUMENT_CATEGORIES.to_owned()),
        code: name.to_owned(),
    };
    let anybodys = filing::category(emr, (Filer::Staff(0), None), Some(&token)).await?;
    Ok(anybodys.is_none())
}

/// What is asked of one that is kept, or of a new one: a Questionnaire has no word for some of what a form says.
fn of_held(ask: KeepAsk, held: Option<&Questionnaire>) -> KeepAsk {
    match ask.told {
        Told::Lines => ask,
        Told::Questionnaire => {
            let body = held.map_or("", |held| held.body.as_str());
            let (written, _) = parse::form(body);
            let shown = parse::filled(written.clone(), &known::nobody());
            let questions = restored::restored(ask.questions, (&shown, &written));
            KeepAsk { questions, ..ask }
        }
    }
}

/// Keeps a template as a permit allows: a new one, or another state of one of this house.
///
/// # Errors
/// `Conflict` where somebody else changed it at the same moment; otherwise as [`Tx::run`].
pub(super) async fn apply(emr: &Emr, tx: &mut Tx, case: &KeepCase) -> Answer<Written> {
    let new = &case.ask;
    let body = super::blank(&new.questions);
    let mut kept = Kept {
        title: &new.title,
        category: &new.category,
        body: &body,
        active: i64::from(new.offered.unwrap_or(true)),
        made_by: case.by.unwrap_or_default(),
        at: reviews::millis(emr.now()),
    };
    match &case.before {
        Before::Nothing => questionnaires::insert(tx, new.id, &kept).await?,
        Before::Ours(seen) => {
            let held = questionnaires::hold(tx, new.id).await?;
            let held = held.filter(|held| held.seen() == *seen);
            let held = held.ok_or_else(|| Refusal::Conflict(MEANWHILE.to_owned()))?;
            if new.offered.is_none() {
                kept.active = held.active;
            }
            // What is retired, or offered again, asks what it asked: answers to it are taken as before.
            if held.says((kept.title, kept.category, kept.body)) {
                kept.at = held.changed;
            }
            questionnaires::update(tx, new.id, &kept).await?;
        }
        Before::OpenEmrs => return Err(Refusal::NotFound.into()),
    }
    Ok(Written::Record(new.id))
}

/// Takes a template out of what is offered, or puts it back; whether there is one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn offer(tx: &mut Tx, (id, offered): (Uuid, i64)) -> Answer<bool> {
    questionnaires::offer(tx, id, offered).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f155_what_is_not_known_of_somebody_leaves_the_ids_as_they_are() {
        let text = "{PatientPhone}\nName: {TextInput}\nSince: {DatePicker}";
        let ids = |known: &Known| {
            let asked = asked(text, Some(known));
            let ids = asked.items().map(|item| item.id.clone());
            ids.collect::<Vec<String>>()
        };
        let plain = ids(&known::nobody());
        assert_eq!(plain, ["2", "3"]);
        assert_eq!(ids(&vec![("PatientPhone", String::new())]), plain);
    }
}
