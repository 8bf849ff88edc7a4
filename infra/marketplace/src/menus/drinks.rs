//! Soft drinks, which differ from market to market.

use crate::assortment::{Section, dish, section};
use carryout_market::{MarketId, ids};

/// The soft drinks that restaurants of a market have in the fridge.
pub(crate) const fn drinks(country: MarketId) -> &'static Section {
    match country {
        ids::CA => &CA,
        ids::AU => &AU,
        ids::NZ => &NZ,
        ids::PR => &PR,
        _ => &US,
    }
}

const US: Section = section(
    "Drinks",
    &[
        dish("Coca-Cola", 295, "A cold 12 oz can."),
        dish("Diet Coke", 295, "A cold 12 oz can."),
        dish("Dr Pepper", 295, "A cold 12 oz can."),
        dish("Topo Chico", 395, "Sparkling mineral water in a glass bottle."),
        dish("Unsweetened Iced Tea", 350, "Brewed in the house every morning."),
        dish("Jarritos Mandarin", 375, "Mexican soda with cane sugar."),
    ],
);

const CA: Section = section(
    "Drinks",
    &[
        dish("Coca-Cola", 250, "A cold 355 ml can."),
        dish("Canada Dry Ginger Ale", 250, "A cold 355 ml can."),
        dish("Clearly Canadian", 375, "Sparkling water with wild cherry."),
        dish("San Pellegrino Aranciata", 325, "Sparkling blood orange."),
        dish("Spruce Beer", 395, "An old Québec soda that tastes of the forest."),
        dish("Iced Tea", 300, "With lemon."),
    ],
);

const AU: Section = section(
    "Drinks",
    &[
        dish("Coca-Cola", 275, "A cold 375 ml can."),
        dish("Bundaberg Ginger Beer", 350, "Brewed in Queensland, in a 375 ml bottle."),
        dish("Solo", 275, "Lemon soft drink in a 375 ml can."),
        dish("Cascade Sparkling Apple", 350, "Tasmanian apples, lightly carbonated."),
        dish("Farmers Union Iced Coffee", 395, "Flavoured milk, 600 ml."),
        dish("Sparkling Water", 295, "A 500 ml bottle."),
    ],
);

const NZ: Section = section(
    "Drinks",
    &[
        dish("Coca-Cola", 275, "A cold 330 ml can."),
        dish("L&P", 275, "Lemon & Paeroa, world famous in New Zealand."),
        dish("Karma Lemmy Lemonade", 395, "Organic and fair trade."),
        dish("Six Barrel Ginger Ale", 425, "Soda syrup from Wellington with sparkling water."),
        dish("Feijoa Cider Soda", 395, "Non-alcoholic, with feijoa from Nelson."),
        dish("Sparkling Water", 295, "A 500 ml bottle."),
    ],
);

const PR: Section = section(
    "Bebidas",
    &[
        dish("Coca-Cola", 250, "A cold 12 oz can."),
        dish("Malta India", 295, "A dark malt drink without alcohol."),
        dish("Kola Champagne", 275, "Old Colony, sweet and golden."),
        dish("Jugo de Parcha", 395, "Passion fruit juice made every day."),
        dish("Limonada Fresca", 375, "Lime, sugar and crushed ice."),
        dish("Agua de Coco", 450, "Chilled coconut water."),
    ],
);
