//! The rules about a login name and a password that staff type. The sentences are those patients read when they choose
//! their own (`auth::policy`); each broken one is an issue of its own (F075).

use crate::domain::refusal::Reason;
use crate::portal::rules::Rule;

/// What is known about what was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginCase {
    /// Whether another account has that login name, without case.
    pub taken: bool,
    /// The policy's sentences about the name.
    pub username: Vec<String>,
    /// The policy's sentences about the password.
    pub password: Vec<String>,
}

/// The rule that somebody else has the name: it may be found broken as late as in the write itself.
pub const USERNAME_TAKEN: &str = "username-taken";

/// Before a login name and a password that were typed are written.
pub const LOGIN: &[Rule<LoginCase>] = &[
    Rule {
        id: USERNAME_TAKEN,
        about: "No other account has this login name, without case (F036).",
        holds: |case| !case.taken,
        sentence: |_| "Somebody else has this username. Choose another one.".to_owned(),
        expression: "username",
    },
    Rule {
        id: "username-policy",
        about: "The login name is of sensible length and shape.",
        holds: |case| case.username.is_empty(),
        sentence: |case| case.username.join(" "),
        expression: "username",
    },
    Rule {
        id: "password-policy",
        about: "The password is long enough, not a common one, and not made of names (F075).",
        holds: |case| case.password.is_empty(),
        sentence: |case| case.password.join(" "),
        expression: "password",
    },
];

/// Every broken rule, and where the policy has several sentences, each of them.
pub fn broken(case: &LoginCase) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for rule in LOGIN.iter().filter(|rule| !(rule.holds)(case)) {
        let sentences = match rule.id {
            "username-policy" => case.username.clone(),
            "password-policy" => case.password.clone(),
            _ => vec![(rule.sentence)(case)],
        };
        reasons.extend(sentences.into_iter().map(|text| Reason {
            id: rule.id,
            text,
            expression: rule.expression,
        }));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f075_every_broken_rule_is_a_reason_of_its_own() {
        let case = LoginCase {
            taken: true,
            username: Vec::new(),
            password: vec!["Longer.".to_owned(), "Rarer.".to_owned()],
        };
        let ids: Vec<&str> = broken(&case).iter().map(|reason| reason.id).collect();
        assert_eq!(ids, [USERNAME_TAKEN, "password-policy", "password-policy"]);
        assert!(broken(&LoginCase::default()).is_empty());
    }
}
