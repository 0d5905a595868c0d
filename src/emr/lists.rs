//! OpenEMR's code lists (`list_options`), as far as a resource needs them: option id to words and codes.

use std::collections::HashMap;

use sqlx::FromRow;

use crate::db::Db;
use crate::db::sql::Sql;
use crate::domain::refusal::Answer;

/// The lists that are kept in memory.
const NAMES: [&str; 7] = [
    "race",
    "ethnicity",
    "language",
    "marital",
    "sex",
    "gender_identity",
    "tribal_affiliations",
];

/// Inactive options are read too: old charts still hold them.
const READ: &str =
    "SELECT list_id, option_id, title, notes, codes FROM list_options WHERE list_id IN ";

/// One option of a list.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct ListOption {
    list_id: String,
    option_id: String,
    /// The words staff see.
    pub title: Option<String>,
    /// For race, ethnicity and language the code itself; for marital status the HL7 letter.
    pub notes: Option<String>,
    /// `SYSTEM:code`, or empty.
    pub codes: Option<String>,
}

/// The options by list and option id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lists(HashMap<(String, String), ListOption>);

impl Lists {
    /// Reads the lists.
    ///
    /// # Errors
    /// As [`Db::all`].
    pub async fn read(db: &Db) -> Answer<Self> {
        let rows: Vec<ListOption> = db.all(Sql::new(READ).list(NAMES)).await?;
        let keyed = rows.into_iter().map(|row| {
            let key = (row.list_id.clone(), row.option_id.to_lowercase());
            (key, row)
        });
        Ok(Self(keyed.collect()))
    }

    /// The ids of a list's options, in the order of the alphabet.
    pub fn ids(&self, list: &str) -> Vec<&str> {
        let of = self.0.values().filter(|option| option.list_id == list);
        let mut ids: Vec<&str> = of.map(|option| option.option_id.as_str()).collect();
        ids.sort_unstable();
        ids
    }

    /// An option; ids are compared without case, as the database's collation does.
    pub fn option(&self, list: &str, id: &str) -> Option<&ListOption> {
        self.0.get(&(list.to_owned(), id.to_lowercase()))
    }
}
