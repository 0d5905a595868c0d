//! The categories a patient can be booked in (`openemr_postcalendar_categories`, OpenEMR facts 1.5 and 2.6).

use sqlx::FromRow;

use crate::db::sql::Sql;
use crate::domain::people::Code;
use crate::domain::refusal::Answer;
use crate::domain::scope::Token;
use crate::emr::Emr;
use crate::emr::calendar::CATEGORY_SYSTEM;
use crate::emr::people::tidy;
use crate::emr::predicates;

/// Of patients (`pc_cattype` 0), in use, and not the one that says that somebody did not come. The number is unsigned.
const BOOKABLE: &str = "SELECT CAST(pc_catid AS SIGNED) AS id, pc_constant_id AS constant, pc_catname AS name, pc_duration AS seconds \
    FROM openemr_postcalendar_categories WHERE pc_active = 1 AND pc_cattype = 0 \
    AND COALESCE(pc_constant_id, '') <> 'no_show' ORDER BY pc_seq, pc_catid";

/// What a visit is where nobody says.
const DEFAULT: &str = "office_visit";

#[derive(FromRow)]
struct Row {
    id: i64,
    constant: Option<String>,
    name: Option<String>,
    seconds: i64,
}

/// A category a visit can be booked in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::emr) struct Category {
    /// `pc_catid`
    pub(in crate::emr) row: i64,
    pub(in crate::emr) code: Code,
    /// How long such a visit is.
    pub(in crate::emr) seconds: i64,
}

/// All of them, in the practice's order.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub(in crate::emr) async fn bookable(emr: &Emr) -> Answer<Vec<Category>> {
    let rows: Vec<Row> = emr.db.all(Sql::new(BOOKABLE)).await?;
    let categories = rows.into_iter().map(|row| {
        let constant = row.constant.filter(|constant| !constant.is_empty());
        Category {
            row: row.id,
            code: Code {
                system: CATEGORY_SYSTEM,
                code: constant.unwrap_or_else(|| row.id.to_string()),
                display: tidy(row.name),
            },
            seconds: row.seconds,
        }
    });
    Ok(categories.collect())
}

/// The one a visit has where none is named; the first where the practice has no Office Visit.
pub(in crate::emr) fn usual(categories: &[Category]) -> Option<&Category> {
    let named = categories
        .iter()
        .find(|category| category.code.code == DEFAULT);
    named.or_else(|| categories.first())
}

impl Category {
    /// Whether a token asks for it, by code or by the practice's number.
    pub(in crate::emr) fn is_asked(&self, token: &Token) -> bool {
        predicates::asks_for(token, CATEGORY_SYSTEM, &self.code.code)
            || predicates::asks_for(token, CATEGORY_SYSTEM, &self.row.to_string())
    }
}
