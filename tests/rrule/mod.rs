//! Days and times against somebody else's: recurrences beside `dateutil.rrule`, wall clocks beside Python's `zoneinfo`.
//! What is compared is random and the same in every run; the seed is told where a case fails.

mod clocks;
mod series;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;

use serde_json::Value;

use crate::clinic::engine;

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    /// One of so many, from 0.
    fn below(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let sides = u64::try_from(sides).expect("some sides");
        i64::try_from((self.0 >> 33) % sides).expect("a small number")
    }

    fn from(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(last - first + 1)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        let at = self.below(i64::try_from(of.len()).expect("a length"));
        of[usize::try_from(at).expect("an index")]
    }
}

/// One run of a script of `conformance/rrule`: lines of JSON in, as many out. `None`, said aloud, where the Python that
/// `./test` makes is not told.
fn judged(script: &str, asked: &[Value]) -> Option<Vec<Value>> {
    let python = engine::python()?;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/rrule");
    let lines: String = asked.iter().map(|one| format!("{one}\n")).collect();
    let mut child = Command::new(python)
        .arg(path.join(script))
        // The zones of the package that is pinned, not of this machine.
        .env("PYTHONTZPATH", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut input = child.stdin.take().expect("its input");
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("a thread").expect("it reads all");
    assert!(output.status.success(), "{script}: {}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let told: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(told.len(), asked.len(), "an answer for each line");
    Some(told)
}
