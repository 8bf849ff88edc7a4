use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const INDIAN: Assortment = Assortment {
    name: "Indian",
    market_type: MarketType::Restaurant,
    share: [4, 5, 5, 5, 1],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::LunchAndDinner, Hours::AllDay],
    names: &[
        "Saffron House",
        "Curry Leaf",
        "Tandoor Express",
        "Bombay Canteen Road",
        "Masala Mantra",
        "Punjab Palace",
        "Dosa Corner",
        "Spice Bazaar",
        "Amritsari Dhaba",
        "{hood} Tandoori",
        "Taste of India {hood}",
    ],
    local_names: &[(ids::CA, &["Brampton Biryani House"]), (ids::NZ, &["Southern Spice Dhaba"])],
    sections: &[
        section(
            "Starters",
            &[
                dish("Vegetable Samosas", 695, "Two pastries of spiced potato and peas with tamarind chutney."),
                dish("Onion Bhaji", 695, "Crisp onion fritters in chickpea batter."),
                dish("Chicken 65", 1_150, "Fried chicken tossed with curry leaves and red chili."),
                dish("Papdi Chaat", 850, "Wafers with chickpeas, yogurt and two chutneys."),
            ],
        ),
        section(
            "Curries",
            &[
                dish("Butter Chicken", 1_695, "Tandoori chicken in a creamy tomato and fenugreek sauce."),
                dish("Chicken Tikka Masala", 1_695, "Charred chicken in spiced onion and tomato gravy."),
                dish("Lamb Rogan Josh", 1_895, "Kashmiri lamb curry with fennel and dried ginger."),
                dish("Palak Paneer", 1_550, "Fresh cheese in spinach with garlic and cumin."),
                dish("Chana Masala", 1_395, "Chickpeas with ginger, tomato and dried mango."),
                dish("Dal Makhani", 1_395, "Black lentils simmered overnight with butter."),
                dish("Goan Fish Curry", 1_850, "White fish in coconut, tamarind and red chili."),
            ],
        ),
        section(
            "Tandoor",
            &[
                dish("Tandoori Chicken", 1_695, "Half a chicken marinated in yogurt and spices."),
                dish("Paneer Tikka", 1_550, "Skewered cheese, peppers and onions with mint chutney."),
                dish("Garlic Naan", 425, "Leavened bread brushed with garlic butter."),
                dish("Butter Roti", 325, "Whole-wheat flatbread from the clay oven."),
            ],
        ),
        section(
            "Rice",
            &[
                dish("Chicken Biryani", 1_695, "Layered basmati with saffron, fried onions and raita."),
                dish("Vegetable Biryani", 1_495, "Basmati layered with seasonal vegetables and mint."),
                dish("Basmati Rice", 395, "Steamed with cumin seeds."),
            ],
        ),
        section(
            "Sweets",
            &[
                dish("Gulab Jamun", 595, "Warm milk dumplings in rose syrup."),
                dish("Mango Lassi", 550, "Yogurt blended with Alphonso mango."),
            ],
        ),
    ],
};
