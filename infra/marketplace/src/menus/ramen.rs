use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const RAMEN: Assortment = Assortment {
    name: "Ramen",
    market_type: MarketType::Restaurant,
    share: [3, 3, 3, 3, 1],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::LunchAndDinner, Hours::AllDay, Hours::Late],
    names: &[
        "Menya Hoshi",
        "Ramen Kagetsu",
        "Tsuru Ramen Bar",
        "Noren Ramen",
        "Ichiban Bowl",
        "Kaze Ramen",
        "Hakata Alley",
        "Slurp & Sons",
        "{hood} Ramen Bar",
        "Ramen Yokocho {hood}",
    ],
    local_names: &[(ids::PR, &["Ramen Borinquen"]), (ids::CA, &["Maple Alley Ramen"])],
    sections: &[
        section(
            "Ramen",
            &[
                dish(
                    "Tonkotsu Ramen",
                    1_650,
                    "Pork bones simmered for eighteen hours, with chashu, a soft egg and wood ear mushrooms.",
                ),
                dish("Spicy Miso Ramen", 1_675, "Fermented soybean broth with chili oil, ground pork and sweet corn."),
                dish("Shoyu Ramen", 1_550, "Clear chicken broth seasoned with aged soy sauce, bamboo shoots and nori."),
                dish("Shio Ramen", 1_550, "A light sea-salt broth with chicken chashu and yuzu peel."),
                dish("Tantanmen", 1_675, "Sesame and Sichuan pepper broth topped with minced pork and bok choy."),
                dish("Black Garlic Ramen", 1_725, "Tonkotsu with a slick of charred garlic oil and crisp shallots."),
                dish("Vegan Miso Ramen", 1_595, "Kombu and shiitake broth with tofu, corn and seasonal greens."),
                dish("Tsukemen", 1_750, "Thick chilled noodles to dip into a concentrated pork and fish broth."),
            ],
        ),
        section(
            "Rice Bowls",
            &[
                dish("Chashu Don", 1_095, "Torched pork belly over rice with scallions and a sweet soy glaze."),
                dish("Chicken Karaage Don", 1_150, "Crisp soy-marinated chicken on rice with Japanese mayonnaise."),
                dish("Oyakodon", 1_195, "Chicken and egg simmered in dashi, served over short-grain rice."),
            ],
        ),
        section(
            "Small Plates",
            &[
                dish("Pork Gyoza", 795, "Six pan-fried dumplings with a chili vinegar dip."),
                dish("Chicken Karaage", 895, "Twice-fried chicken thigh with lemon and togarashi salt."),
                dish("Edamame", 550, "Steamed soybeans with flaky sea salt."),
                dish("Takoyaki", 850, "Octopus balls with bonito flakes and okonomiyaki sauce."),
                dish("Pork Belly Bun", 575, "A steamed bun with braised pork, cucumber and hoisin."),
            ],
        ),
        section(
            "Extras",
            &[
                dish("Ajitama Egg", 225, "A soft egg marinated overnight in soy and mirin."),
                dish("Extra Noodles", 300, "A second helping of house noodles."),
                dish("Extra Chashu", 450, "Three slices of torched pork belly."),
            ],
        ),
    ],
};
