//! Readers of what strangers send, given strange things: every file of the corpus, and then changed copies of them.
//!
//! `cargo test --test all fuzz` takes some seconds; `ANTEROOM_FUZZ_ITERATIONS=1000000` takes its time, and
//! `ANTEROOM_FUZZ_SEED=2` goes another way. The same seed gives the same inputs. What fails is saved, and its path
//! told: put it into the corpus when the reader is repaired.
//!
//! No fuzzing library: bolero pins an old indexmap, which would hold the product's own back, and neither it nor proptest
//! changes corpus files in a plain test. Here an input whose outcome was not seen before joins the pool, so that the
//! changes work their way inwards.

mod bundle;
mod mutate;
mod patch;
mod php;
mod recurrence;
mod resource;
mod scope;
mod search;

use std::collections::HashSet;
use std::env;
use std::fs;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use mutate::Mutator;

/// A word put into inputs, which no complaint may repeat.
const CANARY: &str = "Zq9canary";

/// Files a corpus has at least.
const SMALLEST_CORPUS: usize = 10;

/// Inputs that are changed further, at most.
const LARGEST_POOL: usize = 2_000;

/// No single input may take this long, however busy the machine.
const TOO_LONG: Duration = Duration::from_secs(10);

/// A reader under test.
struct Target {
    /// The folder of its corpus.
    name: &'static str,
    /// Words of its language, to be put in.
    words: &'static [&'static str],
    /// Changed inputs in a usual run.
    iterations: usize,
    /// Reads an input, asserts what must hold, and names the outcome.
    look: fn(&[u8]) -> String,
}

/// Replays the corpus, then changes it.
fn run(target: &Target) {
    let mut pool = corpus(target.name);
    let count = pool.len();
    assert!(
        count >= SMALLEST_CORPUS,
        "the corpus of {} has {count} files",
        target.name
    );
    let mut seen: HashSet<String> = pool.iter().map(|input| look(target, input)).collect();
    assert!(
        seen.len() > 1,
        "all of the corpus of {} is the same to it",
        target.name
    );
    let mut mutator = Mutator::new(number("ANTEROOM_FUZZ_SEED").unwrap_or(1), target.words);
    let iterations = number("ANTEROOM_FUZZ_ITERATIONS").unwrap_or(target.iterations as u64);
    for _ in 0..iterations {
        let input = mutator.changed(&pool);
        let is_new = seen.insert(look(target, &input));
        if is_new && pool.len() < LARGEST_POOL {
            pool.push(input);
        }
    }
}

/// The outcome of one input. A panic is passed on, after the input was saved.
fn look(target: &Target, input: &[u8]) -> String {
    let begun = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.look)(input)));
    let took = begun.elapsed();
    match outcome {
        Ok(outcome) if took < TOO_LONG => outcome,
        Ok(_) => panic!(
            "{} took {took:?} for {}",
            target.name,
            saved(target, input).display()
        ),
        Err(_) => panic!(
            "{} fails for {}",
            target.name,
            saved(target, input).display()
        ),
    }
}

fn saved(target: &Target, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    fs::create_dir_all(&folder).expect("a folder for what fails");
    let path = folder.join(format!("{}-{}", target.name, std::process::id()));
    fs::write(&path, input).expect("a file for what fails");
    path
}

/// The files of a target's corpus, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(name);
    let entries = fs::read_dir(&folder).expect("the corpus");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("a file of the corpus"))
        .collect()
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long to go on is asked of whoever runs the test"
)]
fn number(variable: &str) -> Option<u64> {
    let text = env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}
