//! The templates as Questionnaires: all of them for staff, and for a patient those that were put before them.

use sqlx::FromRow;
use uuid::Uuid;

use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::forms::Form;
use crate::domain::forms::Item;
use crate::domain::forms::Kind;
use crate::domain::forms::Questions;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::forms::parse;
use crate::emr::forms::rows;
use crate::emr::forms::templates;
use crate::emr::forms::written;

/// What was put before a patient, as long as the form is there.
const PUT: &str = "SELECT DISTINCT f.template FROM anteroom_form f \
    JOIN onsite_documents d ON d.id = f.document AND d.pid = f.pid JOIN patient_data p ON p.pid = f.pid \
    WHERE f.pid = ? AND p.uuid = ? AND f.template <> ''";

/// What a form was made of. Where charts were merged it is in another one than it was put into.
const MADE_OF: &str = "SELECT template, created FROM anteroom_form WHERE document = ?";

#[derive(FromRow)]
struct Put {
    template: String,
}

#[derive(FromRow)]
struct Made {
    template: String,
    created: i64,
}

/// A page of Questionnaires, by id.
///
/// # Errors
/// `Unsupported` for any filter; otherwise as [`crate::db::Db::all`].
pub(in crate::emr) async fn find(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    if !query.filters.is_empty() {
        let why = "Questionnaire has no such search parameter.";
        return Err(Refusal::Unsupported(why.to_owned()).into());
    }
    if query.count == 0 || reach.filters().is_some() {
        return Ok(Page {
            records: Vec::new(),
            next: None,
        });
    }
    let mut ids = match &query.ids {
        Some(ids) => ids.clone(),
        None => templates::ids(emr).await?,
    };
    if let Some(person) = reach.patient() {
        let theirs = put_before(emr, person).await?;
        ids.retain(|id| theirs.contains(id));
    }
    ids.sort_unstable();
    ids.dedup();
    if let Some(after) = &query.after {
        let last = Uuid::try_parse(&after.key).unwrap_or_default();
        ids.retain(|id| *id > last);
    }
    let count = usize::try_from(query.count).unwrap_or(usize::MAX);
    let more = ids.len() > count;
    ids.truncate(count);
    let next = ids.last().filter(|_| more).map(|last| Cursor {
        key: last.to_string(),
        row: 0,
    });
    let mut found = templates::several(emr, &ids).await?;
    found.sort_by_key(|one| one.uuid);
    let records = found.into_iter();
    Ok(Page {
        records: records
            .map(|one| Record::Questionnaire(Box::new(one)))
            .collect(),
        next,
    })
}

/// What was put before a patient here.
async fn put_before(emr: &Emr, person: Person) -> Answer<Vec<Uuid>> {
    let sql = Sql::new(PUT).bind(person.pid).bind(person.uuid);
    let rows: Vec<Put> = emr.db.all(sql).await?;
    let ids = rows.iter().map(|row| Uuid::try_parse(&row.template));
    Ok(ids.filter_map(Result::ok).collect())
}

/// Whether a form asks what this Questionnaire asks: it was made of it, and what it was made of is as it was then, or was
/// changed since and says the same. `form` is within the reach of whoever asks.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn is_of(emr: &Emr, form: &Form, named: Uuid) -> Answer<bool> {
    let made: Option<Made> = emr.db.one(Sql::new(MADE_OF).bind(form.row)).await?;
    // OpenEMR may give the number of a form that was deleted to another one.
    let made = made.filter(|row| !rows::is_anothers(form.created, row.created));
    let made = made.and_then(|row| Uuid::try_parse(&row.template).ok());
    if made != Some(named) {
        return Ok(false);
    }
    let Some(template) = templates::of_patient(emr, named, form.person).await? else {
        return Ok(false);
    };
    let times = template.changed.zip(form.created);
    let as_it_was = times.is_some_and(|(changed, put)| changed < put);
    let (now, _) = parse::form(&written::blank(&template.questions));
    let put = &form.questions;
    Ok(now.parts == put.parts || (as_it_was && asks(&now, put)))
}

/// Whether a form asks the same by the same names: what stands there of the patient may have changed since.
fn asks(now: &Questions, put: &Questions) -> bool {
    let same = |(now, put): (&Item, &Item)| {
        // A day that was typed as OpenEMR does not write one is kept as a line.
        let typed = now.kind == Kind::Date && put.kind == Kind::Line;
        now.id == put.id && now.required == put.required && (now.kind == put.kind || typed)
    };
    now.items().count() == put.items().count() && now.items().zip(put.items()).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forms::outline;

    #[test]
    fn f153_a_form_asks_the_same_by_the_same_items() {
        let put = outline::read("Ana\n- Where *\n-d Day\n-o Side | Left | Right").expect("a form");
        for (text, same) in [
            (
                "Ana Kim\n- Where to *\n-d Day\n-o Side | Left | Right",
                true,
            ),
            ("Ana\n- Where\n-d Day\n-o Side | Left | Right", false),
            ("Ana\n-- Where *\n-d Day\n-o Side | Left | Right", false),
            ("Ana\n- Where *\n-d Day\n-o Side | Left | Wrong", false),
            ("Ana\n- Where *\n-d Day", false),
            ("- Where *\n-d Day\n-o Side | Left | Right", false),
            ("Ana\n- Where *\n- Day\n-o Side | Left | Right", false),
        ] {
            let now = outline::read(text).expect("a form");
            assert_eq!(asks(&now, &put), same, "{text}");
        }
        let typed = outline::read("Ana\n- Where *\n- Day\n-o Side | Left | Right").expect("a form");
        assert!(asks(&put, &typed));
    }
}
