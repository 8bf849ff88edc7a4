use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// Declares [`Currency`] from lines of code, decimals of the minor unit, and name, in the order of their codes.
macro_rules! currencies {
    ($($code:ident $decimals:literal $name:literal;)+) => {
        /// A currency by its ISO 4217 code.
        ///
        /// Holds every active code that has a minor unit. Precious metals, units of account such as the SDR, and the codes
        /// for tests and for no currency have none, and are not amounts that a consumer can pay.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Currency {
            $(#[doc = $name] $code,)+
        }

        impl Currency {
            /// The number of decimals of the minor unit: 2 for USD, 0 for JPY, 3 for KWD, 4 for CLF.
            pub const fn exponent(self) -> u32 {
                match self {
                    $(Self::$code => $decimals,)+
                }
            }

            /// The three-letter code.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$code => stringify!($code),)+
                }
            }

            /// The English name in ISO 4217.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }
        }

        const TABLE: &[Currency] = &[$(Currency::$code,)+];
        /// The codes as numbers, in the order of `TABLE`.
        const KEYS: &[u32] = &[$(key(stringify!($code).as_bytes()),)+];
    };
}

// ISO 4217, table A.1 ("List One" of the maintenance agency, SIX), as published on 2026-01-01.
// Source: <https://www.six-group.com/dam/download/financial-information/data-center/iso-currrency/lists/list-one.xml>
currencies! {
    AED 2 "UAE Dirham";
    AFN 2 "Afghani";
    ALL 2 "Lek";
    AMD 2 "Armenian Dram";
    AOA 2 "Kwanza";
    ARS 2 "Argentine Peso";
    AUD 2 "Australian Dollar";
    AWG 2 "Aruban Florin";
    AZN 2 "Azerbaijan Manat";
    BAM 2 "Convertible Mark";
    BBD 2 "Barbados Dollar";
    BDT 2 "Taka";
    BHD 3 "Bahraini Dinar";
    BIF 0 "Burundi Franc";
    BMD 2 "Bermudian Dollar";
    BND 2 "Brunei Dollar";
    BOB 2 "Boliviano";
    BOV 2 "Mvdol";
    BRL 2 "Brazilian Real";
    BSD 2 "Bahamian Dollar";
    BTN 2 "Ngultrum";
    BWP 2 "Pula";
    BYN 2 "Belarusian Ruble";
    BZD 2 "Belize Dollar";
    CAD 2 "Canadian Dollar";
    CDF 2 "Congolese Franc";
    CHE 2 "WIR Euro";
    CHF 2 "Swiss Franc";
    CHW 2 "WIR Franc";
    CLF 4 "Unidad de Fomento";
    CLP 0 "Chilean Peso";
    CNY 2 "Yuan Renminbi";
    COP 2 "Colombian Peso";
    COU 2 "Unidad de Valor Real";
    CRC 2 "Costa Rican Colon";
    CUP 2 "Cuban Peso";
    CVE 2 "Cabo Verde Escudo";
    CZK 2 "Czech Koruna";
    DJF 0 "Djibouti Franc";
    DKK 2 "Danish Krone";
    DOP 2 "Dominican Peso";
    DZD 2 "Algerian Dinar";
    EGP 2 "Egyptian Pound";
    ERN 2 "Nakfa";
    ETB 2 "Ethiopian Birr";
    EUR 2 "Euro";
    FJD 2 "Fiji Dollar";
    FKP 2 "Falkland Islands Pound";
    GBP 2 "Pound Sterling";
    GEL 2 "Lari";
    GHS 2 "Ghana Cedi";
    GIP 2 "Gibraltar Pound";
    GMD 2 "Dalasi";
    GNF 0 "Guinean Franc";
    GTQ 2 "Quetzal";
    GYD 2 "Guyana Dollar";
    HKD 2 "Hong Kong Dollar";
    HNL 2 "Lempira";
    HTG 2 "Gourde";
    HUF 2 "Forint";
    IDR 2 "Rupiah";
    ILS 2 "New Israeli Sheqel";
    INR 2 "Indian Rupee";
    IQD 3 "Iraqi Dinar";
    IRR 2 "Iranian Rial";
    ISK 0 "Iceland Krona";
    JMD 2 "Jamaican Dollar";
    JOD 3 "Jordanian Dinar";
    JPY 0 "Yen";
    KES 2 "Kenyan Shilling";
    KGS 2 "Som";
    KHR 2 "Riel";
    KMF 0 "Comorian Franc";
    KPW 2 "North Korean Won";
    KRW 0 "Won";
    KWD 3 "Kuwaiti Dinar";
    KYD 2 "Cayman Islands Dollar";
    KZT 2 "Tenge";
    LAK 2 "Lao Kip";
    LBP 2 "Lebanese Pound";
    LKR 2 "Sri Lanka Rupee";
    LRD 2 "Liberian Dollar";
    LSL 2 "Loti";
    LYD 3 "Libyan Dinar";
    MAD 2 "Moroccan Dirham";
    MDL 2 "Moldovan Leu";
    MGA 2 "Malagasy Ariary";
    MKD 2 "Denar";
    MMK 2 "Kyat";
    MNT 2 "Tugrik";
    MOP 2 "Pataca";
    MRU 2 "Ouguiya";
    MUR 2 "Mauritius Rupee";
    MVR 2 "Rufiyaa";
    MWK 2 "Malawi Kwacha";
    MXN 2 "Mexican Peso";
    MXV 2 "Mexican Unidad de Inversion (UDI)";
    MYR 2 "Malaysian Ringgit";
    MZN 2 "Mozambique Metical";
    NAD 2 "Namibia Dollar";
    NGN 2 "Naira";
    NIO 2 "Cordoba Oro";
    NOK 2 "Norwegian Krone";
    NPR 2 "Nepalese Rupee";
    NZD 2 "New Zealand Dollar";
    OMR 3 "Rial Omani";
    PAB 2 "Balboa";
    PEN 2 "Sol";
    PGK 2 "Kina";
    PHP 2 "Philippine Peso";
    PKR 2 "Pakistan Rupee";
    PLN 2 "Zloty";
    PYG 0 "Guarani";
    QAR 2 "Qatari Rial";
    RON 2 "Romanian Leu";
    RSD 2 "Serbian Dinar";
    RUB 2 "Russian Ruble";
    RWF 0 "Rwanda Franc";
    SAR 2 "Saudi Riyal";
    SBD 2 "Solomon Islands Dollar";
    SCR 2 "Seychelles Rupee";
    SDG 2 "Sudanese Pound";
    SEK 2 "Swedish Krona";
    SGD 2 "Singapore Dollar";
    SHP 2 "Saint Helena Pound";
    SLE 2 "Leone";
    SOS 2 "Somali Shilling";
    SRD 2 "Surinam Dollar";
    SSP 2 "South Sudanese Pound";
    STN 2 "Dobra";
    SVC 2 "El Salvador Colon";
    SYP 2 "Syrian Pound";
    SZL 2 "Lilangeni";
    THB 2 "Baht";
    TJS 2 "Somoni";
    TMT 2 "Turkmenistan New Manat";
    TND 3 "Tunisian Dinar";
    TOP 2 "Pa’anga";
    TRY 2 "Turkish Lira";
    TTD 2 "Trinidad and Tobago Dollar";
    TWD 2 "New Taiwan Dollar";
    TZS 2 "Tanzanian Shilling";
    UAH 2 "Hryvnia";
    UGX 0 "Uganda Shilling";
    USD 2 "US Dollar";
    USN 2 "US Dollar (Next day)";
    UYI 0 "Uruguay Peso en Unidades Indexadas (UI)";
    UYU 2 "Peso Uruguayo";
    UYW 4 "Unidad Previsional";
    UZS 2 "Uzbekistan Sum";
    VED 2 "Bolívar Soberano";
    VES 2 "Bolívar Soberano";
    VND 0 "Dong";
    VUV 0 "Vatu";
    WST 2 "Tala";
    XAD 2 "Arab Accounting Dinar";
    XAF 0 "CFA Franc BEAC";
    XCD 2 "East Caribbean Dollar";
    XCG 2 "Caribbean Guilder";
    XOF 0 "CFA Franc BCEAO";
    XPF 0 "CFP Franc";
    YER 2 "Yemeni Rial";
    ZAR 2 "Rand";
    ZMW 2 "Zambian Kwacha";
    ZWG 2 "Zimbabwe Gold";
}

/// The code as a number that sorts as the code does; 0 for a text of another length.
const fn key(code: &[u8]) -> u32 {
    match code {
        [first, second, third] => u32::from_be_bytes([0, *first, *second, *third]),
        _ => 0,
    }
}

impl Currency {
    /// Every currency, in the order of their codes.
    pub const fn all() -> &'static [Self] {
        TABLE
    }

    /// The currency of an upper-case code.
    fn of(code: &[u8]) -> Option<Self> {
        TABLE.get(KEYS.binary_search(&key(code)).ok()?).copied()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// The text is not an active ISO 4217 code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency {0:?}: use an ISO 4217 code such as USD")]
pub struct UnknownCurrency(pub String);

/// Reads the code in any case: payment processors write it in lower case.
impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let upper = <[u8; 3]>::try_from(code.as_bytes()).map(|code| code.map(|letter| letter.to_ascii_uppercase()));
        upper.ok().and_then(|code| Self::of(&code)).ok_or_else(|| UnknownCurrency(code.to_owned()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Reads the code in upper case only, so that stored amounts have one spelling.
impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;

        impl de::Visitor<'_> for Code {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 code such as USD")
            }

            fn visit_str<E: de::Error>(self, code: &str) -> Result<Currency, E> {
                Currency::of(code.as_bytes()).ok_or_else(|| E::custom(UnknownCurrency(code.to_owned())))
            }
        }

        deserializer.deserialize_str(Code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_codes_in_any_case_and_names_the_unknown_one() {
        assert_eq!("usd".parse(), Ok(Currency::USD));
        for unknown in ["XBT", "XAU", "", "US", "USDT", "\u{20ac}"] {
            assert_eq!(unknown.parse::<Currency>(), Err(UnknownCurrency(unknown.into())));
        }
    }

    #[test]
    fn every_code_is_read_and_written_as_itself() {
        assert!(KEYS.is_sorted());
        for currency in Currency::all() {
            assert_eq!(currency.code().parse(), Ok(*currency));
            let json = serde_json::to_string(currency).unwrap();
            assert_eq!(json, format!("\"{currency}\""));
            assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), *currency);
        }
    }

    #[test]
    fn knows_the_decimals_of_currencies_that_no_market_uses_yet() {
        use Currency::{CLF, EUR, GBP, INR, JPY, KWD, MXN, UYW};
        let decimals = [EUR, GBP, MXN, INR, JPY, KWD, CLF, UYW].map(Currency::exponent);
        assert_eq!(decimals, [2, 2, 2, 2, 0, 3, 4, 4]);
    }

    #[test]
    fn stored_codes_are_upper_case() {
        let error = serde_json::from_str::<Currency>("\"usd\"").unwrap_err();
        assert!(error.to_string().starts_with("unknown currency \"usd\": use an ISO 4217 code such as USD"), "{error}");
    }
}
