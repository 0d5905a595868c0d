//! The practice's own lists of codes, as it keeps them today: categories of the calendar and of documents, and the marks
//! of the calendar.

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::people::tidy;

/// Inactive categories are in it too: old visits have them. Patients book `pc_cattype` 0, except the category for those
/// who did not come (OpenEMR facts 1.5 and 2.6).
const CALENDAR: &str = "SELECT c.pc_constant_id AS constant, CAST(c.pc_catid AS CHAR) AS number, c.pc_catname AS name, \
    CASE WHEN c.pc_active = 1 AND c.pc_cattype = 0 AND COALESCE(c.pc_constant_id, '') <> 'no_show' THEN 1 ELSE 0 END \
    AS chosen FROM openemr_postcalendar_categories c ORDER BY c.pc_catid";

/// The root of the tree is no category anybody files into. Patients' uploads go to one of the portal's.
const DOCUMENTS: &str = "SELECT NULL AS constant, c.name AS number, c.name AS name, 1 AS chosen FROM categories c \
    WHERE c.parent > 0 AND TRIM(COALESCE(c.name, '')) <> '' ORDER BY c.id";

/// What OpenEMR's calendar can say of a visit.
const MARKS: &str = "SELECT NULL AS constant, l.option_id AS number, l.title AS name, 1 AS chosen FROM list_options l \
    WHERE l.list_id = 'apptstat' AND l.activity = 1 ORDER BY l.seq, l.option_id";

/// One of the practice's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Categories of the calendar.
    Calendar,
    /// Categories of documents.
    Documents,
    /// Marks of the calendar.
    Marks,
}

/// One code of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The code.
    pub code: String,
    /// The words for people.
    pub display: String,
    /// Whether it may be chosen today, by a patient where patients choose.
    pub chosen: bool,
}

#[derive(FromRow)]
struct Row {
    constant: Option<String>,
    number: Option<String>,
    name: Option<String>,
    chosen: i64,
}

/// The codes of a list, each once.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn terms(emr: &Emr, list: List) -> Answer<Vec<Term>> {
    let sql = match list {
        List::Calendar => CALENDAR,
        List::Documents => DOCUMENTS,
        List::Marks => MARKS,
    };
    let rows: Vec<Row> = emr.db.all(Sql::new(sql)).await?;
    let mut terms: Vec<Term> = Vec::with_capacity(rows.len());
    for row in rows {
        let constant = Some(tidy(row.constant)).filter(|constant| !constant.is_empty());
        let code = constant.unwrap_or_else(|| tidy(row.number));
        if code.is_empty() || terms.iter().any(|known| known.code == code) {
            continue;
        }
        let display = Some(tidy(row.name)).filter(|name| !name.is_empty());
        terms.push(Term {
            display: display.unwrap_or_else(|| code.clone()),
            code,
            chosen: row.chosen == 1,
        });
    }
    Ok(terms)
}
