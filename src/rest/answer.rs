//! What a write is answered with: the record as it is now, nothing, or a sentence; and a request as a whole.

use uuid::Uuid;

use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Failure;
use crate::domain::refusal::Refusal;
use crate::domain::scope::Interaction;
use crate::fhir::outcome;
use crate::rest::Answered;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit;
use crate::rest::commit::Committed;
use crate::rest::commit::Settled;
use crate::rest::read;
use crate::rest::records;
use crate::rest::repeat::Repeat;
use crate::rest::write;
use crate::rest::write::Request;
use crate::rest::write::Target;

/// How often a request is decided anew where others were first.
const TRIES: u32 = 5;

/// `Prefer: return=` (R4 http, 3.1.0.1.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Nothing but the headers.
    Minimal,
    /// The resource.
    #[default]
    Representation,
    /// A sentence about what was done.
    Outcome,
}

/// One request from its body to its answer.
///
/// # Errors
/// As [`write::prepare`] and [`commit::commit`].
pub async fn write(
    rest: &Rest<'_>,
    request: Request,
    (repeat, wanted): (Option<&Repeat>, Wanted),
) -> Answer<Answered> {
    let settled = match once(rest, &request, repeat).await {
        Ok(settled) => settled,
        Err(Failure::Refused(refusal)) => {
            // The same request may have been done while this one was looked at: then this is why it was refused.
            if let Some(repeat) = repeat
                && !write::is_of_the_key(&refusal)
                && let Some(done) = first(repeat, rest).await?
            {
                return answer(rest, done, wanted).await;
            }
            write::refused(rest, (request.kind, request.target), &refusal).await?;
            return Err(refusal.into());
        }
        Err(broken) => return Err(broken),
    };
    answer(rest, settled, wanted).await
}

async fn first(repeat: &Repeat, rest: &Rest<'_>) -> Answer<Option<Settled>> {
    let done = repeat.before(rest).await?;
    Ok(done.and_then(|done| done.into_iter().next()))
}

async fn once(rest: &Rest<'_>, request: &Request, repeat: Option<&Repeat>) -> Answer<Settled> {
    for _ in 0..TRIES {
        if let Some(repeat) = repeat
            && let Some(done) = first(repeat, rest).await?
        {
            return Ok(done);
        }
        let prepared = [write::prepare(rest, request.clone()).await?];
        if let Committed::Done(settled) = commit::commit(rest, &prepared, repeat).await?
            && let Some(settled) = settled.into_iter().next()
        {
            return Ok(settled);
        }
    }
    Err(Refusal::Unavailable("Too many equal requests at once.").into())
}

/// The answer to what was done: the record is read again under the caller's reach for reading, which may not open it.
///
/// # Errors
/// As [`records::read`], except for what the caller cannot read.
pub async fn answer(rest: &Rest<'_>, settled: Settled, wanted: Wanted) -> Answer<Answered> {
    let Settled { kind, id, how } = settled;
    let url = rest.base.of(kind, id);
    if how == How::Accepted {
        let words = format!(
            "The practice has to agree first: staff will look at this. Task/{id} tells what became of it."
        );
        let mut answer = said(how, &words);
        answer.location = Some(url);
        return Ok(answer);
    }
    let mut answer = match present(rest, (kind, id)).await? {
        Some(answer) => answer,
        None => {
            let mut answer = said(how, "Done. The token's scope does not open the result.");
            answer.location = (how == How::Created).then_some(url);
            return Ok(answer);
        }
    };
    answer.how = how;
    let version = answer.version.clone().unwrap_or_default();
    if matches!(how, How::Created | How::Existing) {
        answer.location = Some(format!("{url}/_history/{version}"));
    }
    match wanted {
        Wanted::Representation => {}
        Wanted::Minimal => answer.body = Vec::new(),
        Wanted::Outcome => {
            let words = match how {
                How::Created => "It was made.",
                How::Existing => "It exists already: nothing was made.",
                _ => "It was changed.",
            };
            answer.body = outcome::information(words);
        }
    }
    Ok(answer)
}

fn said(how: How, words: &str) -> Answered {
    let mut answer = Answered::found(outcome::information(words));
    answer.how = how;
    answer
}

async fn present(rest: &Rest<'_>, (kind, id): (ResourceType, Uuid)) -> Answer<Option<Answered>> {
    let Ok(reach) = rest.grant.reach(kind, Interaction::Read) else {
        return Ok(None);
    };
    match records::read(rest, &reach, id).await {
        Ok(record) => read::shown(rest, &record).map(Some),
        Err(Failure::Refused(Refusal::NotFound)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Rest<'_> {
    /// An id for a new record.
    ///
    /// # Errors
    /// As [`crate::crypto::Entropy::fill`].
    pub fn target(&self) -> Answer<Target> {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes)?;
        let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
        Ok(Target::New(id))
    }
}
