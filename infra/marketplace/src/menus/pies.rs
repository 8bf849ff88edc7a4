use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const PIES: Assortment = Assortment {
    name: "Meat pies",
    market_type: MarketType::Restaurant,
    share: [0, 0, 5, 6, 0],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Morning, Hours::Late],
    names: &[
        "The Pie Cart",
        "Golden Crust Pies",
        "Upper Crust Bakery",
        "Steak & Gravy",
        "Nan's Pie Shop",
        "Flaky & Sons",
        "{hood} Pie Shop",
        "Pie Works {hood}",
    ],
    local_names: &[
        (ids::AU, &["Fair Dinkum Pies", "Harry's Night Pies"]),
        (ids::NZ, &["Sweet As Pies", "Big Ben's Pie Kitchen", "Kai & Crust"]),
    ],
    sections: &[
        section(
            "Pies",
            &[
                dish("Classic Mince Pie", 450, "Beef mince and dark gravy in flaky pastry."),
                dish("Mince and Cheese Pie", 495, "Beef mince under a layer of melted cheddar."),
                dish("Steak and Cheese Pie", 550, "Slow-cooked chuck steak with tasty cheese."),
                dish("Steak and Pepper Pie", 550, "Chunky steak with cracked black pepper."),
                dish("Butter Chicken Pie", 550, "Mild chicken curry in golden puff pastry."),
                dish("Chicken and Leek Pie", 550, "Poached chicken in a creamy leek sauce."),
                dish("Potato Top Pie", 550, "Mince and gravy under piped mashed potato."),
                dish("Lamb and Rosemary Pie", 595, "Shredded lamb shoulder with rosemary gravy."),
                dish("Spinach and Feta Pie", 525, "With roast pumpkin and pine nuts."),
                dish("Seafood Pie", 695, "Smoked fish, prawns and dill under mash."),
            ],
        ),
        section(
            "Rolls",
            &[
                dish("Sausage Roll", 375, "Pork and fennel in buttery pastry."),
                dish("Vegetarian Roll", 375, "Lentil, carrot and cumin."),
                dish("Lamb and Harissa Roll", 450, "Spiced lamb with sesame."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("Chips", 425, "Thick-cut with chicken salt."),
                dish("Mash, Peas and Gravy", 495, "The traditional company of a pie."),
                dish("Mushy Peas", 295, "With a little mint."),
            ],
        ),
        section(
            "Sweets",
            &[
                dish("Lamington", 325, "Sponge in chocolate and coconut with raspberry jam."),
                dish("Custard Square", 425, "Vanilla custard between pastry with passionfruit icing."),
                dish("Caramel Slice", 395, "Shortbread, caramel and dark chocolate."),
                dish("Anzac Biscuit", 250, "Oats, coconut and golden syrup."),
            ],
        ),
    ],
};
