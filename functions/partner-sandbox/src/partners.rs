//! The registry of partners. A new partner is a module, a variant of [`Partner`], and an entry here.

use crate::call::Partner;
use crate::fraud::Fraud;
use crate::legacy::Legacy;
use crate::logistics::Logistics;
use crate::merchant::Merchant;
use crate::partner::PlayedPartner;
use crate::payment::Payment;
use crate::sandbox::Ports;
use crate::vendors::Vendors;

/// Every partner.
pub(crate) fn all<P: Ports>() -> [&'static dyn PlayedPartner<P>; 6] {
    [&Payment, &Fraud, &Logistics, &Merchant, &Legacy, &Vendors]
}

/// The implementation of a partner.
pub(crate) fn find<P: Ports>(partner: Partner) -> Option<&'static dyn PlayedPartner<P>> {
    all().into_iter().find(|played| played.partner() == partner)
}
