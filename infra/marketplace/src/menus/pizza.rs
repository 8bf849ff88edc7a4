use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const PIZZA: Assortment = Assortment {
    name: "Pizza",
    market_type: MarketType::Restaurant,
    share: [5, 4, 4, 4, 3],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late, Hours::LunchAndDinner],
    names: &[
        "Forno Nove",
        "Slice Society",
        "Nonna Lucia's",
        "Due Fratelli Pizzeria",
        "Margherita & Co.",
        "Corner Slice",
        "San Marzano Social",
        "Brick & Basil",
        "Pizzeria Vesuvio",
        "{hood} Pizza Kitchen",
        "{hood} Pie House",
    ],
    local_names: &[
        (ids::PR, &["Pizzería La Placita", "Pizza al Horno {hood}"]),
        (ids::CA, &["Maple Leaf Slice"]),
        (ids::AU, &["Woodfire Lane"]),
        (ids::NZ, &["Hell's Kitchen Woodfire"]),
    ],
    sections: &[
        section(
            "Pizzas",
            &[
                dish("Margherita", 1_595, "San Marzano tomatoes, fresh mozzarella, basil and olive oil."),
                dish("Pepperoni", 1_795, "Cup-and-char pepperoni over mozzarella and slow-cooked tomato sauce."),
                dish("Quattro Formaggi", 1_850, "Mozzarella, gorgonzola, fontina and parmesan on a white base."),
                dish("Funghi", 1_795, "Roasted cremini and oyster mushrooms with thyme and taleggio."),
                dish("Diavola", 1_895, "Spicy salami, Calabrian chilies and a drizzle of hot honey."),
                dish(
                    "Prosciutto e Rucola",
                    1_995,
                    "Prosciutto di Parma and rocket laid on after the oven, with shaved parmesan.",
                ),
                dish("Garden Veggie", 1_750, "Bell peppers, red onion, olives, zucchini and cherry tomatoes."),
                dish("Hawaiian", 1_795, "Smoked ham and caramelized pineapple on mozzarella."),
                dish("Vegan Marinara", 1_495, "Tomato, garlic, oregano and olive oil, without cheese."),
                dish("Sausage and Peppers", 1_895, "Fennel sausage with roasted red peppers and onions."),
            ],
        ),
        section(
            "Starters",
            &[
                dish("Garlic Knots", 695, "Six knots of dough brushed with garlic butter and parsley."),
                dish("Burrata", 1_295, "Creamy burrata with cherry tomatoes and grilled sourdough."),
                dish("Arancini", 895, "Crisp risotto balls filled with mozzarella, with tomato sauce."),
                dish("Caesar Salad", 1_095, "Romaine, anchovy dressing, croutons and parmesan."),
                dish("Buffalo Wings", 1_295, "Eight wings in cayenne butter with blue cheese dip."),
            ],
        ),
        section(
            "Desserts",
            &[
                dish("Tiramisu", 850, "Mascarpone, espresso-soaked ladyfingers and cocoa."),
                dish("Cannoli", 650, "Two crisp shells with sweet ricotta and pistachio."),
                dish("Nutella Calzone", 950, "Folded pizza dough with hazelnut chocolate and powdered sugar."),
            ],
        ),
    ],
};
