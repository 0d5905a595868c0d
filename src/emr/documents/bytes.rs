//! The bytes of a document: whole, or as a file that is read while it is sent. Nothing is given out before its hash was
//! compared with the one OpenEMR stored.

use std::time::Duration;

use tokio::fs::File;
use uuid::Uuid;

use crate::domain::access::Reach;
use crate::domain::people::Person;
use crate::domain::query::Query;
use crate::domain::records::Content;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::emr::Emr;
use crate::emr::cipher::DatabaseKeys;
use crate::emr::documents::Row;
use crate::emr::documents::rows;
use crate::emr::documents::statement;
use crate::emr::documents::typed::media_type;
use crate::emr::files;
use crate::emr::files::Stored;
use crate::emr::plain;
use crate::emr::plain::PATIENCE;
use crate::emr::plain::Place;

/// A document that can be sent.
pub struct Opened {
    /// Whose chart it is in.
    pub person: Person,
    /// What is known about it; its own bytes are empty.
    pub about: Content,
    /// How many bytes there are.
    pub length: u64,
    /// The same for the same bytes, and for no others: OpenEMR's hash of them, or id, length and date.
    pub tag: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// Where they are.
pub enum Bytes {
    /// In memory, where they were made.
    Whole(Vec<u8>),
    /// A file, at its beginning. One of decrypted bytes has a place of which there are few, and must not outlive it.
    File(File, Option<Place>),
}

impl Opened {
    /// The same with its bytes in memory, for which it needs no place any more.
    ///
    /// # Errors
    /// A fault where they cannot be read.
    pub async fn content(self) -> Result<Content, Fault> {
        let bytes = match self.bytes {
            Bytes::Whole(bytes) => bytes,
            Bytes::File(file, _place) => files::all_of(file).await?,
        };
        Ok(Content {
            bytes,
            ..self.about
        })
    }
}

/// A document of the chart with its bytes, decrypted and checked. Where they cannot be had the caller learns no more
/// than that, and the log why.
pub(in crate::emr) async fn open(
    emr: &Emr,
    reach: &Reach,
    (id, patience): (Uuid, Duration),
) -> Answer<Opened> {
    let sql = statement(emr, reach, &Query::one(id)).await?;
    let row = rows(emr, sql).await?.into_iter().next();
    // What was refused is told of, and has no bytes any more.
    let row = row.filter(|row| row.deleted == 0);
    let row = row.ok_or(Refusal::NotFound)?;
    let person = reach.person()?;
    match bytes(emr, reach, (&row, patience)).await? {
        Ok((bytes, length)) => Ok(Opened {
            person,
            tag: tag(&row, id, length),
            length,
            bytes,
            about: Content {
                uuid: id,
                name: row.name(),
                content_type: media_type(row.mimetype.as_deref()),
                bytes: Vec::new(),
                last_updated: emr.zone.told(row.date),
            },
        }),
        Err(fault) => {
            tracing::warn!(document = %id, %fault, "a document has no bytes to give");
            Err(Refusal::NotFound.into())
        }
    }
}

/// The same with the bytes in memory.
pub(in crate::emr) async fn content(emr: &Emr, reach: &Reach, id: Uuid) -> Answer<Content> {
    let opened = open(emr, reach, (id, PATIENCE)).await?;
    Ok(opened.content().await?)
}

/// Opens, decrypts and checks. The outer failure is that of the database.
async fn bytes(
    emr: &Emr,
    reach: &Reach,
    (row, patience): (&Row, Duration),
) -> Answer<Result<(Bytes, u64), Fault>> {
    let stored = row.stored();
    let file = match (&emr.documents, row.storagemethod) {
        (None, _) => Err(why("no documents folder is configured")),
        (Some(root), 0) => files::open(root, &stored)
            .await
            .map(|file| (file, root.clone())),
        (Some(_), _) => Err(why("it is stored in CouchDB, which is not read")),
    };
    let (file, root) = match file {
        Ok(found) => found,
        Err(fault) => return Ok(Err(fault)),
    };
    if !stored.encrypted {
        let checked = files::checked(file, &stored).await;
        return Ok(checked.map(|(file, length)| (Bytes::File(file, None), length)));
    }
    let keys = DatabaseKeys::read(&emr.db).await?;
    let place = emr.plains.place(reach.taker(), patience).await?;
    let turn = emr.cipher_turn().await?;
    let sealed = file.into_std().await;
    let work = move || plain::unsealed(sealed, &stored, (&keys, plain::empty(&root)));
    let (plain, (place, _turn)) = plain::at_work((place, turn), work).await?;
    Ok(plain?.map(|(file, length)| (Bytes::File(File::from_std(file), Some(place)), length)))
}

fn tag(row: &Row, id: Uuid, length: u64) -> String {
    let hash = row.hash.as_deref().unwrap_or_default().trim();
    match hash.get(..32) {
        Some(hash) if hash.bytes().all(|letter| letter.is_ascii_hexdigit()) => {
            hash.to_ascii_lowercase()
        }
        _ => format!("{}-{length}-{}", id.simple(), row.row_id),
    }
}

impl Row {
    pub(super) fn stored(&self) -> Stored {
        Stored {
            url: self.url.clone().unwrap_or_default(),
            depth: self.path_depth.unwrap_or(1),
            encrypted: self.encrypted != 0,
            hash: self.hash.clone().unwrap_or_default(),
            size: self.size,
        }
    }
}

fn why(text: &'static str) -> Fault {
    Fault::new("reading a document's file", text)
}
