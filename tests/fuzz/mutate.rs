//! Changes inputs at random, the same way for the same seed.

/// Numbers at which readers stumble.
const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "-1",
    "1",
    "007",
    "31",
    "32",
    "255",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775808",
    "18446744073709551616",
    "1e400",
];

/// Bytes of any language: ends, openings, what is no UTF-8, and what looks like something else.
const PIECES: [&[u8]; 16] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b",",
    b"\0",
    b"\r\n",
    b"\xff",
    b"\xed\xa0\x80",
    b"%00",
    b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x80\xae",
];

/// Bytes of an input at most.
const LONGEST: usize = 16 * 1024;

pub(super) struct Mutator {
    state: u64,
    words: &'static [&'static str],
}

impl Mutator {
    pub(super) fn new(seed: u64, words: &'static [&'static str]) -> Self {
        Self { state: seed, words }
    }

    /// A copy of one input of a pool with one to four changes.
    pub(super) fn changed(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input, pool);
            input.truncate(LONGEST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, pool: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let until = (at + 1 + self.below(16)).min(input.len());
        match self.below(10) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => drop(input.drain(at..until.max(at))),
            2 => {
                let again = input[at..until.max(at)].repeat(1 + self.below(3));
                drop(input.splice(at..at, again));
            }
            3 | 4 => {
                let word = self.word();
                drop(input.splice(at..at, word));
            }
            5 => {
                let word = self.word();
                drop(input.splice(at..until.max(at), word));
            }
            6 => self.renumber(input, at),
            7 => {
                let other = &pool[self.below(pool.len())];
                let from = self.below(other.len() + 1);
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            8 => input.truncate(at),
            _ => {
                // Deep nesting, of whatever stands there.
                let piece = input[at..until.max(at)].to_vec();
                let times = 1 << self.below(9);
                drop(input.splice(at..at, piece.repeat(times)));
            }
        }
    }

    /// Puts another number in the place of the next one.
    fn renumber(&mut self, input: &mut Vec<u8>, at: usize) {
        let Some(begin) = input[at..].iter().position(u8::is_ascii_digit) else {
            return;
        };
        let begin = at + begin;
        let length = input[begin..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = NUMBERS[self.below(NUMBERS.len())];
        drop(input.splice(begin..begin + length, number.bytes()));
    }

    fn word(&mut self) -> Vec<u8> {
        let at = self.below(PIECES.len() + self.words.len());
        match PIECES.get(at) {
            Some(piece) => piece.to_vec(),
            None => self.words[at - PIECES.len()].as_bytes().to_vec(),
        }
    }

    /// A number from 0 and below this one (splitmix64; that the lower numbers are likelier by a hair is no matter).
    fn below(&mut self, sides: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        usize::try_from(mixed % sides.max(1) as u64).expect("less than the sides")
    }
}

#[test]
fn the_same_seed_changes_the_same_way_and_another_does_not() {
    let pool = [
        b"Appointment?date=2026-12-01".to_vec(),
        b"patient/*.rs".to_vec(),
    ];
    let inputs = |seed| {
        let mut mutator = Mutator::new(seed, &["status"]);
        (0..200).map(|_| mutator.changed(&pool)).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
    let changed = inputs(1)
        .iter()
        .filter(|input| !pool.contains(input))
        .count();
    assert!(changed > 150, "only {changed} of 200 were changed");
}
