//! Templates of forms: OpenEMR's own (`document_templates`, 7.0 and later), which are changed there, and those made here. A
//! Questionnaire that was sent is kept in a table of this house: version 6.1 has no table of templates, and in later ones
//! OpenEMR's portal would show its JSON to patients as a form.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::forms::Questions;
use crate::domain::forms::Source;
use crate::domain::forms::Template;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::composed;
use crate::emr::composed::Kind;
use crate::emr::composed::Parts;
use crate::emr::forms::known;
use crate::emr::forms::parse;
use crate::emr::forms::parse::Known;
use crate::emr::people::tidy;
use crate::emr::tasks;
use crate::store::questionnaires;
use crate::store::questionnaires::Questionnaire;
use crate::store::reviews;

/// A template of all patients has the pid 0, one of the repository -1; those of a profile or of one patient are copies of
/// these. A PDF asks nothing.
const OPENEMR: &str =
    "SELECT CAST(id AS SIGNED) AS id, CAST(modified_date AS CHAR) AS at, category, template_name, ";
const CONTENT: &str = "template_content";
const NO_CONTENT: &str = "NULL AS template_content";
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

/// The table OpenEMR has, and 6.1 has not.
const TABLE: &str = "document_templates";

/// The directives that stand for what the chart says of the patient, as they are written.
pub fn directives() -> Vec<String> {
    let names = parse::FILLED.iter().map(|(name, _)| name);
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
        found.extend(rows.into_iter().map(|row| row.template(emr, &nobody)));
    }
    let own = questionnaires::titles(&emr.db).await?;
    found.extend(own.into_iter().map(|one| house(emr, one, &nobody)));
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
    one(emr, id, &known::nobody()).await
}

/// One template as it is written, to be changed.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn written(emr: &Emr, id: Uuid) -> Answer<Option<Template>> {
    one(emr, id, &Known::new()).await
}

/// One template, filled in.
pub(super) async fn one(emr: &Emr, id: Uuid, known: &Known) -> Answer<Option<Template>> {
    let row = composed::parts(Kind::Template, id).and_then(|parts| i64::try_from(parts.row).ok());
    match row {
        Some(_) if !emr.layout.has_table(TABLE) => Ok(None),
        Some(row) => {
            let sql = Sql::new(OPENEMR).push(CONTENT).push(FROM);
            let sql = sql.push(" AND id = ?").bind(row);
            let found: Option<Row> = emr.db.one(sql).await?;
            Ok(found.map(|row| row.template(emr, known)))
        }
        None => {
            let found = questionnaires::one(&emr.db, id).await?;
            Ok(found.map(|one| house(emr, one, known)))
        }
    }
}

fn house(emr: &Emr, one: Questionnaire, known: &Known) -> Template {
    let (questions, _) = parse::form(&one.body);
    let questions = parse::filled(questions, known);
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
    fn template(self, emr: &Emr, known: &Known) -> Template {
        let parts = Parts {
            row: self.id.unsigned_abs(),
            at: 0,
            extra: 0,
        };
        let content = self.template_content.unwrap_or_default();
        let at = self.at.as_deref().and_then(tasks::written);
        Template {
            uuid: composed::id(Kind::Template, parts),
            source: Source::OpenEmr(self.id),
            title: tidy(self.template_name),
            category: tidy(Some(self.category)),
            active: true,
            questions: parse::template(&String::from_utf8_lossy(&content), known),
            changed: at.and_then(|at| emr.zone.told(Some(at))),
        }
    }
}

/// A template that is made here, or made anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTemplate {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// The category of the chart that is proposed.
    pub category: String,
    /// What it asks.
    pub questions: Questions,
    /// Who made it, as FHIR id.
    pub made_by: Uuid,
}

/// Keeps a template: a new one, or another state of one of this house; how many rows that were.
///
/// # Errors
/// As [`Tx::run`].
pub async fn keep(emr: &Emr, tx: &mut Tx, new: &NewTemplate) -> Answer<()> {
    let body = super::blank(&new.questions);
    let at = reviews::millis(emr.now());
    questionnaires::keep(
        tx,
        (new.id, new.made_by),
        (&new.title, &new.category, &body),
        at,
    )
    .await
}

/// Takes a template out of what is offered, or puts it back; whether there is one.
///
/// # Errors
/// As [`Tx::run`].
pub async fn offer(emr: &Emr, tx: &mut Tx, (id, offered): (Uuid, i64)) -> Answer<bool> {
    let at = reviews::millis(emr.now());
    questionnaires::offer(tx, id, (offered, at)).await
}
