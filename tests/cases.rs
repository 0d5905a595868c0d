//! The attack list of `spec/security.md`, sections 1.1 to 1.7: every number has a test that carries it, or a sentence
//! that says why it cannot apply yet. A number without either fails here.

use std::collections::BTreeSet;

use crate::tidy::rust_files;

/// The numbers of a section, as the list has them.
const SECTIONS: [(&str, &[u32]); 7] = [
    (
        "1.1 authorization endpoint",
        &[
            1, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13, 14, 16, 17, 18, 19, 21, 22, 23, 24, 26, 27, 28, 29,
            31, 32,
        ],
    ),
    (
        "1.2 token endpoint",
        &[
            33, 34, 36, 37, 38, 39, 41, 42, 43, 44, 46, 47, 48, 49, 51, 52, 53, 54, 56, 57, 58, 59,
            61, 62, 63, 64, 66, 67, 68, 69,
        ],
    ),
    (
        "1.3 registration, logout, staff logins",
        &[71, 72, 73, 74, 76, 77, 78, 79, 81, 82, 83, 84],
    ),
    (
        "1.4 accounts",
        &[
            86, 87, 88, 89, 91, 92, 93, 94, 96, 97, 98, 99, 101, 102, 103, 104, 106, 107, 108, 109,
            111, 112, 113, 114, 116, 117, 118, 119,
        ],
    ),
    (
        "1.5 the patient compartment",
        &[
            121, 122, 123, 124, 126, 127, 128, 129, 131, 132, 133, 134, 136, 137, 138, 139, 141,
            142, 143, 144, 146, 147, 148, 149, 151, 152, 153, 154, 156, 157,
        ],
    ),
    (
        "1.6 input, injection, output",
        &[
            158, 159, 161, 162, 163, 164, 166, 167, 168, 169, 171, 172, 173, 174, 176, 177, 178,
            179, 181, 182, 183, 184, 186, 187, 188, 189,
        ],
    ),
    (
        "1.7 exhaustion and timing",
        &[191, 192, 193, 194, 196, 197, 198, 199],
    ),
];

/// What no test can carry yet, and why.
const NOT_YET: &[(&[u32], &str)] = &[
    (
        &[183],
        "TLS is the reverse proxy's: this server speaks plain HTTP to it, and says so at the start where public_url is not https",
    ),
    (
        &[119],
        "there is no one-time password of our own: a second factor is the identity provider's",
    ),
    (
        &[108],
        "no hash is imported or upgraded: OpenEMR must go on accepting it; longer than 72 bytes is refused at the choice (case 107)",
    ),
    (
        &[38],
        "a code without a challenge cannot exist: PKCE is demanded of every app (case 11)",
    ),
];

#[test]
fn every_case_of_the_list_has_a_test_or_a_reason() {
    let carried = carried();
    let excused: BTreeSet<u32> = NOT_YET
        .iter()
        .flat_map(|(numbers, _)| numbers.iter().copied())
        .collect();
    for (section, numbers) in SECTIONS {
        let missing: Vec<u32> = numbers
            .iter()
            .copied()
            .filter(|number| !carried.contains(number) && !excused.contains(number))
            .collect();
        assert!(missing.is_empty(), "{section}: no test carries {missing:?}");
    }
    let both: Vec<&u32> = carried.intersection(&excused).collect();
    assert!(both.is_empty(), "has a test by now: {both:?}");
}

/// The numbers in the names of tests: `case_7_11_what_it_proves`, `f10_case_7_what_it_proves`.
fn carried() -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for folder in ["src", "tests"] {
        for (_, text) in rust_files(folder) {
            for rest in text.split("fn ").skip(1) {
                let name = rest.split('(').next().unwrap_or_default();
                let Some((_, rest)) = name.split_once("case") else {
                    continue;
                };
                let rest = rest.trim_start_matches('s').trim_start_matches('_');
                let numbers = rest.split('_').map_while(|word| word.parse::<u32>().ok());
                found.extend(numbers);
            }
        }
    }
    found
}
