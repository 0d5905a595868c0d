//! Filing a file that was received: ask, case, verdict and permit as for every write, then the rows and the ledger. A caller
//! who goes away, or is told that it took too long, leaves nothing half done: what writes goes on to its end
//! (`http::limits`).

use uuid::Uuid;

use crate::crypto;
use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::emr::spool::Spool;
use crate::emr::writing;
use crate::emr::writing::Written;
use crate::portal;
use crate::portal::Ask;
use crate::portal::Permit;
use crate::portal::document::DocumentAsk;
use crate::portal::document::Paper;
use crate::portal::document::Source;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit::Settled;
use crate::rest::repeat::Repeat;
use crate::rest::write;
use crate::rest::write::Target;
use crate::store::ledger;
use crate::store::ledger::Entry;

/// A file on its way into a chart.
pub struct Handed {
    /// What is known about it.
    pub paper: Paper,
    /// Where its bytes lie until they are filed, which go away with it; none where they are in memory.
    pub spool: Option<Spool>,
    /// What makes the form it came with another than the next; empty where nothing does.
    pub ticket: String,
}

/// Files it. The same file of the same form is filed once, however often it is sent; the ledger has a line of a no as well.
///
/// # Errors
/// `Forbidden` where the grant does not open it, `Rules` with every broken rule.
pub async fn file(rest: &Rest<'_>, handed: Handed) -> Answer<Uuid> {
    let repeat = repeat(rest, &handed)?;
    if let Some(filed) = before(rest, repeat.as_ref()).await? {
        return Ok(filed);
    }
    let Handed {
        paper,
        spool: _spool,
        ..
    } = handed;
    let target = (ResourceType::Binary, Target::New(paper.id));
    let patient = paper.patient;
    let (permit, entry) = match permitted(rest, paper).await {
        Ok(permitted) => permitted,
        Err(Failure::Refused(refusal)) => {
            if let Some(mut line) = write::refusal_line(rest, target, &refusal) {
                line.patient = Some(patient);
                ledger::record_all(&rest.emr.db, &[line]).await?;
            }
            return Err(refusal.into());
        }
        Err(broken) => return Err(broken),
    };
    let work = Work {
        rest,
        permit,
        entry,
        repeat: repeat.as_ref(),
    };
    match filed(&work).await? {
        Some(filed) => Ok(filed),
        None => {
            let filed = before(rest, repeat.as_ref()).await?;
            let gone = || Fault::new("filing a document", "it was filed and is not there");
            Ok(filed.ok_or_else(gone)?)
        }
    }
}

/// What tells that the same form sends the same file for the same place again.
fn repeat(rest: &Rest<'_>, handed: &Handed) -> Result<Option<Repeat>, Refusal> {
    let paper = &handed.paper;
    let Source::Spooled(received) = &paper.bytes else {
        return Ok(None);
    };
    if handed.ticket.is_empty() {
        return Ok(None);
    }
    let category = paper.category.as_ref();
    let category = category.map_or("", |category| category.code.as_str());
    let patient = paper.patient.to_string();
    let said = [
        handed.ticket.as_str(),
        patient.as_str(),
        category,
        paper.name.as_str(),
        received.hash.as_str(),
    ];
    let key = crypto::fingerprint(&said.join("\n"));
    Repeat::of(rest, &key, &[b"document"]).map(Some)
}

/// What the form filed before.
async fn before(rest: &Rest<'_>, repeat: Option<&Repeat>) -> Answer<Option<Uuid>> {
    let Some(repeat) = repeat else {
        return Ok(None);
    };
    let done = repeat.before(rest).await?.unwrap_or_default();
    Ok(done.into_iter().next().map(|settled| settled.id))
}

/// The permit, and the ledger's line without the id that the document is to get.
async fn permitted(rest: &Rest<'_>, paper: Paper) -> Answer<(Permit, Entry)> {
    let reach = rest
        .grant
        .reach(ResourceType::Binary, Interaction::Create)?;
    let mut entry = rest.entry("Binary.create".to_owned(), String::new());
    entry.patient = Some(paper.patient);
    let ask = (Ask::Document(DocumentAsk::File(paper)), rest.rules);
    let case = writing::case(rest.emr, rest.grant, &reach, ask).await?;
    Ok((portal::decide(case).permit()?, entry))
}

/// What a transaction looks at.
struct Work<'a> {
    rest: &'a Rest<'a>,
    permit: Permit,
    entry: Entry,
    repeat: Option<&'a Repeat>,
}

/// The rows and the ledger, and what is outside the database after them; `None` where the same form was faster.
async fn filed(work: &Work<'_>) -> Answer<Option<Uuid>> {
    let emr = work.rest.emr;
    let done = emr
        .db
        .transaction_about(work, |work, tx| Box::pin(written(work, tx)))
        .await;
    match done {
        Ok(Some(_)) => writing::settled(emr, &work.permit).await,
        Ok(None) | Err(_) => writing::undo(emr, &work.permit).await,
    }
    done
}

async fn written(work: &Work<'_>, tx: &mut Tx) -> Answer<Option<Uuid>> {
    if let Some(repeat) = work.repeat
        && !repeat.claim(tx, work.rest).await?
    {
        return Ok(None);
    }
    let Written::Record(id) = writing::apply(work.rest.emr, tx, &work.permit).await? else {
        return Err(Refusal::NotFound.into());
    };
    if let Some(repeat) = work.repeat {
        let made = Settled {
            kind: ResourceType::DocumentReference,
            id,
            how: How::Created,
        };
        repeat.settle(tx, &[made]).await?;
    }
    let mut entry = work.entry.clone();
    entry.resource = format!("Binary/{id}");
    ledger::record(tx, &entry).await?;
    Ok(Some(id))
}
