//! The fast path: a SIMD JSON parser that writes each value straight into its column.
//!
//! It gives up, without a reason, at everything that is not the plain case. It must never accept what
//! the careful path refuses, or make another row of it; a property test compares the two.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    RecordShape,
    columns::{ColumnBuffer, RowBuffer},
};

/// Decodes one object that takes up the whole text, and appends its row. `false`: nothing was appended.
pub(super) fn decode(shape: &RecordShape, text: &str, has_nul: bool, rows: &mut RowBuffer) -> bool {
    let mut parser = sonic_rs::Deserializer::from_str(text);
    let complete = match (Object { shape, rows, has_nul }).deserialize(&mut parser) {
        Ok(seen) => parser.end().is_ok() && rows.end_row(seen).is_ok(),
        Err(_) => false,
    };
    if !complete {
        rows.undo_row();
    }
    complete
}

fn give_up<E: Error>() -> E {
    E::custom("")
}

struct Object<'a> {
    shape: &'a RecordShape,
    rows: &'a mut RowBuffer,
    has_nul: bool,
}

impl<'de> DeserializeSeed<'de> for Object<'_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u32, A::Error> {
        let (mut expected, mut seen) = (0, 0_u32);
        while let Some(index) = map.next_key_seed(Key { shape: self.shape, expected })? {
            let Some(index) = index else {
                map.next_value_seed(Ignored { deeper: DEPTH_MAX })?;
                continue;
            };
            let bit = 1 << index;
            if seen & bit != 0 {
                return Err(give_up());
            }
            seen |= bit;
            expected = index + 1;
            map.next_value_seed(Value { column: &mut self.rows.columns[index], has_nul: self.has_nul })?;
        }
        Ok(seen)
    }
}

/// The column of a key, or `None` for a key that no column has.
struct Key<'a> {
    shape: &'a RecordShape,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.shape.index_of(key, self.expected))
    }
}

struct Value<'a> {
    column: &'a mut ColumnBuffer,
    has_nul: bool,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.column.push_null().map_err(|_| give_up())
    }

    #[inline]
    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        if self.has_nul && text.contains('\0') {
            return Err(give_up());
        }
        self.column.push_str(text).map_err(|_| give_up())
    }

    #[inline]
    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        let value = i64::try_from(value).map_err(|_| give_up::<E>())?;
        self.column.push_integer(value).map_err(|_| give_up())
    }

    #[inline]
    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.column.push_integer(value).map_err(|_| give_up())
    }

    #[inline]
    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        // A whole number goes by its digits, which the float may have lost.
        self.column.push_real(value).map_err(|_| give_up())
    }
}

/// How deep a value that no column takes may be nested; the careful path takes deeper ones.
const DEPTH_MAX: u8 = 32;

/// A value that no column takes. The parser's own way to skip a value does not look at what follows
/// `\u` in a text, not even for the end of the text, and nesting may overflow its stack. So the value is
/// read like any other.
#[derive(Clone, Copy)]
struct Ignored {
    deeper: u8,
}

impl Ignored {
    fn inner<E: Error>(self) -> Result<Self, E> {
        self.deeper.checked_sub(1).map(|deeper| Self { deeper }).ok_or_else(give_up)
    }
}

impl<'de> DeserializeSeed<'de> for Ignored {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Ignored {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while elements.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.inner()?;
        while map.next_key_seed(inner)?.is_some() {
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}
