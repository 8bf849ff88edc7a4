use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const THAI: Assortment = Assortment {
    name: "Thai",
    market_type: MarketType::Restaurant,
    share: [4, 3, 5, 4, 1],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::LunchAndDinner, Hours::AllDay],
    names: &[
        "Baan Thai",
        "Chili & Lime",
        "Lotus of Siam Road",
        "Isaan Station",
        "Tuk Tuk Kitchen",
        "Krung Thep Eatery",
        "Sabai Sabai",
        "Holy Basil",
        "Som Tam House",
        "Thai on {hood}",
        "{hood} Thai Kitchen",
    ],
    local_names: &[],
    sections: &[
        section(
            "Starters",
            &[
                dish("Chicken Satay", 995, "Four skewers with peanut sauce and cucumber relish."),
                dish("Vegetable Spring Rolls", 795, "Crisp rolls of glass noodles and cabbage with plum sauce."),
                dish("Tom Yum Goong", 1_195, "Hot and sour shrimp soup with lemongrass and galangal."),
                dish("Fish Cakes", 995, "Red curry fish cakes with sweet chili dip."),
            ],
        ),
        section(
            "Curries",
            &[
                dish("Green Curry", 1_595, "Chicken, Thai eggplant and basil in green coconut curry."),
                dish("Massaman Beef", 1_750, "Slow-cooked beef with potatoes, peanuts and tamarind."),
                dish("Panang Curry", 1_650, "Thick red curry with kaffir lime and pork."),
                dish("Red Duck Curry", 1_895, "Roast duck with pineapple, grapes and cherry tomatoes."),
                dish("Jungle Curry", 1_595, "A fiery curry without coconut, with green peppercorns."),
            ],
        ),
        section(
            "Noodles and Rice",
            &[
                dish("Pad Thai", 1_550, "Rice noodles with tamarind, egg, shrimp and crushed peanuts."),
                dish("Pad See Ew", 1_495, "Wide noodles charred with dark soy and Chinese broccoli."),
                dish("Drunken Noodles", 1_550, "Wide noodles with chili, holy basil and green beans."),
                dish("Khao Soi", 1_650, "Northern curry noodles with chicken and crisp egg noodles."),
                dish("Pineapple Fried Rice", 1_550, "Jasmine rice with cashews, raisins and curry powder."),
            ],
        ),
        section(
            "Wok and Salads",
            &[
                dish("Pad Kra Pao", 1_550, "Minced pork with holy basil, chili and a fried egg."),
                dish("Cashew Chicken", 1_595, "Chicken with roasted cashews and dried chili."),
                dish("Som Tam", 1_195, "Green papaya salad pounded with lime, chili and peanuts."),
                dish("Larb Gai", 1_295, "Minced chicken with mint, lime and toasted rice."),
            ],
        ),
        section(
            "Sweets",
            &[
                dish("Mango Sticky Rice", 895, "Sweet coconut rice with ripe mango."),
                dish("Thai Iced Tea", 550, "Strong spiced tea with condensed milk."),
            ],
        ),
    ],
};
