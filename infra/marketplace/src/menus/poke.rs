use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const POKE: Assortment = Assortment {
    name: "Poke and salads",
    market_type: MarketType::Restaurant,
    share: [4, 3, 4, 3, 2],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::AllDay],
    names: &[
        "Aloha Bowl",
        "Green Theory",
        "Poke Lani",
        "Leaf & Grain",
        "Makai Poke",
        "Root & Reef",
        "The Salad Project",
        "Ocean Bowl",
        "Freshly Tossed {hood}",
        "{hood} Poke House",
    ],
    local_names: &[(ids::PR, &["Poke Playero"])],
    sections: &[
        section(
            "Poke Bowls",
            &[
                dish("Classic Ahi Bowl", 1_595, "Tuna in shoyu with cucumber, scallion and seaweed."),
                dish("Spicy Salmon Bowl", 1_550, "Salmon in sriracha mayonnaise with edamame and mango."),
                dish("Shrimp and Mango Bowl", 1_495, "Poached shrimp, mango, avocado and lime."),
                dish("Tofu Ponzu Bowl", 1_350, "Marinated tofu, carrots and citrus ponzu."),
                dish("Rainbow Poke Bowl", 1_750, "Tuna, salmon and yellowtail over sushi rice."),
                dish("Teriyaki Chicken Bowl", 1_450, "Grilled chicken, pineapple and sesame."),
            ],
        ),
        section(
            "Salads",
            &[
                dish("Kale Caesar", 1_295, "Kale and romaine with parmesan and sourdough crumbs."),
                dish("Harvest Salad", 1_395, "Roast sweet potato, apple, goat cheese and almonds."),
                dish("Cobb Salad", 1_495, "Chicken, bacon, egg, avocado and blue cheese."),
                dish("Thai Peanut Salad", 1_350, "Cabbage, carrots and noodles in peanut lime dressing."),
                dish("Mediterranean Grain Bowl", 1_395, "Quinoa, chickpeas, cucumber, olives and feta."),
                dish("Southwest Salad", 1_395, "Black beans, corn, avocado and chipotle ranch."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("Side of Edamame", 495, "With chili and lime."),
                dish("Wakame Salad", 550, "Seaweed in sesame dressing."),
                dish("Wonton Chips", 395, "With wasabi mayonnaise."),
                dish("Soup of the Day", 695, "A cup of the market's vegetables."),
            ],
        ),
        section(
            "Juices",
            &[
                dish("Green Juice", 795, "Kale, apple, cucumber, ginger and lemon."),
                dish("Carrot Ginger Juice", 750, "Cold-pressed with orange."),
                dish("Passion Fruit Lemonade", 550, "With mint, not too sweet."),
            ],
        ),
    ],
};
