use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const PUERTO_RICAN: Assortment = Assortment {
    name: "Puerto Rican",
    market_type: MarketType::Restaurant,
    share: [1, 0, 0, 0, 9],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::LunchAndDinner, Hours::Late],
    names: &[
        "La Casita Boricua",
        "El Coquí Cafetín",
        "Isla del Encanto Kitchen",
        "Sofrito House",
        "Abuela Carmen's Kitchen",
        "Boricua Soul {hood}",
    ],
    local_names: &[(
        ids::PR,
        &[
            "Mofongo de {hood}",
            "Fonda Doña Carmen",
            "Lechonera El Pilón",
            "El Jibarito de {hood}",
            "La Alcapurria Quemá",
            "Cocina Criolla {hood}",
            "Casa Sofrito",
            "El Batey de {hood}",
            "Fonda La Guagua",
            "Sabor a Campo",
            "Cafetín Don Ramón",
            "Pastelillos Titi Rosa",
            "El Fogón de {hood}",
        ],
    )],
    sections: &[
        section(
            "Mofongo",
            &[
                dish("Mofongo de Pollo", 1_495, "Mashed green plantain with garlic, filled with chicken in sauce."),
                dish("Mofongo con Camarones", 1_995, "Garlic plantain mash topped with shrimp al ajillo."),
                dish("Mofongo con Carne Frita", 1_695, "Plantain mash with chunks of fried pork."),
                dish("Trifongo", 1_795, "Green plantain, ripe plantain and yuca mashed with chicharrón."),
            ],
        ),
        section(
            "Platos Criollos",
            &[
                dish("Pernil con Arroz con Gandules", 1_595, "Slow-roasted pork shoulder with pigeon pea rice."),
                dish("Chuleta Can Can", 2_195, "A deep-fried pork chop with rib and crackling attached."),
                dish("Bistec Encebollado", 1_695, "Thin steak braised with vinegar and onions."),
                dish("Pollo Guisado", 1_350, "Stewed chicken with sofrito, olives and potatoes."),
                dish("Churrasco con Tostones", 2_295, "Grilled skirt steak with chimichurri and fried plantain."),
                dish("Chillo Frito", 2_495, "A whole fried red snapper with creole sauce."),
                dish("Ensalada de Pulpo", 1_595, "Octopus with peppers, onion and olive oil."),
            ],
        ),
        section(
            "Frituras",
            &[
                dish("Alcapurrias", 450, "Two yautía fritters filled with seasoned beef."),
                dish("Bacalaítos", 395, "Crisp salt cod fritters, two to a portion."),
                dish("Empanadilla de Carne", 350, "A fried turnover with ground beef."),
                dish("Sorullitos de Maíz", 550, "Corn sticks with mayo-ketchup."),
                dish("Tostones", 495, "Twice-fried green plantain with garlic."),
                dish("Amarillos", 495, "Sweet ripe plantain, fried."),
            ],
        ),
        section(
            "Postres",
            &[
                dish("Flan de Queso", 595, "Cream cheese custard in caramel."),
                dish("Tembleque", 495, "Coconut pudding with cinnamon."),
                dish("Quesito", 295, "A flaky pastry with sweet cream cheese."),
            ],
        ),
    ],
};
