use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const DINER: Assortment = Assortment {
    name: "Diner",
    market_type: MarketType::Restaurant,
    share: [3, 2, 2, 2, 2],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Morning],
    names: &[
        "The Night Owl Diner",
        "Blue Moon Diner",
        "Silver Spoon Diner",
        "Lou's All-Day",
        "Route 9 Diner",
        "Midnight Griddle",
        "Starlite Diner",
        "Formica Café",
        "{hood} Diner",
        "Open All Night {hood}",
    ],
    local_names: &[
        (ids::PR, &["La Madrugada Diner", "Cafetería 24 {hood}"]),
        (ids::CA, &["Le Lève-Tôt Diner", "Northern Lights Diner"]),
        (ids::AU, &["Southern Cross Diner"]),
        (ids::NZ, &["The Night Cart"]),
    ],
    sections: &[
        section(
            "All-Day Breakfast",
            &[
                dish("Two Eggs Any Style", 1_095, "With home fries and buttered toast."),
                dish("Buttermilk Pancakes", 1_150, "A stack of three with butter and maple syrup."),
                dish("French Toast", 1_195, "Thick brioche with berries and powdered sugar."),
                dish("Western Omelette", 1_395, "Ham, peppers, onion and cheddar."),
                dish("Corned Beef Hash", 1_495, "Crisp hash with two poached eggs."),
                dish("Breakfast Burrito", 1_295, "Scrambled eggs, sausage, potato and salsa."),
                dish("Belgian Waffle", 1_195, "With whipped cream and strawberries."),
            ],
        ),
        section(
            "Sandwiches",
            &[
                dish("Turkey Club", 1_450, "Roast turkey, bacon, lettuce and tomato on toast."),
                dish("Patty Melt", 1_450, "A beef patty with Swiss and onions on rye."),
                dish("Reuben", 1_550, "Corned beef, sauerkraut and Swiss on rye."),
                dish("Grilled Cheese", 995, "Sharp cheddar on sourdough with tomato soup."),
                dish("BLT", 1_195, "Thick bacon, lettuce, tomato and mayonnaise."),
                dish("Tuna Melt", 1_350, "Tuna salad and cheddar on an open roll."),
            ],
        ),
        section(
            "Plates",
            &[
                dish("Meatloaf", 1_650, "With mashed potatoes, gravy and green beans."),
                dish("Steak and Eggs", 2_195, "Sirloin with two eggs and home fries."),
                dish("Chicken Pot Pie", 1_595, "Chicken and vegetables under pastry."),
                dish("Fish and Chips", 1_695, "Battered white fish with fries and tartar sauce."),
            ],
        ),
        section(
            "Pie and Cake",
            &[
                dish("Apple Pie", 695, "A warm slice with cinnamon."),
                dish("Cheesecake", 795, "Baked, with a graham cracker crust."),
                dish("Carrot Cake", 750, "With walnuts and cream cheese frosting."),
            ],
        ),
    ],
};
