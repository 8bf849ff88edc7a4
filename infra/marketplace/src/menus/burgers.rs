use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const BURGERS: Assortment = Assortment {
    name: "Burgers",
    market_type: MarketType::Restaurant,
    share: [5, 4, 5, 5, 3],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late],
    names: &[
        "Smash & Co.",
        "Patty Republic",
        "Bun Theory",
        "Griddle Kings",
        "Rosie's Burger Bar",
        "Stacked",
        "Char & Cheddar",
        "Big Tom's Burgers",
        "Double Decker Burgers",
        "{hood} Burger Joint",
        "{hood} Smash Club",
    ],
    local_names: &[
        (ids::PR, &["Burger Bochinche", "El Smash de {hood}"]),
        (ids::AU, &["Lot With Everything"]),
        (ids::NZ, &["Kiwi Stack Burgers"]),
    ],
    sections: &[
        section(
            "Burgers",
            &[
                dish("Classic Cheeseburger", 1_195, "A smashed beef patty with American cheese, pickles and house sauce."),
                dish("Double Smash", 1_495, "Two crisp-edged patties, double cheese and grilled onions."),
                dish("Bacon Barbecue Burger", 1_550, "Smoked bacon, cheddar, onion rings and barbecue sauce."),
                dish("Mushroom Swiss Burger", 1_495, "Sautéed mushrooms, Swiss cheese and garlic aioli."),
                dish("Jalapeño Popper Burger", 1_525, "Pickled jalapeños, cream cheese and crisp bacon."),
                dish("Crispy Chicken Burger", 1_395, "Buttermilk-fried thigh with slaw and pickles on a brioche bun."),
                dish("Beyond Burger", 1_550, "A plant-based patty with lettuce, tomato and vegan mayonnaise."),
                dish("Fish Fillet Burger", 1_395, "Beer-battered white fish with tartar sauce and shredded lettuce."),
                dish("Blue Cheese Burger", 1_550, "A thick patty with blue cheese and caramelized onion jam."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("French Fries", 450, "Skin-on potatoes, fried twice and salted."),
                dish("Sweet Potato Fries", 550, "Crisp sweet potato with chipotle mayonnaise."),
                dish("Onion Rings", 595, "Thick-cut rings in beer batter."),
                dish("Loaded Fries", 895, "Fries under cheese sauce, bacon and scallions."),
                dish("House Slaw", 395, "Cabbage and carrot in a mustard dressing."),
                dish("Mac and Cheese Bites", 750, "Six breaded bites of macaroni and cheddar."),
            ],
        ),
        section(
            "Shakes",
            &[
                dish("Vanilla Shake", 695, "Hand-spun with vanilla bean ice cream."),
                dish("Chocolate Malt", 725, "Chocolate ice cream, malted milk and fudge."),
                dish("Strawberry Shake", 725, "Ice cream blended with roasted strawberries."),
                dish("Salted Caramel Shake", 750, "Burnt caramel, sea salt and whipped cream."),
            ],
        ),
    ],
};
