//! The documents messages carry (`anteroom_attachment`): `onsite_mail` has no room for any. Whoever reads a message is told
//! of those they may see, by the very rules documents are found by.

use std::collections::HashMap;

use sqlx::FromRow;

use crate::db::Tx;
use crate::db::sql::Sql;
use crate::domain::access::Reach;
use crate::domain::records::Attached;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::documents::carried;
use crate::emr::mail::letter;

const OF: &str = "SELECT mail, document FROM anteroom_attachment WHERE mail IN ";

const ADD: &str = "anteroom_attachment (mail, document) VALUES (?, ?)";

#[derive(FromRow)]
struct Line {
    mail: i64,
    document: i64,
}

/// What some messages carry.
#[derive(Debug, Default)]
pub(in crate::emr) struct Carried(HashMap<i64, Vec<Attached>>);

impl Carried {
    /// The documents of a message that its reader may see.
    pub(in crate::emr) fn of(&self, mail: i64) -> Vec<Attached> {
        self.0.get(&mail).cloned().unwrap_or_default()
    }

    /// The body of a message without what it says about documents.
    pub(in crate::emr) fn body<'b>(&self, mail: i64, body: &'b str) -> &'b str {
        match self.0.contains_key(&mail) {
            true => letter::without_documents(body),
            false => body,
        }
    }
}

/// What these messages carry, for whoever has this reach into the patient's record.
pub(in crate::emr) async fn of(
    emr: &Emr,
    reach: &Reach,
    mails: impl Iterator<Item = i64>,
) -> Answer<Carried> {
    let mails: Vec<i64> = mails.collect();
    if mails.is_empty() {
        return Ok(Carried::default());
    }
    let lines: Vec<Line> = emr.db.all(Sql::new(OF).list(mails)).await?;
    let seen = match lines.is_empty() {
        true => Vec::new(),
        false => {
            let rows = lines.iter().map(|line| line.document);
            carried::carried(emr, reach, rows.collect()).await?
        }
    };
    let mut carried = Carried::default();
    for line in lines {
        let known = carried.0.entry(line.mail).or_default();
        let found = seen.iter().find(|(row, _)| *row == line.document);
        known.extend(found.map(|(_, attached)| attached.clone()));
    }
    Ok(carried)
}

/// Notes that a copy of a message carries a document.
pub(in crate::emr) async fn add(tx: &mut Tx, (mail, document): (i64, i64)) -> Answer<()> {
    let sql = Sql::new(tx.insert_new()).push(ADD);
    tx.run(sql.bind(mail).bind(document)).await.map(|_| ())
}
