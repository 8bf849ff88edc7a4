use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const MEDITERRANEAN: Assortment = Assortment {
    name: "Mediterranean",
    market_type: MarketType::Restaurant,
    share: [4, 4, 4, 4, 2],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late, Hours::LunchAndDinner],
    names: &[
        "Olive & Thyme",
        "Zaatar House",
        "Levant Grill",
        "Yia Yia's Kitchen",
        "Beirut Street",
        "Pita Republic",
        "Santorini Grill",
        "Halloumi & Honey",
        "Sultan's Table",
        "{hood} Falafel",
        "Mezze {hood}",
    ],
    local_names: &[],
    sections: &[
        section(
            "Mezze",
            &[
                dish("Hummus", 795, "Chickpeas whipped with tahini, with warm pita."),
                dish("Baba Ghanoush", 850, "Charred eggplant with garlic, lemon and pomegranate."),
                dish("Falafel Plate", 950, "Six herb falafel with tahini and pickles."),
                dish("Grilled Halloumi", 1_095, "Squeaky cheese with lemon and oregano."),
                dish("Stuffed Grape Leaves", 795, "Six leaves rolled around rice, dill and currants."),
                dish("Tzatziki", 695, "Thick yogurt with cucumber, garlic and mint."),
            ],
        ),
        section(
            "Wraps",
            &[
                dish("Chicken Shawarma Wrap", 1_295, "Spit-roasted chicken with garlic sauce and pickles."),
                dish("Lamb Gyro", 1_395, "Shaved lamb, tomato, onion and tzatziki in pita."),
                dish("Falafel Wrap", 1_150, "Falafel with cabbage, tahini and hot sauce."),
                dish("Kofta Wrap", 1_350, "Grilled beef kofta with sumac onions."),
            ],
        ),
        section(
            "Plates",
            &[
                dish("Mixed Grill", 2_395, "Lamb kofta, chicken shish and beef with rice and salad."),
                dish("Chicken Shish Plate", 1_795, "Two skewers over saffron rice with toum."),
                dish("Moussaka", 1_750, "Layers of eggplant, lamb and béchamel."),
                dish("Grilled Sea Bass", 2_295, "A fillet with lemon, capers and roast potatoes."),
                dish("Shakshuka", 1_450, "Eggs baked in spiced tomato and peppers."),
            ],
        ),
        section(
            "Salads",
            &[
                dish("Greek Salad", 1_195, "Tomato, cucumber, olives and a slab of feta."),
                dish("Fattoush", 1_095, "Crisp pita, radish and sumac dressing."),
                dish("Tabbouleh", 950, "Parsley, bulgur, tomato and lemon."),
            ],
        ),
        section(
            "Desserts",
            &[
                dish("Baklava", 595, "Pistachio and walnut in buttered filo with syrup."),
                dish("Knafeh", 795, "Warm cheese pastry with orange blossom."),
            ],
        ),
    ],
};
