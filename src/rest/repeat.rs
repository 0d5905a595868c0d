//! `Idempotency-Key`: a request that comes again is answered as before and not done again. Kept is where what it did is
//! found, never a body: the answer is made anew from the record.

use uuid::Uuid;

use crate::crypto;
use crate::db::Tx;
use crate::domain::ResourceType;
use crate::domain::refusal::Answer;
use crate::domain::refusal::Fault;
use crate::domain::refusal::Refusal;
use crate::rest::How;
use crate::rest::Rest;
use crate::rest::commit::Settled;
use crate::store::repeats;

/// Letters of a key at most.
const LONGEST: usize = 255;

/// The words each way of ending is kept by.
const WORDS: [(&str, How); 4] = [
    ("created", How::Created),
    ("updated", How::Updated),
    ("existing", How::Existing),
    ("accepted", How::Accepted),
];

/// A request that may come again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    name: String,
    request: String,
}

impl Repeat {
    /// A key, and the parts of the request it is for, whose order and bytes count.
    ///
    /// # Errors
    /// `Invalid` for a key that is not 1 to 255 visible ASCII characters.
    pub fn of(rest: &Rest<'_>, key: &str, parts: &[&[u8]]) -> Result<Self, Refusal> {
        let visible = key.bytes().all(|byte| byte.is_ascii_graphic());
        if key.is_empty() || key.len() > LONGEST || !visible {
            let why = "it is 1 to 255 visible ASCII characters";
            return Err(Refusal::invalid("Idempotency-Key", why));
        }
        let (user, client) = (rest.grant.user().reference(), rest.grant.client_id());
        // A digest of digests: no part can look like the end of another.
        let digests: Vec<u8> = parts.iter().flat_map(|part| crypto::sha256(part)).collect();
        Ok(Self {
            name: crypto::fingerprint(&format!("{user}\n{client}\n{key}")),
            request: crypto::base64url(&crypto::sha256(&digests)),
        })
    }

    /// The fingerprints of key and request, for what is kept beside this room.
    pub fn parts(&self) -> (&str, &str) {
        (&self.name, &self.request)
    }

    /// What the request did when it came before; `None` where it did not.
    ///
    /// # Errors
    /// `Unprocessable` where the key was another request's.
    pub async fn before(&self, rest: &Rest<'_>) -> Answer<Option<Vec<Settled>>> {
        let Some(earlier) = repeats::find(&rest.emr.db, &self.name).await? else {
            return Ok(None);
        };
        if earlier.request != self.request {
            let why = "this key was sent with another request";
            return Err(Refusal::invalid("Idempotency-Key", why).understood().into());
        }
        let lines = earlier.answer.unwrap_or_default();
        let settled: Option<Vec<Settled>> = lines.lines().map(settled).collect();
        let fault = || {
            Fault::new(
                "reading anteroom_idempotency.answer",
                "a line is not a word, a type and an id",
            )
        };
        Ok(Some(settled.ok_or_else(fault)?))
    }

    /// Claims the key in the transaction of the write; false where an equal request is done.
    ///
    /// # Errors
    /// As [`repeats::claim`].
    pub async fn claim(&self, tx: &mut Tx, rest: &Rest<'_>) -> Answer<bool> {
        let now = rest.emr.now().unix_timestamp();
        repeats::claim(tx, &self.name, &self.request, now).await
    }

    /// Remembers what was done.
    ///
    /// # Errors
    /// As [`repeats::settle`].
    pub async fn settle(&self, tx: &mut Tx, all: &[Settled]) -> Answer<()> {
        let lines: Vec<String> = all.iter().map(line).collect();
        repeats::settle(tx, &self.name, &lines.join("\n")).await
    }
}

fn line(settled: &Settled) -> String {
    let word = WORDS.iter().find(|(_, how)| *how == settled.how);
    let word = word.map_or("updated", |(word, _)| word);
    format!("{word} {} {}", settled.kind.name(), settled.id)
}

fn settled(line: &str) -> Option<Settled> {
    let mut parts = line.split(' ');
    let word = parts.next()?;
    let (_, how) = WORDS.into_iter().find(|(known, _)| *known == word)?;
    let kind = ResourceType::of(parts.next()?)?;
    let id: Uuid = parts.next()?.parse().ok()?;
    Some(Settled { kind, id, how })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_read_as_it_was_written() {
        for (_, how) in WORDS {
            let done = Settled {
                kind: ResourceType::Appointment,
                id: Uuid::from_u128(7),
                how,
            };
            assert_eq!(settled(&line(&done)), Some(done));
        }
        assert_eq!(settled("created Appointment"), None);
        assert_eq!(settled(""), None);
    }
}
