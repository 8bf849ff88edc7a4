use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// A country or territory by its ISO 3166-1 alpha-2 code: `US`, `PR`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// The two letters, in upper case.
    pub fn as_str(&self) -> &str {
        ascii(&self.0)
    }
}

/// A market by its id: the code of its country, followed by a dash and a name of up to three letters or digits if the country
/// has several markets (`US`, `US-NY`).
///
/// The id says how a market is spelled, not that it exists: [`Markets`](crate::Markets) tells that.
///
/// ```
/// use carryout_market::MarketId;
///
/// let id: MarketId = "US-NY".parse()?;
/// assert_eq!((id.country().as_str(), id.as_str()), ("US", "US-NY"));
/// assert!("usa".parse::<MarketId>().is_err());
/// # Ok::<(), carryout_market::InvalidId>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MarketId {
    /// The characters, then zeros.
    text: [u8; MarketId::LONGEST],
}

/// The text is not the id of a country or a market.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct InvalidId {
    /// The text.
    pub text: String,
    /// What would have been one.
    pub wanted: &'static str,
}

impl MarketId {
    const LONGEST: usize = 6;
    /// An id in words.
    pub(crate) const SHAPE: &'static str = "a market id: two upper-case letters such as US, or with a part of the country, US-NY";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        let length = self.text.iter().position(|byte| *byte == 0).unwrap_or(Self::LONGEST);
        ascii(&self.text[..length])
    }

    /// The country that the market is in.
    pub const fn country(self) -> CountryCode {
        CountryCode([self.text[0], self.text[1]])
    }

    /// The id in `text`, for constants: a wrong one does not compile there.
    pub(crate) const fn literal(text: &str) -> Self {
        let id = Self::of(text.as_bytes());
        assert!(id.is_some(), "not a market id");
        match id {
            Some(id) => id,
            None => Self { text: [0; Self::LONGEST] },
        }
    }

    const fn of(text: &[u8]) -> Option<Self> {
        if text.len() < 2 || text.len() == 3 || text.len() > Self::LONGEST {
            return None;
        }
        let mut id = [0; Self::LONGEST];
        let mut at = 0;
        while at < text.len() {
            let fits = match at {
                0 | 1 => text[at].is_ascii_uppercase(),
                2 => text[at] == b'-',
                _ => text[at].is_ascii_uppercase() || text[at].is_ascii_digit(),
            };
            if !fits {
                return None;
            }
            id[at] = text[at];
            at += 1;
        }
        Some(Self { text: id })
    }
}

/// Both types hold checked ASCII only.
fn ascii(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap_or_default()
}

impl FromStr for MarketId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::of(text.as_bytes()).ok_or_else(|| InvalidId { text: text.to_owned(), wanted: Self::SHAPE })
    }
}

impl FromStr for CountryCode {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.as_bytes() {
            [first, second] if first.is_ascii_uppercase() && second.is_ascii_uppercase() => Ok(Self([*first, *second])),
            _ => Err(InvalidId { text: text.to_owned(), wanted: "an ISO 3166-1 alpha-2 code such as US" }),
        }
    }
}

/// Writes both ids as text and reads them from text.
macro_rules! as_text {
    ($id:ty, $wanted:literal) => {
        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;

                impl de::Visitor<'_> for Text {
                    type Value = $id;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($wanted)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$id, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

as_text!(CountryCode, "an ISO 3166-1 alpha-2 code such as US");
as_text!(MarketId, "a market id such as US or US-NY");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_ids_of_countries_and_of_their_parts() {
        for text in ["US", "US-NY", "DE-BY", "FR-2A", "AU-NSW"] {
            let id: MarketId = text.parse().unwrap();
            assert_eq!((id.to_string().as_str(), id.country().to_string()), (text, text[..2].to_owned()));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<MarketId>(&json).unwrap(), id);
        }
    }

    #[test]
    fn refuses_other_texts_and_says_how_an_id_looks() {
        for text in ["", "U", "us", "USA", "US-", "US_NY", "US-NEWY", "U\u{df}", "US-ny"] {
            let error = text.parse::<MarketId>().unwrap_err().to_string();
            assert!(error.contains("is not a market id: two upper-case letters such as US"), "{error}");
        }
        for text in ["", "usa", "u1", "U1"] {
            assert!(text.parse::<CountryCode>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_sort_as_their_texts() {
        let mut ids = ["US-NY", "US", "CA", "US-N"].map(|id| id.parse::<MarketId>().unwrap());
        ids.sort();
        assert_eq!(ids.map(|id| id.to_string()), ["CA", "US", "US-N", "US-NY"]);
    }
}
