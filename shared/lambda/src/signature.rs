//! Signatures with HMAC-SHA-256: on quotes and cursors that a client brings back, and on webhooks.

use crate::http::Problem;
use crate::idempotency::hex;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryout_environment::Signer;
use std::fmt;

/// The current key, and the one before it: what was signed before a rotation stays valid until the next one.
#[derive(Clone)]
pub struct KeyRing {
    current: Key,
    previous: Option<Key>,
}

#[derive(Clone)]
struct Key {
    secret: hmac::Key,
    /// Says which key was used, and nothing else about it.
    fingerprint: String,
}

impl KeyRing {
    /// A ring that signs with `current` and verifies with both. Secrets should have at least 32 random bytes.
    pub fn new(current: &str, previous: Option<&str>) -> Self {
        Self { current: Key::new(current), previous: previous.filter(|previous| !previous.is_empty()).map(Key::new) }
    }

    /// Every key is tried, whichever fits, so that the time taken says nothing.
    fn any(&self, verify: impl Fn(&Key) -> bool) -> bool {
        let current = verify(&self.current);
        self.previous.as_ref().is_some_and(verify) | current
    }
}

impl Key {
    fn new(secret: &str) -> Self {
        let secret = hmac::Key::new(HMAC_SHA256, secret.as_bytes());
        let fingerprint = hex(&hmac::sign(&secret, b"carryout key fingerprint").as_ref()[..4]);
        Self { secret, fingerprint }
    }
}

impl Signer for KeyRing {
    /// `v1.<fingerprint of the key>.<MAC in base64url>`.
    fn sign(&self, message: &[u8]) -> String {
        let Key { secret, fingerprint } = &self.current;
        format!("v1.{fingerprint}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(secret, message)))
    }

    fn verify(&self, message: &[u8], signature: &str) -> bool {
        let mut parts = signature.splitn(3, '.');
        let (version, fingerprint, mac) = (parts.next(), parts.next(), parts.next());
        let mac = mac.and_then(|mac| URL_SAFE_NO_PAD.decode(mac).ok()).unwrap_or_default();
        self.any(|key| {
            let genuine = hmac::verify(&key.secret, message, &mac).is_ok();
            genuine & (version == Some("v1")) & (fingerprint == Some(&*key.fingerprint))
        })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("current", &self.current.fingerprint).finish_non_exhaustive()
    }
}

/// The header that carries a webhook's signature.
pub const WEBHOOK_SIGNATURE_HEADER: &str = "Carryout-Signature";
/// The header that carries the signature of the payment processor's webhooks. It is made like ours.
pub const PAYMENT_SIGNATURE_HEADER: &str = "Stripe-Signature";
/// How far a webhook's time may be from now. Seconds.
pub const WEBHOOK_TOLERANCE_SECONDS: i64 = 300;

/// The value of [`WEBHOOK_SIGNATURE_HEADER`] for `body` sent at `now_s` (seconds since the Unix epoch):
/// `t=<now>,v1=<MAC of "<now>.<body>" in hexadecimal>`.
pub fn sign_webhook(keys: &KeyRing, now_s: i64, body: &[u8]) -> String {
    format!("t={now_s},v1={}", hex(hmac::sign(&keys.current.secret, &webhook_message(now_s, body)).as_ref()))
}

/// Checks the signature of a webhook that arrived at `now_s` (seconds since the Unix epoch).
///
/// # Errors
///
/// 401 with the code `Webhook.SignatureMissing`, `Webhook.SignatureInvalid` or `Webhook.TooOld` (its time is further
/// than `tolerance_s` seconds from now, in either direction).
pub fn verify_webhook(keys: &KeyRing, header: Option<&str>, body: &[u8], now_s: i64, tolerance_s: i64) -> Result<(), Problem> {
    verify_signature(keys, WEBHOOK_SIGNATURE_HEADER, header, body, now_s, tolerance_s)
}

/// The same for a webhook of the payment processor, which carries its signature in [`PAYMENT_SIGNATURE_HEADER`].
///
/// # Errors
///
/// As [`verify_webhook`].
pub fn verify_payment_webhook(
    keys: &KeyRing,
    header: Option<&str>,
    body: &[u8],
    now_s: i64,
    tolerance_s: i64,
) -> Result<(), Problem> {
    verify_signature(keys, PAYMENT_SIGNATURE_HEADER, header, body, now_s, tolerance_s)
}

fn verify_signature(
    keys: &KeyRing,
    name: &str,
    header: Option<&str>,
    body: &[u8],
    now_s: i64,
    tolerance_s: i64,
) -> Result<(), Problem> {
    let Some(header) = header.filter(|header| !header.trim().is_empty()) else {
        return Err(Problem::new(401, "Webhook.SignatureMissing", format!("the header {name} is missing")));
    };
    let invalid =
        || Problem::new(401, "Webhook.SignatureInvalid", "the signature does not fit the body; check which key is used");
    let parts: Vec<(&str, &str)> = header.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let time = parts.iter().find(|(name, _)| *name == "t").and_then(|(_, time)| time.parse::<i64>().ok()).ok_or_else(invalid)?;
    let message = webhook_message(time, body);
    // While a sender rotates its key, it may sign with both.
    let macs: Vec<Vec<u8>> =
        parts.iter().filter(|(name, _)| *name == "v1").filter_map(|(_, mac)| from_hex(mac)).take(4).collect();
    let genuine =
        macs.iter().fold(false, |genuine, mac| genuine | keys.any(|key| hmac::verify(&key.secret, &message, mac).is_ok()));
    if !genuine {
        return Err(invalid());
    }
    // Only a genuine time is worth telling about.
    if now_s.saturating_sub(time).saturating_abs() > tolerance_s {
        return Err(Problem::new(
            401,
            "Webhook.TooOld",
            format!("the webhook's time is more than {tolerance_s} s from now; sign it again"),
        ));
    }
    Ok(())
}

fn webhook_message(time: i64, body: &[u8]) -> Vec<u8> {
    [format!("{time}.").as_bytes(), body].concat()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_survives_one_rotation_and_no_more() {
        let first = KeyRing::new("first secret", None);
        let sealed = first.sign(b"terms");
        assert!(sealed.starts_with("v1.") && sealed.len() == "v1.12345678.".len() + 43, "{sealed}");
        assert!(first.verify(b"terms", &sealed));
        assert!(KeyRing::new("second secret", Some("first secret")).verify(b"terms", &sealed));
        assert!(!KeyRing::new("third secret", Some("second secret")).verify(b"terms", &sealed));
    }

    #[test]
    fn a_changed_message_or_seal_is_refused() {
        let keys = KeyRing::new("secret", Some("older"));
        let sealed = keys.sign(b"terms");
        assert!(!keys.verify(b"other terms", &sealed));
        for wrong in ["", "v1", "v1..", "v2", &sealed[..sealed.len() - 1], &sealed.replacen("v1", "v2", 1), &format!("{sealed}A")]
        {
            assert!(!keys.verify(b"terms", wrong), "{wrong}");
        }
    }

    #[test]
    fn secrets_are_not_shown() {
        assert!(!format!("{:?}", KeyRing::new("secret", Some("older"))).contains("secret"));
    }

    fn code(result: Result<(), Problem>) -> Option<String> {
        result.err().map(|problem| {
            assert_eq!(problem.status(), 401);
            problem.code().to_owned()
        })
    }

    #[test]
    fn webhooks_are_checked_for_signature_and_age() {
        let keys = KeyRing::new("secret", None);
        let header = sign_webhook(&keys, 1_000, b"{}");
        let check = |header: Option<&str>, body: &[u8], now| code(verify_webhook(&keys, header, body, now, 300));
        assert_eq!(check(Some(&header), b"{}", 1_300), None);
        assert_eq!(check(Some(&header), b"{}", 700), None);
        assert_eq!(check(Some(&header), b"{}", 1_301).as_deref(), Some("Webhook.TooOld"));
        assert_eq!(check(Some(&header), b"{}", 699).as_deref(), Some("Webhook.TooOld"));
        assert_eq!(check(Some(&header), b"{ }", 1_000).as_deref(), Some("Webhook.SignatureInvalid"));
        assert_eq!(check(Some(&header.replace("t=1000", "t=1200")), b"{}", 1_200).as_deref(), Some("Webhook.SignatureInvalid"));
        assert_eq!(check(None, b"{}", 1_000).as_deref(), Some("Webhook.SignatureMissing"));
        for nonsense in ["t=1000", "v1=00", "t=x,v1=00", "t=1000,v1=zz", "t=1000,v1=é0"] {
            assert_eq!(check(Some(nonsense), b"{}", 1_000).as_deref(), Some("Webhook.SignatureInvalid"), "{nonsense}");
        }
    }

    #[test]
    fn a_webhook_may_be_signed_with_the_key_before_or_with_both() {
        let old = KeyRing::new("old", None);
        let rotated = KeyRing::new("new", Some("old"));
        let header = sign_webhook(&old, 1_000, b"{}");
        assert_eq!(code(verify_webhook(&rotated, Some(&header), b"{}", 1_000, 300)), None);
        let both = format!("{},{}", sign_webhook(&rotated, 1_000, b"{}"), header.trim_start_matches("t=1000,"));
        assert_eq!(code(verify_webhook(&old, Some(&both), b"{}", 1_000, 300)), None);
    }
}
