//! Login names that are proposed, and passwords that are drawn, as OpenEMR's own dialog does it (OpenEMR facts 2.3).

use crate::auth::policy;
use crate::config::accounts::Strategy;
use crate::crypto::Entropy;
use crate::domain::accounts::Standing;
use crate::domain::refusal::Fault;

/// How many names are proposed before somebody has to type one.
const MOST: usize = 50;

/// OpenEMR's classes without what is read for something else: 24, 25, 8 and 4 symbols.
const CLASSES: [&[u8]; 4] = [
    b"ABCDEFGHJKLMNPQRSTUVWXYZ",
    b"abcdefghijkmnopqrstuvwxyz",
    b"23456789",
    b"@#$%",
];

/// Characters of a password, where the practice does not ask for more: 71 bits.
const LENGTH: usize = 12;

/// How often a password is drawn before the generator is taken for broken.
const TRIES: usize = 1000;

/// The login names to try, the best first: each is the same for the same patient at any time.
pub(super) fn proposals(strategy: Strategy, standing: &Standing) -> Vec<String> {
    let address = standing.trusted_address();
    let plain = format!("{}{}{}", standing.first, standing.last, standing.row);
    let (first, second) = match (strategy, address.split_once('@')) {
        // OpenEMR puts the patient's number before the @ where somebody else has the address.
        (Strategy::Email | Strategy::OpenEmr, Some((local, domain))) => (
            address.to_owned(),
            format!("{local}{}@{domain}", standing.person.pid),
        ),
        (Strategy::EmailNumber, Some((local, _))) => {
            let numbered = format!("{local}{}", standing.row);
            (numbered.clone(), format!("{numbered}-2"))
        }
        _ => (plain.clone(), format!("{plain}-2")),
    };
    let stem = match strategy {
        Strategy::EmailNumber => first.clone(),
        _ => plain,
    };
    let more = (2..).map(|number| format!("{stem}-{number}"));
    let all = [first, second].into_iter().chain(more).take(MOST);
    let mut proposed: Vec<String> = Vec::with_capacity(MOST);
    for name in all {
        let name = name.trim().to_owned();
        if policy::login_name(&name).is_empty() && !proposed.contains(&name) {
            proposed.push(name);
        }
    }
    proposed
}

/// A password of at least twelve characters with one of each class, each as likely as any other.
///
/// # Errors
/// As [`Entropy::fill`].
pub(super) fn password(entropy: &dyn Entropy, minimum: usize) -> Result<String, Fault> {
    let symbols: Vec<u8> = CLASSES.concat();
    let length = LENGTH.max(minimum);
    for _ in 0..TRIES {
        let drawn = draw(entropy, &symbols, length)?;
        let whole = CLASSES
            .iter()
            .all(|class| drawn.bytes().any(|byte| class.contains(&byte)));
        if whole {
            return Ok(drawn);
        }
    }
    let why = "the generator gives no password of all classes";
    Err(Fault::new("drawing a password", why))
}

/// So many symbols, each as likely as any other: bytes beyond the last whole multiple are thrown away.
fn draw(entropy: &dyn Entropy, symbols: &[u8], length: usize) -> Result<String, Fault> {
    let most = 256 - 256 % symbols.len();
    let mut text = String::with_capacity(length);
    let mut tries = 0;
    while text.len() < length {
        let mut bytes = [0; 32];
        entropy.fill(&mut bytes)?;
        for byte in bytes.map(usize::from) {
            if byte < most && text.len() < length {
                text.push(char::from(symbols[byte % symbols.len()]));
            }
        }
        tries += 1;
        if tries > TRIES {
            let why = "the generator gives nothing of use";
            return Err(Fault::new("drawing a password", why));
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::accounts::fixture::standing;
    use crate::crypto::SystemEntropy;
    use std::collections::HashMap;

    #[test]
    fn f016_names_are_proposed_in_the_same_order_at_any_time() {
        let ana = standing();
        let vectors = [
            (
                Strategy::EmailNumber,
                ["ana.moreno9", "ana.moreno9-2", "ana.moreno9-3"],
            ),
            (
                Strategy::Email,
                [
                    "ana.moreno@mail.example",
                    "ana.moreno7@mail.example",
                    "AnaMoreno9-2",
                ],
            ),
            (
                Strategy::Name,
                ["AnaMoreno9", "AnaMoreno9-2", "AnaMoreno9-3"],
            ),
        ];
        for (strategy, expected) in vectors {
            let found = proposals(strategy, &ana);
            assert_eq!(found[..3], expected, "{strategy:?}");
            assert_eq!(found, proposals(strategy, &ana));
        }
    }

    #[test]
    fn a_name_without_an_address_is_made_of_the_patients_own() {
        let mut nobody = standing();
        nobody.email.clear();
        nobody.trusted_email.clear();
        nobody.first = "Ñusta".to_owned();
        for strategy in [Strategy::Email, Strategy::EmailNumber, Strategy::Name] {
            assert_eq!(proposals(strategy, &nobody)[0], "ÑustaMoreno9");
        }
    }

    #[test]
    fn passwords_are_of_all_classes_and_every_symbol_is_as_likely() {
        let mut counts: HashMap<char, f64> = HashMap::new();
        let rounds = 20_000;
        for _ in 0..rounds {
            let text = draw(&SystemEntropy, &CLASSES.concat(), LENGTH).expect("random bytes");
            for symbol in text.chars() {
                *counts.entry(symbol).or_default() += 1.0;
            }
        }
        assert_eq!(counts.len(), 61);
        let expected = f64::from(rounds * 12) / 61.0;
        let chi: f64 = counts
            .values()
            .map(|count| (count - expected).powi(2) / expected)
            .sum();
        // 60 degrees of freedom: above 115 once in some thirty thousand runs.
        assert!(chi < 115.0, "{chi}");
        for _ in 0..200 {
            let text = password(&SystemEntropy, 16).expect("random bytes");
            assert_eq!(text.len(), 16);
            for class in CLASSES {
                assert!(text.bytes().any(|byte| class.contains(&byte)), "{text}");
            }
            assert!(policy::password(&text, "ana.moreno", "Harbor Street").is_empty());
        }
    }

    /// Gives nothing but zeros.
    struct Stuck;

    impl Entropy for Stuck {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
            buffer.fill(0);
            Ok(())
        }
    }

    #[test]
    fn a_broken_generator_makes_no_password() {
        assert!(password(&Stuck, 12).is_err());
    }
}
