//! Scope strings: `anteroom::domain::scope`.

use anteroom::domain::scope::Scope;

use super::CANARY;
use super::Target;
use super::run;

const WORDS: [&str; 20] = [
    CANARY,
    " ",
    "patient/",
    "user/",
    "system/",
    "*.rs",
    "Appointment.cruds",
    "DocumentReference.rs",
    ".read",
    ".write",
    ".*",
    "?category=",
    "?status=booked",
    "&",
    "%7C",
    "%2C",
    "|",
    "openid",
    "launch",
    "offline_access",
];

/// A scope string means what its own spelling means, once more; nothing is in it twice; and each scope covers itself.
fn look(input: &[u8]) -> String {
    let text = String::from_utf8_lossy(input);
    let scopes = Scope::list(&text);
    let joined = Scope::join(&scopes);
    assert_eq!(Scope::list(&joined), scopes);
    for (at, scope) in scopes.iter().enumerate() {
        assert!(text.split(' ').any(|word| word == scope.spelling));
        assert!(
            scopes[..at]
                .iter()
                .all(|other| other.spelling != scope.spelling)
        );
        assert!(scope.covers(scope), "{scope:?}");
        for other in scopes.iter().take(at % 20) {
            let only_less = !scope.covers(other) || scope.level() == other.level();
            assert!(only_less, "{scope:?} covers another level: {other:?}");
            for third in scopes.iter().take(10) {
                let chain = scope.covers(other) && other.covers(third);
                assert!(
                    !chain || scope.covers(third),
                    "{scope:?} {other:?} {third:?}"
                );
            }
        }
    }
    let words: Vec<String> = scopes
        .iter()
        .map(|scope| format!("{:?}", scope.word))
        .collect();
    words.join(" ")
}

#[test]
fn scopes_are_understood_or_dropped_whatever_is_asked() {
    run(&Target {
        name: "scope",
        words: &WORDS,
        iterations: 1_000,
        look,
    });
}
