use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const ETHIOPIAN: Assortment = Assortment {
    name: "Ethiopian",
    market_type: MarketType::Restaurant,
    share: [2, 2, 2, 0, 0],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::LunchAndDinner],
    names: &[
        "Addis Table",
        "Lalibela Kitchen",
        "Queen of Sheba",
        "Meskerem",
        "Blue Nile",
        "Injera & Honey",
        "Enat Ethiopian",
        "Habesha Corner",
        "{hood} Gursha",
        "Axum {hood}",
    ],
    local_names: &[],
    sections: &[
        section(
            "Meat Dishes",
            &[
                dish("Doro Wat", 1_795, "Chicken stewed in berbere and onions with a boiled egg, on injera."),
                dish("Key Wat", 1_795, "Beef simmered in a deep red berbere sauce."),
                dish("Lamb Tibs", 1_895, "Lamb cubes seared with rosemary, onion and jalapeño."),
                dish("Kitfo", 1_895, "Minced beef warmed in spiced butter with mitmita, raw or cooked."),
                dish("Beef Tibs", 1_750, "Sautéed beef with tomato, onion and awaze."),
                dish("Doro Alicha", 1_695, "Chicken in a mild turmeric and ginger sauce."),
            ],
        ),
        section(
            "Vegetarian",
            &[
                dish("Misir Wat", 1_395, "Red lentils cooked with berbere and garlic."),
                dish("Kik Alicha", 1_350, "Yellow split peas with turmeric and ginger."),
                dish("Gomen", 1_295, "Collard greens braised with garlic and cardamom."),
                dish("Shiro", 1_395, "Ground chickpeas simmered to a smooth, spicy stew."),
                dish("Atkilt Wat", 1_295, "Cabbage, carrots and potatoes in mild spices."),
                dish("Veggie Combination", 1_895, "Six vegetable dishes on one large injera."),
            ],
        ),
        section(
            "Platters",
            &[
                dish("Meat Combination", 2_295, "Doro wat, key wat and tibs with two vegetables."),
                dish("Taste of Addis for Two", 3_895, "A shared platter of three meats and four vegetables."),
            ],
        ),
        section(
            "Sides",
            &[
                dish("Sambusa", 650, "Two crisp pastries filled with lentils and green chili."),
                dish("Extra Injera", 350, "Two sourdough flatbreads of teff."),
                dish("Timatim Salad", 850, "Tomatoes, onion and jalapeño in lemon dressing."),
                dish("Ayib", 450, "Fresh crumbly cheese that cools the spices."),
            ],
        ),
        section(
            "Coffee",
            &[
                dish("Ethiopian Coffee", 495, "Yirgacheffe beans roasted in the pan and brewed in a jebena."),
                dish("Spiced Tea", 395, "Black tea with cardamom, clove and cinnamon."),
            ],
        ),
    ],
};
