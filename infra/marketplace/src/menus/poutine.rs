use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const POUTINE: Assortment = Assortment {
    name: "Poutine",
    market_type: MarketType::Restaurant,
    share: [0, 5, 0, 0, 0],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late],
    names: &[
        "Squeak & Gravy",
        "The Curd House",
        "Frites & Fromage",
        "Gravy Corner",
        "Cheese Curd Charlie's",
        "{hood} Poutinerie",
    ],
    local_names: &[(ids::CA, &["La Banquette", "Chez Ti-Guy Patate", "Casse-croûte {hood}", "Patate Royale"])],
    sections: &[
        section(
            "Poutines",
            &[
                dish("Classic Poutine", 995, "Fries, squeaky cheese curds and brown gravy."),
                dish("Smoked Meat Poutine", 1_395, "Montréal smoked meat with mustard over a classic poutine."),
                dish("Poutine Galvaude", 1_295, "Shredded chicken and green peas with curds and gravy."),
                dish("Pulled Pork Poutine", 1_350, "Barbecue pork and crisp onions."),
                dish("Butter Chicken Poutine", 1_350, "Curds and fries under butter chicken sauce."),
                dish("Italian Poutine", 1_250, "Bolognese in place of the gravy."),
                dish("Vegan Poutine", 1_195, "Miso mushroom gravy and cashew curds."),
                dish("Breakfast Poutine", 1_295, "Bacon, sausage and a fried egg with hollandaise."),
                dish("Bacon Lover's Poutine", 1_295, "Double-smoked bacon and green onions."),
            ],
        ),
        section(
            "Sandwiches",
            &[
                dish("Smoked Meat Sandwich", 1_395, "Hand-cut brisket on rye with mustard and a pickle."),
                dish("Steamed Hot Dog", 395, "All dressed with mustard, relish, onion and slaw."),
                dish("Club Sandwich", 1_450, "Chicken, bacon and tomato on three slices of toast."),
                dish("Peameal Bacon Sandwich", 1_195, "Cornmeal-crusted back bacon on a soft bun."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("Hand-Cut Fries", 495, "With salt and malt vinegar."),
                dish("Fried Pickles", 750, "Dill spears with ranch."),
                dish("Fresh Cheese Curds", 595, "A bag of the day's curds."),
                dish("Pogo", 395, "A corn dog with yellow mustard."),
            ],
        ),
        section(
            "Sweets",
            &[
                dish("Beaver Tail", 650, "Fried dough with cinnamon sugar and lemon."),
                dish("Nanaimo Bar", 450, "Coconut crumb, custard and chocolate."),
                dish("Butter Tart", 425, "A runny maple filling in flaky pastry."),
            ],
        ),
    ],
};
