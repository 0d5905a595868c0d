//! An empty OpenEMR practice in a temporary SQLite file, for the tests of this room.

use std::path::PathBuf;
use std::sync::Arc;

use time::macros::datetime;
use uuid::Uuid;

use crate::db::Db;
use crate::domain::ResourceType;
use crate::domain::access::Grant;
use crate::domain::access::LaunchContext;
use crate::domain::access::Reach;
use crate::domain::access::User;
use crate::domain::people::Person;
use crate::domain::query::Cursor;
use crate::domain::query::Page;
use crate::domain::query::Query;
use crate::domain::records::Record;
use crate::domain::refusal::Answer;
use crate::domain::scope::Interaction;
use crate::domain::scope::Scope;
use crate::emr::Emr;
use crate::emr::documents;

/// The practice, opened at 2026-11-21 15:00 in New York, and its folder, which goes away with it.
pub(super) struct Fixture {
    pub(super) emr: Emr,
    pub(super) folder: PathBuf,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Fixture {
    /// Opens the practice after running a script of inserts.
    pub(super) async fn with(script: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("anteroom-{}", super::uuids::fresh()));
        let documents = folder.join("documents");
        std::fs::create_dir_all(&documents).expect("a temporary folder");
        let url = format!("sqlite://{}", folder.join("practice.db").display());
        let db = Db::open(&url, None).await.expect("opens");
        db.migrate().await.expect("migrates");
        db.script(script).await.expect("inserts");
        let clock = Arc::new(|| datetime!(2026-11-21 20:00 UTC));
        let emr = Emr::open(db, Some(documents), "America/New_York", clock)
            .await
            .expect("the layout is whole");
        Self { emr, folder }
    }
}

/// What a patient with the id `pid` (also as uuid) reaches under a scope.
pub(super) fn reach(pid: i64, scope: &str, kind: ResourceType, interaction: Interaction) -> Reach {
    let person = Person {
        pid,
        uuid: Uuid::from_u128(u128::from(pid.unsigned_abs())),
    };
    let context = LaunchContext {
        patient: Some(person),
        encounter: None,
    };
    granted(User::Patient(person), context, scope)
        .reach(kind, interaction)
        .expect("the scope opens it")
}

/// What a backend service reaches under a scope: the whole practice.
pub(super) fn wide(scope: &str, kind: ResourceType, interaction: Interaction) -> Reach {
    granted(User::System, LaunchContext::default(), scope)
        .reach(kind, interaction)
        .expect("the scope opens it")
}

/// What a user was granted.
pub(super) fn granted(user: User, context: LaunchContext, scope: &str) -> Grant {
    let names = ("grant".to_owned(), "app".to_owned());
    Grant::stored(names, user, context, Scope::list(scope))
}

/// The documents of a chart alone, without its forms: what the statement of this room finds.
pub(super) async fn documents_of(emr: &Emr, reach: &Reach, query: &Query) -> Answer<Page<Record>> {
    let (placed, more) = documents::found(emr, reach, query).await?;
    let next = placed.last().filter(|_| more).map(|(key, row, _)| Cursor {
        key: key.clone(),
        row: *row,
    });
    Ok(Page {
        records: placed.into_iter().map(|(_, _, record)| record).collect(),
        next,
    })
}
