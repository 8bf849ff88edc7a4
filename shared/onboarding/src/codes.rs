//! Every error code of onboarding, with what a person can do about it.

use carryout_environment::ErrorCode;

/// There is no such applicant, or not for this caller.
pub const APPLICANT_UNKNOWN: ErrorCode = ErrorCode::permanent("Applicant.Unknown", "Check the number of your application.");
/// The application is finished or erased.
pub const APPLICANT_CLOSED: ErrorCode = ErrorCode::permanent("Applicant.Closed", "Nothing to do: the application is closed.");
/// Nobody can apply in this market.
pub const MARKET_NOT_OPEN: ErrorCode = ErrorCode::permanent("Market.NotOpen", "Choose a market that is open.");
/// This applicant is still served by the system before this one.
pub const MARKET_LEGACY: ErrorCode = ErrorCode::permanent("Market.Legacy", "Go on in the app in which you began.");
/// The workflow has no such step for this applicant.
pub const APPLICANT_STEP_UNKNOWN: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Unknown", "Ask for your application to see its steps.");
/// Other steps come first, or this one does not apply.
pub const STEP_NOT_READY: ErrorCode =
    ErrorCode::permanent("ApplicantStep.NotReady", "Do the next steps of your application first.");
/// The step can't be skipped, or not any more.
pub const STEP_NOT_OPTIONAL: ErrorCode = ErrorCode::permanent("ApplicantStep.NotOptional", "Submit the step's form.");
/// The step's form asks for no document.
pub const STEP_TAKES_NO_DOCUMENT: ErrorCode = ErrorCode::permanent("ApplicantStep.TakesNoDocument", "Submit the step's form.");
/// The step does not stand where the action begins.
pub const STEP_NOT_THERE: ErrorCode =
    ErrorCode::permanent("ApplicantStep.Moved", "Look at the application again: the step has moved on.");
/// An answer came that contradicts the one before it.
pub const VENDOR_CONTRADICTS: ErrorCode =
    ErrorCode::permanent("Vendor.AnsweredBefore", "The first answer counts; an operator can retry the step.");
/// A vendor can't be reached; nothing happened.
pub const VENDOR_UNAVAILABLE: ErrorCode =
    ErrorCode::retryable("Vendor.Unavailable", "Wait a moment; the application goes on by itself.");
/// A vendor did not answer; it may or may not have taken the request.
pub const VENDOR_NO_ANSWER: ErrorCode =
    ErrorCode::unknown("Vendor.NoAnswer", "Wait a moment; the application goes on by itself.");
/// Something that the step works on was never collected.
pub const DATA_MISSING: ErrorCode = ErrorCode::permanent("Applicant.DataMissing", "Ask support to look at the application.");
/// Personal data can't be sealed or opened.
pub const VAULT_UNAVAILABLE: ErrorCode = ErrorCode::retryable("Vault.Unavailable", "Wait a moment and try again.");
/// The address does not exist, or is outside of what is served.
pub const ADDRESS_REFUSED: ErrorCode = ErrorCode::permanent("Address.Refused", "Correct the address.");
/// The identity could not be verified.
pub const IDENTITY_REFUSED: ErrorCode = ErrorCode::permanent("Identity.Refused", "Ask support for a review.");
/// The document can't be read, or is not what it should be.
pub const DOCUMENT_REFUSED: ErrorCode = ErrorCode::permanent("Document.Refused", "Upload a better picture of the document.");
/// The risk is too high.
pub const RISK_REFUSED: ErrorCode = ErrorCode::permanent("Risk.Refused", "Ask support for a review.");
/// The background check found something.
pub const BACKGROUND_REFUSED: ErrorCode = ErrorCode::permanent("Background.Refused", "Ask support for a review.");
/// The account can't be paid.
pub const PAYOUT_REFUSED: ErrorCode = ErrorCode::permanent("Payout.Refused", "Correct the bank account.");
/// Too few right answers.
pub const QUIZ_NOT_PASSED: ErrorCode = ErrorCode::permanent("Quiz.NotPassed", "Read the training again and take the quiz again.");
/// The marketplace does not take the account.
pub const ACTIVATION_REFUSED: ErrorCode = ErrorCode::permanent("Activation.Refused", "Ask support to look at the account.");
/// An operator rejected the step.
pub const STEP_REJECTED: ErrorCode = ErrorCode::permanent("ApplicantStep.Rejected", "Ask support why.");
