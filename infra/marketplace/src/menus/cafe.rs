use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

pub(super) const CAFE: Assortment = Assortment {
    name: "Bakery and café",
    market_type: MarketType::Restaurant,
    share: [5, 5, 6, 7, 4],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::Morning],
    names: &[
        "Flour & Salt",
        "Crumb Collective",
        "The Daily Loaf",
        "Second Crack Coffee",
        "Butter Lane Bakery",
        "Early Bird Bakehouse",
        "Sugar & Rye",
        "Good Morning Miriam",
        "{hood} Bakehouse",
        "{hood} Coffee Roasters",
    ],
    local_names: &[
        (ids::NZ, &["{hood} Flat White Co.", "Tūī & Crumb", "Kererū Coffee"]),
        (ids::AU, &["{hood} Espresso Bar", "Magpie & Smith", "Little Lorikeet"]),
        (ids::CA, &["Boulangerie du Coin {hood}", "Café Deux Tasses", "Two Loons Coffee"]),
        (ids::PR, &["Panadería La Ceiba {hood}", "Café Don Yayo", "Repostería Doña Luz"]),
    ],
    sections: &[
        section(
            "Coffee",
            &[
                dish("Flat White", 475, "A double ristretto under silky milk."),
                dish("Cappuccino", 475, "Espresso with steamed milk and cocoa."),
                dish("Cortado", 425, "Equal parts of espresso and warm milk."),
                dish("Cold Brew", 525, "Steeped for eighteen hours and served over ice."),
                dish("Matcha Latte", 595, "Ceremonial matcha with oat milk."),
                dish("Chai Latte", 550, "Black tea brewed with cardamom, ginger and clove."),
            ],
        ),
        section(
            "Pastries",
            &[
                dish("Butter Croissant", 425, "Laminated over three days with cultured butter."),
                dish("Pain au Chocolat", 475, "Croissant dough with two batons of dark chocolate."),
                dish("Cinnamon Roll", 525, "Soft brioche with cinnamon and cream cheese glaze."),
                dish("Blueberry Muffin", 425, "Wild blueberries under a crumble top."),
                dish("Almond Croissant", 550, "Filled with frangipane and toasted almonds."),
                dish("Banana Bread", 425, "Toasted and served with salted butter."),
            ],
        ),
        section(
            "Breakfast",
            &[
                dish("Avocado Toast", 1_195, "Sourdough, smashed avocado, feta and chili flakes."),
                dish("Bacon and Egg Roll", 1_050, "Smoked bacon, fried egg and tomato relish on a milk bun."),
                dish("Granola Bowl", 995, "House granola with yogurt, honey and berries."),
                dish("Eggs Benedict", 1_495, "Poached eggs and ham on English muffins with hollandaise."),
                dish("Smoked Salmon Bagel", 1_395, "Cream cheese, capers and pickled onion."),
            ],
        ),
        section(
            "Bread",
            &[
                dish("Country Sourdough", 850, "A naturally leavened loaf with a dark crust."),
                dish("Seeded Rye", 895, "Dense rye with sunflower and pumpkin seeds."),
                dish("Baguette", 425, "Crisp and long-fermented, baked twice a day."),
            ],
        ),
    ],
};
