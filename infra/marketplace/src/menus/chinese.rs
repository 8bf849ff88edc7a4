use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const CHINESE: Assortment = Assortment {
    name: "Chinese",
    market_type: MarketType::Restaurant,
    share: [4, 4, 4, 4, 3],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late, Hours::LunchAndDinner],
    names: &[
        "Golden Wok",
        "Jade Garden",
        "Lucky Panda",
        "Sichuan House",
        "Mr. Zhao's Noodles",
        "Red Lantern",
        "Dumpling Republic",
        "Canton Kitchen",
        "Great Wall Express",
        "Xi'an Street Food",
        "{hood} Dim Sum",
        "Wok on {hood}",
    ],
    local_names: &[],
    sections: &[
        section(
            "Dumplings and Dim Sum",
            &[
                dish("Pork and Chive Dumplings", 1_095, "Ten boiled dumplings with black vinegar."),
                dish("Xiao Long Bao", 1_195, "Six steamed soup dumplings with ginger."),
                dish("Har Gow", 895, "Four crystal shrimp dumplings."),
                dish("Char Siu Bao", 795, "Three fluffy buns with barbecue pork."),
                dish("Scallion Pancake", 750, "Flaky, pan-fried and cut into eight."),
                dish("Spring Rolls", 650, "Four crisp vegetable rolls."),
            ],
        ),
        section(
            "Mains",
            &[
                dish("Kung Pao Chicken", 1_550, "Chicken with peanuts, dried chili and Sichuan pepper."),
                dish("Mapo Tofu", 1_395, "Silken tofu in fermented bean and pork sauce."),
                dish("Sweet and Sour Pork", 1_550, "Crisp pork with pineapple and peppers."),
                dish("Beef and Broccoli", 1_650, "Sliced beef in oyster sauce."),
                dish("Orange Chicken", 1_550, "Fried chicken in orange peel glaze."),
                dish("Twice-Cooked Pork", 1_595, "Pork belly with leeks and bean paste."),
                dish("Salt and Pepper Squid", 1_695, "Crisp squid with garlic and chili."),
                dish("Garlic Bok Choy", 1_095, "Stir-fried greens with garlic."),
            ],
        ),
        section(
            "Noodles and Rice",
            &[
                dish("Dan Dan Noodles", 1_295, "Chili oil, sesame and minced pork."),
                dish("Beef Chow Fun", 1_495, "Wide rice noodles with bean sprouts and soy."),
                dish("Yangzhou Fried Rice", 1_295, "With shrimp, char siu and egg."),
                dish("Singapore Noodles", 1_395, "Curried vermicelli with shrimp and pork."),
                dish("Hand-Pulled Cumin Lamb Noodles", 1_595, "Wide noodles with lamb and long peppers."),
            ],
        ),
        section(
            "Soups",
            &[
                dish("Hot and Sour Soup", 595, "Tofu, bamboo and white pepper."),
                dish("Wonton Soup", 750, "Pork and shrimp wontons in clear broth."),
            ],
        ),
    ],
};
