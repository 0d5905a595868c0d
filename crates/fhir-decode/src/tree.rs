//! Plain JSON with limits: depth, number of nodes, no key twice, and no number that a double would spell differently.

use std::fmt;

use serde::de::DeserializeSeed;
use serde::de::Deserializer;
use serde::de::Error;
use serde::de::MapAccess;
use serde::de::SeqAccess;
use serde::de::Visitor;
use serde_json::Map;
use serde_json::Number;
use serde_json::Value;

use crate::Problem;
use crate::syntax;

/// How deep objects and arrays may nest.
const MAX_DEPTH: usize = 32;

/// How many values a body may have.
const MAX_NODES: usize = 10_000;

/// Reads a body.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Problem> {
    let mut walk = Walk {
        nodes: 0,
        numbers: 0,
        odd_number: odd_number(bytes),
        path: Vec::new(),
        problem: None,
    };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed {
        walk: &mut walk,
        depth: 0,
    };
    let value = seed.deserialize(&mut json);
    let whole = value.and_then(|value| json.end().map(|()| value));
    whole.map_err(|error| {
        walk.problem.unwrap_or_else(|| {
            let (line, column) = (error.line(), error.column());
            Problem::new(
                "$this",
                format!("this is not JSON: line {line}, column {column}"),
            )
        })
    })
}

struct Walk {
    nodes: usize,
    numbers: usize,
    /// Which number of the text, counted from 1, changes when it is read; 0 is none.
    odd_number: usize,
    path: Vec<String>,
    problem: Option<Problem>,
}

impl Walk {
    fn refuse<E: Error>(&mut self, why: &str) -> E {
        let path = format!("$this{}", self.path.concat());
        self.problem = Some(Problem::new(path, why));
        E::custom(why)
    }
}

struct Seed<'a> {
    walk: &'a mut Walk,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.walk.nodes += 1;
        if self.walk.nodes > MAX_NODES {
            return Err(self
                .walk
                .refuse("the body has more than 10,000 values and is refused here"));
        }
        deserializer.deserialize_any(self)
    }
}

impl Seed<'_> {
    fn number<E: Error>(self, number: Number) -> Result<Value, E> {
        self.walk.numbers += 1;
        if self.walk.numbers == self.walk.odd_number {
            return Err(self
                .walk
                .refuse("this number cannot be kept as written: give at most 15 digits, no exponent, no zeros at the end"));
        }
        Ok(Value::Number(number))
    }

    fn inside<E: Error>(&mut self) -> Result<usize, E> {
        if self.depth >= MAX_DEPTH {
            return Err(self.walk.refuse("this is nested deeper than 32 levels"));
        }
        Ok(self.depth + 1)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.number(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        match Number::from_f64(value) {
            Some(number) => self.number(number),
            None => Err(self.walk.refuse("this number is not finite")),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut items = Vec::new();
        loop {
            self.walk.path.push(format!("[{}]", items.len()));
            let seed = Seed {
                walk: &mut *self.walk,
                depth,
            };
            let item = access.next_element_seed(seed)?;
            self.walk.path.pop();
            match item {
                Some(item) => items.push(item),
                None => return Ok(Value::Array(items)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Value, A::Error> {
        let depth = self.inside()?;
        let mut members = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            self.walk.path.push(match syntax::is_name(&key) {
                true => format!(".{key}"),
                false => String::new(),
            });
            if members.contains_key(&key) {
                return Err(self.walk.refuse("this key is there twice"));
            }
            let seed = Seed {
                walk: &mut *self.walk,
                depth,
            };
            let value = access.next_value_seed(seed)?;
            self.walk.path.pop();
            members.insert(key, value);
        }
        Ok(Value::Object(members))
    }
}

/// Which number of the text is not spelled as it would be written again; 0 is none.
fn odd_number(bytes: &[u8]) -> usize {
    let (mut at, mut count, mut in_text) = (0, 0, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'-' | b'0'..=b'9' if !in_text => {
                let rest = bytes.get(at..).unwrap_or_default();
                let length = rest
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
                    })
                    .count();
                count += 1;
                let token = rest.get(..length).unwrap_or_default();
                let again =
                    serde_json::from_slice::<Number>(token).map(|number| number.to_string());
                if again.is_ok_and(|again| again.as_bytes() != token) {
                    return count;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    0
}
