use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const MEXICAN: Assortment = Assortment {
    name: "Mexican",
    market_type: MarketType::Restaurant,
    share: [5, 3, 2, 2, 2],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::Late],
    names: &[
        "Taquería El Farolito Rojo",
        "La Esquina Verde",
        "Mercado Oaxaca",
        "Tacos Don Chuy",
        "Cantina Lupita",
        "El Nopal Azul",
        "Tres Hermanas Taquería",
        "Casa Mezcal",
        "Taquería {hood}",
        "{hood} Taco Stand",
    ],
    local_names: &[(ids::AU, &["Señor Coyote"]), (ids::NZ, &["Mexico City Lane"]), (ids::CA, &["Tacos del Norte"])],
    sections: &[
        section(
            "Tacos",
            &[
                dish("Tacos al Pastor", 1_295, "Three corn tortillas with spit-roasted pork, pineapple, onion and cilantro."),
                dish("Carne Asada Tacos", 1_350, "Grilled skirt steak with guacamole and salsa roja."),
                dish("Baja Fish Tacos", 1_395, "Battered fish, cabbage and chipotle crema."),
                dish("Pollo Tinga Tacos", 1_250, "Shredded chicken in smoky tomato and chipotle."),
                dish("Mushroom Tacos", 1_195, "Roasted mushrooms with poblano and cotija."),
                dish("Birria Tacos", 1_550, "Braised beef and melted cheese, with consommé for dipping."),
            ],
        ),
        section(
            "Burritos and Bowls",
            &[
                dish("Carnitas Burrito", 1_395, "Slow-cooked pork, rice, black beans and pico de gallo."),
                dish("California Burrito", 1_495, "Carne asada with fries, cheese and guacamole inside."),
                dish("Vegetarian Burrito", 1_250, "Grilled peppers, beans, rice and salsa verde."),
                dish("Chicken Burrito Bowl", 1_395, "Grilled chicken on cilantro rice with corn and avocado."),
            ],
        ),
        section(
            "Antojitos",
            &[
                dish("Quesadilla", 1_095, "A flour tortilla folded over Oaxaca cheese, with sour cream."),
                dish("Chicken Enchiladas Verdes", 1_595, "Three rolled tortillas under tomatillo sauce and crema."),
                dish("Chips and Guacamole", 895, "Fried tortilla chips with avocado mashed to order."),
                dish("Elote", 595, "Grilled corn with mayonnaise, cotija and chili."),
                dish("Nachos Supremos", 1_350, "Chips with beans, cheese, jalapeños and crema."),
                dish("Tortilla Soup", 850, "Chicken and guajillo broth with crisp tortilla strips."),
            ],
        ),
        section(
            "Postres",
            &[
                dish("Churros", 695, "Cinnamon sugar churros with chocolate sauce."),
                dish("Tres Leches Cake", 750, "Sponge soaked in three milks with whipped cream."),
                dish("Flan de Vainilla", 650, "Baked custard in dark caramel."),
            ],
        ),
    ],
};
