//! Groceries: the kinds of store, and the shelves that they share.

use crate::assortment::{Assortment, Section, dish, pack, section};
use crate::hours::Hours;
use carryout_market::{MarketId, MarketType, ids};

/// Every kind of grocery but the farmers' market.
pub(crate) const GROCERIES: &[Assortment] = &[QUICK, SUPERMARKET, ORGANIC];

/// Delivers from a dark store in minutes.
pub(crate) const QUICK: Assortment = Assortment {
    name: "Quick grocery",
    market_type: MarketType::Grocery,
    share: [2, 2, 2, 2, 2],
    all_night: true,
    local_shelf: true,
    hours: &[Hours::Long],
    names: &["Pantry Dash {hood}", "Cornerly {hood}", "Fetch & Fill {hood}", "MinuteMart {hood}", "Night Pantry {hood}"],
    local_names: &[
        (ids::PR, &["Colmado Veloz {hood}", "Colmado 24 {hood}"]),
        (ids::CA, &["Dép Express {hood}"]),
        (ids::NZ, &["Dairy Direct {hood}"]),
    ],
    sections: &[PRODUCE, DAIRY, BAKERY, SNACKS, DRINKS, FROZEN, HOUSEHOLD],
};

const SUPERMARKET: Assortment = Assortment {
    name: "Supermarket",
    market_type: MarketType::Grocery,
    share: [2, 2, 2, 2, 2],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::Long],
    names: &["Harvest Lane {hood}", "Family Basket {hood}", "Greengate Market {hood}", "Brightway Foods {hood}"],
    local_names: &[
        (ids::PR, &["Supermercado La Cosecha {hood}"]),
        (ids::CA, &["Marché Beaulieu {hood}", "Northfield Grocers {hood}"]),
    ],
    sections: &[PRODUCE, DAIRY, BAKERY, MEAT, PANTRY, SNACKS, DRINKS, FROZEN, HOUSEHOLD],
};

const ORGANIC: Assortment = Assortment {
    name: "Organic grocery",
    market_type: MarketType::Grocery,
    share: [2, 1, 2, 2, 1],
    all_night: false,
    local_shelf: false,
    hours: &[Hours::Long, Hours::Shop],
    names: &[
        "Root & Branch Organics",
        "Good Earth Market",
        "The Whole Grain",
        "Clover Organic Co-op",
        "Wildflower Grocer",
        "{hood} Food Co-op",
        "Honest Harvest {hood}",
    ],
    local_names: &[(ids::PR, &["Finca Verde Orgánico"]), (ids::NZ, &["Commonsense Pantry"])],
    sections: &[ORGANIC_PRODUCE, DAIRY, BAKERY, BULK, WELLNESS],
};

/// Trades on one morning a week.
pub(crate) const FARMERS_MARKET: Assortment = Assortment {
    name: "Farmers' market",
    market_type: MarketType::Grocery,
    share: [0; 5],
    all_night: false,
    local_shelf: false,
    hours: &[Hours::SaturdayMorning],
    names: &["{hood} Farmers' Market", "{hood} Saturday Market"],
    local_names: &[(ids::PR, &["Mercado Agrícola de {hood}"])],
    sections: &[PRODUCE, ORGANIC_PRODUCE, FARM],
};

/// The brands that only this market knows.
pub(crate) const fn local_shelf(country: MarketId) -> &'static Section {
    match country {
        ids::CA => &CA,
        ids::AU => &AU,
        ids::NZ => &NZ,
        ids::PR => &PR,
        _ => &US,
    }
}

const PRODUCE: Section = section(
    "Produce",
    &[
        pack("Bananas", "2 lb", "1 kg", 179, "A ripe bunch for the week."),
        pack("Hass Avocados", "4 ct", "4 pack", 499, "Ready to eat in a day or two."),
        pack("Gala Apples", "3 lb bag", "1.5 kg bag", 549, "Crisp and sweet."),
        pack("Navel Oranges", "4 lb bag", "2 kg bag", 649, "Seedless and good for juice."),
        pack("Lemons", "1 lb", "500 g", 249, "Unwaxed, with fragrant peel."),
        pack("Baby Spinach", "5 oz", "140 g", 349, "Washed and ready for the bowl."),
        pack("Roma Tomatoes", "per lb", "per kg", 279, "Firm, for sauces and salads.").by_weight(250),
        pack("Yellow Onions", "3 lb bag", "1.5 kg bag", 349, "Keep well in a dark cupboard."),
        pack("Russet Potatoes", "5 lb bag", "2 kg bag", 449, "Floury, for baking and mash."),
        pack("Blueberries", "1 pint", "250 g", 449, "Sweet, plump berries."),
        pack("Broccoli Crowns", "1 lb", "500 g", 279, "Tight green florets."),
        pack("Garlic", "3 ct", "3 pack", 199, "Whole white bulbs."),
    ],
);

const DAIRY: Section = section(
    "Dairy and Eggs",
    &[
        pack("Whole Milk", "half gallon", "2 L", 349, "Pasteurized and homogenized."),
        pack("Oat Milk, Barista", "32 fl oz", "1 L", 449, "Foams well and tastes mild."),
        pack("Large Free-Range Eggs", "12 ct", "12 pack", 549, "From hens with room to roam."),
        pack("Salted Butter", "16 oz", "500 g", 599, "Churned from fresh cream."),
        pack("Plain Greek Yogurt", "32 oz", "907 g", 599, "Thick and high in protein."),
        pack("Sharp Cheddar", "8 oz", "250 g", 449, "Aged for nine months."),
        pack("Cream Cheese", "8 oz", "250 g", 349, "Soft and spreadable."),
        pack("Shredded Mozzarella", "8 oz", "250 g", 379, "Melts evenly on pizza."),
        pack("Philadelphia Herb Spread", "7.5 oz", "210 g", 399, "Cream cheese with chives and onion."),
    ],
);

const BAKERY: Section = section(
    "Bakery",
    &[
        pack("Sourdough Loaf", "24 oz", "680 g", 549, "Slow-fermented with a chewy crust."),
        pack("Whole Wheat Sandwich Bread", "20 oz", "570 g", 399, "Soft slices for lunch boxes."),
        pack("Plain Bagels", "6 ct", "6 pack", 399, "Boiled, then baked."),
        pack("Flour Tortillas", "10 ct", "10 pack", 349, "Soft eight-inch wraps."),
        pack("Butter Croissants", "4 ct", "4 pack", 549, "All-butter, baked this morning."),
        pack("English Muffins", "6 ct", "6 pack", 349, "Split and ready to toast."),
    ],
);

const MEAT: Section = section(
    "Meat and Fish",
    &[
        pack("Chicken Breast, Boneless", "1.5 lb", "700 g", 899, "Air-chilled and trimmed."),
        pack("Ground Beef, 85 % Lean", "1 lb", "500 g", 749, "Ground daily at the counter."),
        pack("Atlantic Salmon Fillet", "12 oz", "350 g", 1_199, "Skin on, pin bones out."),
        pack("Smoked Bacon", "12 oz", "340 g", 799, "Thick slices, smoked over hickory."),
        pack("Sliced Turkey Breast", "8 oz", "225 g", 649, "Oven-roasted and low in fat."),
        pack("Italian Sausages", "5 ct", "5 pack", 699, "Pork with fennel and garlic."),
    ],
);

const PANTRY: Section = section(
    "Pantry",
    &[
        pack("Barilla Spaghetti", "16 oz", "500 g", 219, "Durum wheat, ready in nine minutes."),
        pack("Jasmine Rice", "5 lb", "2 kg", 899, "Fragrant long-grain rice."),
        pack("Heinz Tomato Ketchup", "20 oz", "570 g", 429, "The one from the glass bottle."),
        pack("Extra Virgin Olive Oil", "17 fl oz", "500 ml", 1_199, "Cold-pressed and peppery."),
        pack("Crushed Tomatoes", "28 oz", "800 g", 249, "Vine-ripened, nothing added."),
        pack("Chickpeas", "15 oz", "400 g", 149, "Cooked and ready to rinse."),
        pack("All-Purpose Flour", "5 lb", "2 kg", 449, "Unbleached, for bread and cakes."),
        pack("Granulated Sugar", "4 lb", "1.8 kg", 399, "Fine white cane sugar."),
        pack("Kikkoman Soy Sauce", "10 fl oz", "300 ml", 379, "Naturally brewed."),
        pack("Creamy Peanut Butter", "16 oz", "450 g", 379, "Roasted peanuts and a little salt."),
    ],
);

const SNACKS: Section = section(
    "Snacks",
    &[
        pack("Sea Salt Potato Chips", "8 oz", "225 g", 449, "Kettle-cooked in small batches."),
        pack("Tortilla Chips", "13 oz", "370 g", 429, "Stone-ground yellow corn."),
        pack("Medium Salsa", "16 oz", "450 g", 399, "Tomato, onion and jalapeño."),
        pack("Oreo Cookies", "14.3 oz", "405 g", 499, "For dunking in milk."),
        pack("Lindt Dark Chocolate 70 %", "3.5 oz", "100 g", 399, "Smooth and not too sweet."),
        pack("Roasted Almonds", "16 oz", "450 g", 899, "Lightly salted."),
        pack("Microwave Popcorn", "3 ct", "3 pack", 379, "Buttery and ready in three minutes."),
        pack("Haribo Goldbears", "5 oz", "140 g", 249, "Five fruit flavors in one bag."),
    ],
);

const DRINKS: Section = section(
    "Drinks",
    &[
        pack("Coca-Cola", "12 × 12 fl oz", "10 × 375 ml", 899, "A fridge pack of cans.").with_deposit(60),
        pack("San Pellegrino", "33.8 fl oz", "1 L", 249, "Sparkling mineral water."),
        pack("Orange Juice, No Pulp", "52 fl oz", "1.5 L", 499, "Not from concentrate."),
        pack("Spring Water", "24 × 16.9 fl oz", "24 × 500 ml", 599, "Bottled at the source."),
        pack("Ground Coffee, Medium Roast", "12 oz", "340 g", 999, "Chocolate and toasted nuts."),
        pack("English Breakfast Tea", "50 ct", "50 pack", 499, "A strong black blend."),
        pack("Red Bull", "8.4 fl oz", "250 ml", 299, "One cold can."),
    ],
);

const FROZEN: Section = section(
    "Frozen",
    &[
        pack("Ben & Jerry's Cookie Dough", "16 fl oz", "458 ml", 649, "Vanilla ice cream with chunks of dough."),
        pack("Margherita Pizza", "14 oz", "400 g", 699, "Wood-fired, then frozen."),
        pack("Garden Peas", "16 oz", "450 g", 249, "Frozen within hours of picking."),
        pack("Mixed Berries", "16 oz", "450 g", 549, "For smoothies and porridge."),
        pack("Pork Dumplings", "16 oz", "450 g", 749, "Ready in eight minutes from frozen."),
        pack("French Fries", "32 oz", "1 kg", 449, "Straight cut, for oven or fryer."),
    ],
);

const HOUSEHOLD: Section = section(
    "Household",
    &[
        pack("Toilet Paper, 3 Ply", "12 rolls", "12 rolls", 1_299, "Soft and strong."),
        pack("Paper Towels", "6 rolls", "6 rolls", 999, "Select-a-size sheets."),
        pack("Dish Soap, Lemon", "22 fl oz", "650 ml", 349, "Cuts grease in cold water."),
        pack("Laundry Detergent", "46 fl oz", "1.36 L", 899, "Enough for thirty loads."),
        pack("Trash Bags", "40 ct", "40 pack", 849, "Drawstring, 13 gallons or 50 liters."),
        pack("AA Batteries", "8 ct", "8 pack", 899, "Alkaline, with a shelf life of ten years."),
        pack("Colgate Total Toothpaste", "4.8 oz", "115 ml", 449, "Whole-mouth protection."),
    ],
);

const ORGANIC_PRODUCE: Section = section(
    "Organic Produce",
    &[
        pack("Organic Lacinato Kale", "1 bunch", "1 bunch", 349, "Dark leaves from a nearby farm."),
        pack("Organic Carrots", "2 lb", "1 kg", 329, "With the tops cut off."),
        pack("Organic Strawberries", "16 oz", "450 g", 599, "Sweet and fully red."),
        pack("Organic Sweet Potatoes", "2 lb", "1 kg", 449, "Orange flesh, good for roasting."),
        pack("Organic Cherry Tomatoes", "10 oz", "280 g", 449, "On the vine."),
        pack("Organic Cucumbers", "2 ct", "2 pack", 349, "Thin skin, few seeds."),
        pack("Organic Ginger", "4 oz", "120 g", 199, "Fresh, juicy root."),
        pack("Organic Rainbow Chard", "1 bunch", "1 bunch", 349, "Stems of three colors."),
        pack("Organic Zucchini", "1 lb", "500 g", 299, "Small and tender."),
        pack("Organic Basil", "2 oz", "60 g", 349, "A living bunch in water."),
    ],
);

const BULK: Section = section(
    "Bulk Bins",
    &[
        pack("Rolled Oats", "2 lb", "1 kg", 449, "Organic and steel-rolled."),
        pack("Red Lentils", "1 lb", "500 g", 299, "Split, quick to cook."),
        pack("Tricolor Quinoa", "1 lb", "500 g", 599, "Rinsed and ready to boil."),
        pack("Raw Cashews", "12 oz", "350 g", 899, "Whole and unsalted."),
        pack("Medjool Dates", "12 oz", "350 g", 799, "Soft as caramel."),
        pack("Chia Seeds", "8 oz", "250 g", 499, "For puddings and bread."),
        pack("Brown Basmati Rice", "2 lb", "1 kg", 549, "Nutty whole-grain rice."),
        pack("Honey Almond Granola", "12 oz", "350 g", 699, "Baked in the store."),
    ],
);

const WELLNESS: Section = section(
    "Wellness",
    &[
        pack("Ginger Kombucha", "16 fl oz", "480 ml", 399, "Raw and lightly sparkling."),
        pack("Manuka Honey", "8.8 oz", "250 g", 2_499, "Certified UMF 5+."),
        pack("Firm Tofu", "14 oz", "400 g", 329, "From organic soybeans."),
        pack("Castile Soap, Peppermint", "16 fl oz", "475 ml", 1_099, "For hands, dishes and floors."),
        pack("Apple Cider Vinegar", "16 fl oz", "475 ml", 499, "Unfiltered, with the mother."),
        pack("Tempeh", "8 oz", "225 g", 399, "Fermented soybeans with a nutty bite."),
        pack("Kimchi, Mild", "16 oz", "450 g", 849, "Live cultures, no fish sauce."),
    ],
);

const FARM: Section = section(
    "From the Farm",
    &[
        pack("Wildflower Honey", "12 oz", "350 g", 999, "From hives beside the orchard."),
        pack("Pasture-Raised Eggs", "12 ct", "12 pack", 799, "Collected the day before."),
        pack("Fresh Goat Cheese", "5 oz", "150 g", 749, "Tangy and soft."),
        pack("Strawberry Jam", "9 oz", "260 g", 699, "Berries, sugar and lemon."),
        pack("Country Bread", "1 loaf", "1 loaf", 799, "Stone-milled flour and a long bake."),
        pack("Cut Flowers", "1 bunch", "1 bunch", 1_299, "Whatever is in bloom this week."),
        pack("Pickled Cucumbers", "16 oz", "450 g", 799, "With dill and mustard seed."),
        pack("Apple Juice", "half gallon", "2 L", 699, "Pressed from windfalls."),
        pack("Pork Sausages", "4 ct", "4 pack", 999, "From pigs kept outdoors."),
        pack("Garden Salad Mix", "6 oz", "170 g", 499, "Ten kinds of leaves."),
    ],
);

const US: Section = section(
    "American Favorites",
    &[
        dish("Cheerios, 18 oz", 549, "Whole-grain oat cereal."),
        dish("Kraft Mac & Cheese, 7.25 oz", 169, "The blue box."),
        dish("Ritz Crackers, 13.7 oz", 449, "Buttery and round."),
        dish("Skippy Super Chunk, 16 oz", 399, "Peanut butter with pieces."),
        dish("Hidden Valley Ranch, 16 fl oz", 449, "Dressing and dip."),
        dish("LaCroix Lime, 8 × 12 fl oz", 499, "Sparkling water without sweetener."),
    ],
);

const CA: Section = section(
    "Canadian Favourites",
    &[
        dish("Grade A Maple Syrup, 540 ml", 999, "Amber and rich, from Québec."),
        dish("Kraft Dinner, 225 g", 169, "Macaroni and cheese by its proper name."),
        dish("Lay's Ketchup Chips, 235 g", 349, "Tangy, red and hard to find elsewhere."),
        dish("Coffee Crisp, 4 × 50 g", 399, "Wafer bars with coffee cream."),
        dish("Montreal Steak Spice, 170 g", 499, "Coarse pepper, garlic and coriander."),
        dish("Mott's Clamato, 1.89 L", 449, "For a Caesar on Sunday."),
        dish("Tim Hortons Original Blend, 300 g", 799, "Fine grind for drip machines."),
    ],
);

const AU: Section = section(
    "Aussie Favourites",
    &[
        dish("Vegemite, 380 g", 499, "Yeast spread for buttered toast."),
        dish("Arnott's Tim Tam Original, 200 g", 299, "Chocolate biscuits, eleven in a pack."),
        dish("Sanitarium Weet-Bix, 575 g", 349, "Whole-grain wheat biscuits."),
        dish("Shapes Barbecue, 175 g", 229, "Baked crackers with plenty of flavour."),
        dish("Milo, 460 g", 649, "Malted chocolate to stir into milk."),
        dish("Cadbury Dairy Milk, 180 g", 399, "A family block."),
        dish("Golden Crumpet Rounds, 6 pack", 279, "For butter and honey."),
    ],
);

const NZ: Section = section(
    "Kiwi Favourites",
    &[
        dish("Whittaker's Creamy Milk, 250 g", 399, "Chocolate from Porirua, bean to bar."),
        dish("Pic's Peanut Butter, 380 g", 449, "Ground in Nelson."),
        dish("Sanitarium Marmite, 250 g", 399, "The dark New Zealand spread."),
        dish("Griffin's Gingernuts, 250 g", 199, "Hard biscuits for dunking."),
        dish("Kiwi Onion Dip Kit", 249, "Reduced cream and onion soup mix."),
        dish("Pineapple Lumps, 120 g", 179, "Chewy pineapple in chocolate."),
        dish("Vogel's Original Mixed Grain, 720 g", 349, "A dense loaf that needs a toaster."),
    ],
);

const PR: Section = section(
    "De la Isla",
    &[
        dish("Café Yaucono, 14 oz", 749, "Dark-roasted coffee from the mountains."),
        dish("Goya Gandules, 15 oz", 199, "Green pigeon peas for rice."),
        dish("Arroz Rico, 5 lb", 499, "Medium-grain rice for every day."),
        dish("Sofrito Fresco, 12 oz", 449, "Culantro, peppers, onion and garlic."),
        dish("Adobo Goya, 8 oz", 299, "All-purpose seasoning with garlic and oregano."),
        dish("Plátanos Verdes, 4 ct", 299, "Green plantains for tostones."),
        dish("Queso del País, 12 oz", 599, "Fresh white cheese."),
        dish("Malta India, 6 × 7 fl oz", 549, "A dark malt drink without alcohol."),
    ],
);
