use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const SUSHI: Assortment = Assortment {
    name: "Sushi",
    market_type: MarketType::Restaurant,
    share: [4, 4, 4, 4, 2],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::LunchAndDinner, Hours::AllDay],
    names: &[
        "Sushi Aoki",
        "Umi Sushi",
        "Kaiyo",
        "Blue Fin Sushi",
        "Hana Sushi Bar",
        "Matsu Sushi",
        "Tide & Temaki",
        "Sakana Counter",
        "Nori House",
        "{hood} Sushi",
        "Sushi Zen {hood}",
    ],
    local_names: &[],
    sections: &[
        section(
            "Nigiri and Sashimi",
            &[
                dish("Salmon Nigiri", 795, "Two pieces of salmon over seasoned rice."),
                dish("Tuna Nigiri", 895, "Two pieces of bluefin akami."),
                dish("Hamachi Nigiri", 850, "Two pieces of yellowtail with yuzu kosho."),
                dish("Salmon Sashimi", 1_595, "Eight slices with fresh wasabi."),
                dish("Chef's Sashimi", 2_695, "Fifteen slices of the day's best fish."),
            ],
        ),
        section(
            "Rolls",
            &[
                dish("California Roll", 995, "Crab, avocado and cucumber with sesame."),
                dish("Spicy Tuna Roll", 1_095, "Chopped tuna, chili mayonnaise and scallion."),
                dish("Dragon Roll", 1_695, "Shrimp tempura under avocado and eel sauce."),
                dish("Rainbow Roll", 1_695, "A California roll topped with five kinds of fish."),
                dish("Salmon Avocado Roll", 1_050, "Fresh salmon with ripe avocado."),
                dish("Cucumber Roll", 650, "Crisp cucumber and toasted sesame."),
                dish("Soft Shell Crab Roll", 1_595, "Fried crab with tobiko and shiso."),
                dish("Vegetable Futomaki", 1_095, "Pickled radish, spinach, egg and shiitake."),
            ],
        ),
        section(
            "Sets",
            &[
                dish("Sushi Set", 2_295, "Eight nigiri and a tuna roll, with miso soup."),
                dish("Chirashi Don", 2_395, "Assorted sashimi over sushi rice."),
                dish("Salmon Bento", 1_895, "Teriyaki salmon, rice, salad and a small roll."),
            ],
        ),
        section(
            "Kitchen",
            &[
                dish("Miso Soup", 395, "Dashi with white miso, tofu and wakame."),
                dish("Shrimp Tempura", 1_195, "Five shrimp in a light batter with dipping sauce."),
                dish("Seaweed Salad", 650, "Wakame in sesame and rice vinegar."),
                dish("Agedashi Tofu", 795, "Fried tofu in dashi with grated daikon."),
            ],
        ),
    ],
};
