//! The loop that sends letters. Each round looks for letters that are due and carries them, four at a time, over four
//! connections; several servers may do so at once, and each letter is in one hand.
//!
//! What is promised (`spec/security.md`, I5): a letter whose transaction was committed is sent, one whose was not is not, and
//! each is sent once, except where the server or this process dies between the mail server's yes and our noting it down:
//! then a second copy goes, with the same Message-ID and the same link. SMTP offers nothing better.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::keys::Keys;
use crate::config::Config;
use crate::crypto;
use crate::crypto::Entropy;
use crate::domain::refusal::Answer;
use crate::emr::Emr;
use crate::emr::persons;
use crate::mail::Office;
use crate::mail::carrier::Carried;
use crate::mail::carrier::Carrier;
use crate::mail::carrier::Patience;
use crate::store::ledger;
use crate::store::ledger::Entry;
use crate::store::ledger::Outcome;
use crate::store::outbox::sending;
use crate::store::outbox::sending::Carries;
use crate::store::outbox::sending::End;
use crate::store::outbox::sending::InHand;
use crate::worker::apart;

/// How often it is looked whether a letter is due.
const BETWEEN_ROUNDS: Duration = Duration::from_secs(2);

/// How long nobody is knocked at who did not open.
const NOBODY_OPENED: Duration = Duration::from_secs(20);

/// How long a letter is in hand, in seconds: longer than connecting and sending may take, and than the clocks of two
/// replicas are apart.
const LEASE: i64 = 1_200;

/// The longest pause where nobody opened, in seconds: the letter is not to blame, and its link may live for an hour.
const KNOCKING: i64 = 300;

/// The pauses between tries, in seconds: from a minute to a day, almost four days in all.
pub const PAUSES: [i64; 10] = [
    60, 300, 900, 3_600, 3_600, 14_400, 43_200, 86_400, 86_400, 86_400,
];

/// The try after which none follows.
const LAST_TRY: i64 = PAUSES.len() as i64 + 1;

/// What one round did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Letters the mail server took.
    pub sent: usize,
    /// Letters to be tried again.
    pub later: usize,
    /// Letters given up.
    pub dead: usize,
    /// Letters whose link had ended.
    pub withdrawn: usize,
    /// Whether somebody did not open at all.
    pub no_door: bool,
}

/// The loop, and how it is told to stop.
pub struct Outbox {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Outbox {
    /// Lets the letters in hand go and stops; a letter that takes longer than half a minute is left to its lease.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let abort = self.task.abort_handle();
        if tokio::time::timeout(Duration::from_secs(30), self.task)
            .await
            .is_err()
        {
            abort.abort();
        }
    }
}

/// Starts the loop.
///
/// # Errors
/// As [`name`].
pub fn start<H>(holder: Arc<H>, entropy: &dyn Entropy) -> Answer<Outbox>
where
    H: AsRef<Emr> + AsRef<Config> + AsRef<Keys> + Send + Sync + 'static,
{
    let (stop, mut stopped) = watch::channel(false);
    let me = name(entropy)?;
    let task = tokio::spawn(async move {
        loop {
            let turn = whole_round(holder.clone(), me.clone(), stopped.clone());
            let pause = match apart(turn).await {
                Ok(done) if done.no_door => NOBODY_OPENED,
                Ok(_) => BETWEEN_ROUNDS,
                Err(failure) => {
                    tracing::warn!(?failure, "the outbox could not be looked at");
                    NOBODY_OPENED
                }
            };
            tokio::select! {
                _ = stopped.changed() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    });
    Ok(Outbox { stop, task })
}

async fn whole_round<H>(holder: Arc<H>, me: String, stopped: watch::Receiver<bool>) -> Answer<Round>
where
    H: AsRef<Emr> + AsRef<Config> + AsRef<Keys> + Send + Sync + 'static,
{
    let office = Office {
        emr: (*holder).as_ref(),
        config: (*holder).as_ref(),
        keys: (*holder).as_ref(),
        patience: Patience::default(),
    };
    round(&office, &me, &stopped).await
}

/// A worker's name: different from any other's.
///
/// # Errors
/// As [`Entropy::fill`].
pub fn name(entropy: &dyn Entropy) -> Answer<String> {
    Ok(entropy.token()?)
}

/// Carries the letters that are due now, at most a hundred.
///
/// # Errors
/// As [`crate::db::Db::all`].
pub async fn round(
    office: &Office<'_>,
    me: &str,
    stopped: &watch::Receiver<bool>,
) -> Answer<Round> {
    let Some(from) = office.from().await? else {
        return Ok(Round::default());
    };
    let due = sending::due(&office.emr.db, office.emr.now().unix_timestamp()).await?;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Round::default()));
    // So that several servers do not all reach for the same letter first.
    let shift = usize::from(crypto::sha256(me.as_bytes())[0]);
    let hand = || async {
        let mut carrier = Carrier::new(office, from.clone());
        let outcome = loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            if place >= due.len() || *stopped.borrow() {
                break Ok(());
            }
            let id = due[(place + shift) % due.len()];
            match one(office, me, id, &mut carrier).await {
                Ok(None) => {}
                Ok(Some(end)) => {
                    let mut round = done.lock().unwrap_or_else(PoisonError::into_inner);
                    round.note(&end);
                    // Who does not open to one letter does not open to the next.
                    if round.no_door {
                        break Ok(());
                    }
                }
                Err(failure) => break Err(failure),
            }
        };
        carrier.close().await;
        outcome
    };
    let all = tokio::join!(hand(), hand(), hand(), hand());
    for outcome in [all.0, all.1, all.2, all.3] {
        outcome?;
    }
    Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Round {
    fn note(&mut self, (end, no_door): &(End, bool)) {
        self.no_door |= no_door;
        match end {
            End::Sent => self.sent += 1,
            End::Later(_) | End::Untried(_) => self.later += 1,
            End::Dead => self.dead += 1,
            End::Withdrawn => self.withdrawn += 1,
        }
    }
}

/// Carries one letter, if nobody else has it in hand; how it ended, and whether nobody opened.
async fn one(
    office: &Office<'_>,
    me: &str,
    id: i64,
    carrier: &mut Carrier<'_>,
) -> Answer<Option<(End, bool)>> {
    let now = office.emr.now().unix_timestamp();
    let claimed = sending::claim(&office.emr.db, id, me, (now, now + LEASE)).await?;
    let Some(letter) = claimed else {
        return Ok(None);
    };
    let carried = match letter.link {
        Carries::Ended => None,
        // Each of its tries ended without a word: it may be what ends whoever carries it.
        _ if letter.tries > LAST_TRY => Some(Carried::Never("Every try broke off.".to_owned())),
        _ => Some(carrier.carry(&letter).await),
    };
    let now = office.emr.now().unix_timestamp();
    let no_door = matches!(carried, Some(Carried::NoDoor(_)));
    let (end, answer) = match carried {
        None => (
            End::Withdrawn,
            "Its link had ended before it could be sent.".to_owned(),
        ),
        Some(Carried::Taken(answer)) => (End::Sent, answer),
        Some(Carried::Never(answer)) => (End::Dead, answer),
        Some(Carried::NoDoor(answer)) => (knock(&letter, now), answer),
        Some(Carried::NotNow(answer)) => (later(&letter, now), answer),
    };
    note(office, &letter, me, (&end, &answer)).await?;
    Ok(Some((end, no_door)))
}

/// The pause after the first, second and further tries.
fn pause(letter: &InHand) -> Option<i64> {
    let tried = usize::try_from(letter.tries - 1).unwrap_or_default();
    PAUSES.get(tried).copied()
}

/// When a letter is tried again that was not taken.
fn later(letter: &InHand, now: i64) -> End {
    pause(letter).map_or(End::Dead, |pause| End::Later(now + pause))
}

/// When it is tried again where nobody opened: that is no try of the letter's, which is given up by its age alone.
fn knock(letter: &InHand, now: i64) -> End {
    let longest: i64 = PAUSES.iter().sum();
    match now - letter.created > longest {
        true => End::Dead,
        false => End::Untried(now + pause(letter).unwrap_or(KNOCKING).min(KNOCKING)),
    }
}

/// Writes down how a try ended, with its ledger line. What the mail server took is noted for as long as the lease lasts:
/// unnoted, it would go a second time.
async fn note(
    office: &Office<'_>,
    letter: &InHand,
    me: &str,
    (end, answer): (&End, &str),
) -> Answer<()> {
    let entry = match (end, entry(office, letter, (end, answer)).await) {
        (_, Ok(entry)) => entry,
        // Whom it was about is not known at the moment; that it went has to be.
        (End::Sent, Err(_)) => Some(line(office, letter, ("letter.sent", Outcome::Success))),
        (_, Err(failure)) => return Err(failure),
    };
    let mut pause = Duration::from_millis(250);
    for attempt in 1.. {
        let now = office.emr.now().unix_timestamp();
        let written = office
            .emr
            .db
            .transaction_about(
                &(end, answer, &entry, me),
                |(end, answer, entry, me), tx| {
                    Box::pin(async move {
                        let done = sending::finish(tx, (letter.id, me), (end, answer), now).await?;
                        if let (true, Some(entry)) = (done, entry) {
                            ledger::record(tx, entry).await?;
                        }
                        Ok(done)
                    })
                },
            )
            .await;
        match written {
            Ok(true) => return Ok(()),
            Ok(false) => {
                tracing::warn!(letter = letter.id, "a letter was in other hands meanwhile");
                return Ok(());
            }
            Err(failure) if *end != End::Sent || attempt == 12 => return Err(failure),
            Err(failure) => {
                tracing::warn!(
                    attempt,
                    ?failure,
                    letter = letter.id,
                    "a sent letter could not be noted"
                );
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(30));
    }
    Ok(())
}

/// The ledger line of an end; a try that is followed by another has none.
async fn entry(
    office: &Office<'_>,
    letter: &InHand,
    (end, answer): (&End, &str),
) -> Answer<Option<Entry>> {
    let (action, outcome) = match end {
        End::Later(_) | End::Untried(_) => return Ok(None),
        End::Sent => ("letter.sent", Outcome::Success),
        End::Dead => ("letter.dead", Outcome::Failed),
        End::Withdrawn => ("letter.withdrawn", Outcome::Refused),
    };
    let mut entry = line(office, letter, (action, outcome));
    let code: String = answer.chars().take_while(char::is_ascii_digit).collect();
    if !code.is_empty() {
        entry.reason = format!("{} {code}", entry.reason);
    }
    if let Some(pid) = letter.pid {
        let person = persons::by_pid(office.emr, pid).await?;
        entry.patient = person.map(|person| person.uuid);
        if let Some(id) = entry.patient {
            entry.resource = format!("Patient/{id}");
        }
    }
    Ok(Some(entry))
}

fn line(office: &Office<'_>, letter: &InHand, (action, outcome): (&'static str, Outcome)) -> Entry {
    let mut entry = Entry::new(action, outcome, office.emr.now());
    "system".clone_into(&mut entry.actor);
    entry.reason = letter.letter.map_or("", |letter| letter.name()).to_owned();
    entry
}
