use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const FRIED_CHICKEN: Assortment = Assortment {
    name: "Fried chicken",
    market_type: MarketType::Restaurant,
    share: [4, 3, 4, 4, 3],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late],
    names: &[
        "Cluck Yeah",
        "Hot Hen",
        "Golden Drumstick",
        "Bird & Biscuit",
        "Mama Dee's Chicken",
        "Seoul Crunch",
        "The Crispy Coop",
        "Nashville Sparrow",
        "Feather & Fry",
        "{hood} Fried Chicken",
        "Hot Bird {hood}",
    ],
    local_names: &[(ids::PR, &["Pollos al Carbón {hood}", "Pollos Don Cheo"]), (ids::AU, &["Chook House {hood}"])],
    sections: &[
        section(
            "Chicken",
            &[
                dish("Three-Piece Box", 1_295, "Thigh, drumstick and wing in buttermilk crust, with fries."),
                dish("Chicken Tenders", 1_195, "Five hand-breaded tenders with a choice of dip."),
                dish("Korean Wings", 1_395, "Ten double-fried wings in gochujang glaze."),
                dish("Soy Garlic Wings", 1_395, "Ten crisp wings brushed with sweet soy and garlic."),
                dish("Popcorn Chicken", 895, "Bite-size thigh with spicy salt."),
                dish("Family Bucket", 3_495, "Twelve pieces with two large sides."),
                dish("Half Chicken", 1_595, "Half a bird, brined and fried to order."),
            ],
        ),
        section(
            "Sandwiches",
            &[
                dish("Classic Chicken Sandwich", 1_195, "Fried thigh, pickles and butter on a toasted bun."),
                dish("Nashville Hot Sandwich", 1_295, "Cayenne-dipped breast with slaw and comeback sauce."),
                dish("Honey Butter Sandwich", 1_250, "Fried chicken glazed with honey butter."),
                dish("Chicken and Waffles", 1_495, "Tenders on a Belgian waffle with maple syrup."),
                dish("Spicy Caesar Wrap", 1_195, "Chopped tenders with romaine and parmesan."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("Seasoned Fries", 450, "Fries with paprika salt."),
                dish("Mac and Cheese", 595, "Baked elbow macaroni in three cheeses."),
                dish("Buttermilk Biscuit", 325, "Served warm with honey butter."),
                dish("Coleslaw", 395, "Cabbage and carrot in a tangy dressing."),
                dish("Mashed Potatoes and Gravy", 495, "With black pepper pan gravy."),
                dish("Kimchi", 450, "House-fermented cabbage."),
            ],
        ),
        section(
            "Dips",
            &[dish("Ranch Dip", 125, "Buttermilk, dill and garlic."), dish("Honey Mustard", 125, "Sweet with a little heat.")],
        ),
    ],
};
