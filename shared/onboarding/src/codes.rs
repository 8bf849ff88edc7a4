//! Error codes of onboarding that belong to no single step; each step declares its own.

use carryout_environment::ErrorCode;

/// There is no such applicant, or not for this caller.
pub const APPLICANT_UNKNOWN: ErrorCode = ErrorCode::permanent("Applicant.Unknown", "Check the number of your application.");
/// The application is finished or erased.
pub const APPLICANT_CLOSED: ErrorCode = ErrorCode::permanent("Applicant.Closed", "Nothing to do: the application is closed.");
/// The market takes no applications.
pub const MARKET_NOT_OPEN: ErrorCode = ErrorCode::permanent("Market.NotOpen", "Choose a market that is open.");
/// The older system still serves this applicant.
pub const MARKET_LEGACY: ErrorCode = ErrorCode::permanent("Market.Legacy", "Continue in the app in which you began.");
/// The workflow has no such step for this applicant.
pub const APPLICANT_STEP_UNKNOWN: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Unknown", "Ask for your application to see its steps.");
/// Other steps come first, or this one does not apply.
pub const STEP_NOT_READY: ErrorCode =
    ErrorCode::permanent("ApplicantStep.NotReady", "Complete the next steps of your application first.");
/// The step can't be skipped, or not any more.
pub const STEP_NOT_OPTIONAL: ErrorCode = ErrorCode::permanent("ApplicantStep.NotOptional", "Submit the step's form.");
/// The step's form asks for no document.
pub const STEP_TAKES_NO_DOCUMENT: ErrorCode = ErrorCode::permanent("ApplicantStep.TakesNoDocument", "Submit the step's form.");
/// The step is not in a state in which the operator's action applies.
pub const STEP_NOT_THERE: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Moved", "Look at the application again: the step has moved on.");
/// A vendor's answer contradicts its earlier one.
pub const VENDOR_CONTRADICTS: ErrorCode =
    ErrorCode::permanent("Vendor.AnsweredBefore", "The first answer counts; an operator can retry the step.");
/// The vendor can't be reached; the request had no effect.
pub const VENDOR_UNAVAILABLE: ErrorCode =
    ErrorCode::retryable("Vendor.Unavailable", "Wait a moment; the application continues by itself.");
/// The vendor did not answer; it may or may not have accepted the request.
pub const VENDOR_NO_ANSWER: ErrorCode =
    ErrorCode::unknown("Vendor.NoAnswer", "Wait a moment; the application continues by itself.");
/// Data that the step needs was never collected.
pub const DATA_MISSING: ErrorCode = ErrorCode::permanent("Applicant.DataMissing", "Ask support to look at the application.");
/// Personal data can't be encrypted or decrypted.
pub const VAULT_UNAVAILABLE: ErrorCode = ErrorCode::retryable("Vault.Unavailable", "Wait a moment and try again.");
/// An operator rejected the step.
pub const STEP_REJECTED: ErrorCode = ErrorCode::permanent("ApplicantStep.Rejected", "Ask support for the reason.");
