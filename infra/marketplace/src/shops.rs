//! Retail: flowers, pharmacies, pet supplies, books.

use crate::assortment::{Assortment, dish, pack, section};
use crate::hours::Hours;
use carryout_market::{MarketType, ids};

/// Every kind of shop.
pub(crate) const SHOPS: &[Assortment] = &[FLORIST, PHARMACY, PETS, BOOKS];

const FLORIST: Assortment = Assortment {
    name: "Flowers",
    market_type: MarketType::Retail,
    share: [1; 5],
    all_night: false,
    local_shelf: false,
    hours: &[Hours::Shop],
    names: &["Petal & Stem", "Wild Rose Florist", "The Bloom Room", "Fern & Fig", "{hood} Flowers"],
    local_names: &[(ids::PR, &["Floristería Amapola"]), (ids::NZ, &["Kōwhai Flowers"])],
    sections: &[
        section(
            "Bouquets",
            &[
                dish("Dozen Red Roses", 6_995, "Long stems, tied with eucalyptus."),
                dish("Seasonal Hand-Tied Bouquet", 5_495, "The florist's pick of the morning market."),
                dish("Sunflower Bouquet", 4_495, "Seven sunflowers with greenery."),
                dish("Pastel Peonies", 6_495, "Eight stems in soft pinks."),
                dish("Tulip Bunch", 2_495, "Twenty stems in one color."),
                dish("White Lilies", 4_995, "Fragrant oriental lilies, still in bud."),
                dish("Dried Flower Bunch", 3_995, "Keeps its color for a year."),
            ],
        ),
        section(
            "Plants",
            &[
                dish("Phalaenopsis Orchid", 3_995, "Two stems in a ceramic pot."),
                dish("Monstera", 4_495, "Half a meter high, for bright rooms."),
                dish("Snake Plant", 2_995, "Forgives weeks without water."),
                dish("Succulent Trio", 2_295, "Three small pots with gravel."),
                dish("Peace Lily", 2_795, "White flowers in half shade."),
            ],
        ),
        section(
            "Extras",
            &[
                dish("Glass Vase", 1_995, "A clear cylinder for tall stems."),
                dish("Greeting Card", 595, "Letterpress, with an envelope."),
                dish("Box of Truffles", 1_895, "Nine dark chocolate truffles."),
                dish("Scented Candle", 2_495, "Fig and cedar, burns for forty hours."),
            ],
        ),
    ],
};

/// The shop that a city needs at night.
pub(crate) const PHARMACY: Assortment = Assortment {
    name: "Pharmacy",
    market_type: MarketType::Retail,
    share: [1; 5],
    all_night: true,
    local_shelf: false,
    hours: &[Hours::Shop, Hours::Long],
    names: &["{hood} Pharmacy", "Goodwell Pharmacy {hood}", "Corner Chemist {hood}"],
    local_names: &[
        (ids::PR, &["Farmacia San Rafael {hood}", "Farmacia La Ceiba {hood}"]),
        (ids::CA, &["Wellspring Drug Mart {hood}"]),
    ],
    sections: &[
        section(
            "Medicine Cabinet",
            &[
                pack("Ibuprofen 200 mg", "50 ct", "48 tablets", 799, "For pain, fever and inflammation."),
                pack("Acetaminophen (Paracetamol) 500 mg", "50 ct", "48 tablets", 749, "For headaches and fever."),
                pack("Loratadine 10 mg", "30 ct", "30 tablets", 1_499, "Hay fever relief that does not make drowsy."),
                pack("Antacid Tablets", "60 ct", "60 tablets", 699, "Fast relief from heartburn."),
                pack("Cough Lozenges", "30 ct", "30 pack", 449, "Honey and lemon with menthol."),
                pack("Oral Rehydration Salts", "6 ct", "6 sachets", 899, "Electrolytes for a bad stomach."),
            ],
        ),
        section(
            "First Aid",
            &[
                pack("Adhesive Bandages", "60 ct", "60 pack", 549, "Flexible fabric in three sizes."),
                pack("Antiseptic Spray", "5 fl oz", "150 ml", 799, "Cleans small wounds without sting."),
                pack("Digital Thermometer", "1 ct", "1 piece", 1_299, "Reads in ten seconds."),
                pack("Rapid Antigen Tests", "2 ct", "2 pack", 1_499, "Results in fifteen minutes."),
            ],
        ),
        section(
            "Personal Care",
            &[
                pack("Sunscreen SPF 50", "3 fl oz", "100 ml", 1_299, "Light, without fragrance."),
                pack("Moisturizing Cream", "16 oz", "450 g", 1_599, "With ceramides, for dry skin."),
                pack("Electric Toothbrush Heads", "3 ct", "3 pack", 1_999, "Fits the common handles."),
                pack("Shampoo, Sensitive", "12 fl oz", "350 ml", 899, "Mild, without sulfates."),
                pack("Hand Sanitizer", "8 fl oz", "240 ml", 449, "Gel with aloe."),
            ],
        ),
        section(
            "Baby",
            &[
                pack("Diapers, Size 3", "32 ct", "32 pack", 1_399, "Up to twelve hours dry."),
                pack("Baby Wipes", "72 ct", "72 pack", 449, "Water and cotton, nothing else."),
                pack("Infant Formula", "12.5 oz", "800 g", 2_499, "From birth, with iron."),
            ],
        ),
    ],
};

const PETS: Assortment = Assortment {
    name: "Pet supplies",
    market_type: MarketType::Retail,
    share: [1; 5],
    all_night: false,
    local_shelf: false,
    hours: &[Hours::Shop],
    names: &["Paws & Whiskers", "The Good Dog Store", "Feather, Fin & Fur", "Wag Market", "{hood} Pet Supply"],
    local_names: &[(ids::PR, &["Mascotas Felices"])],
    sections: &[
        section(
            "Dogs",
            &[
                pack("Chicken and Rice Dry Food", "15 lb", "7 kg", 3_999, "Complete food for adult dogs."),
                pack("Beef Stew Wet Food", "12 × 13 oz", "12 × 370 g", 2_799, "Chunks in gravy."),
                pack("Dental Chews", "28 ct", "28 pack", 2_199, "One a day keeps tartar away."),
                pack("Rope Toy", "1 ct", "1 piece", 999, "Braided cotton for tugging."),
                pack("Rubber Chew Toy", "1 ct", "1 piece", 1_299, "Holds a treat inside."),
                pack("Waste Bags", "120 ct", "120 pack", 899, "Eight rolls that break down."),
            ],
        ),
        section(
            "Cats",
            &[
                pack("Salmon Dry Food", "7 lb", "3 kg", 2_699, "Without grain, for indoor cats."),
                pack("Tuna Pouches", "12 × 3 oz", "12 × 85 g", 1_499, "Flakes in jelly."),
                pack("Clumping Litter", "20 lb", "10 kg", 1_699, "Low dust, unscented."),
                pack("Catnip Mice", "3 ct", "3 pack", 699, "Felt mice with organic catnip."),
                pack("Scratching Board", "1 ct", "1 piece", 1_499, "Corrugated cardboard, both sides."),
                pack("Creamy Treats", "14 ct", "14 pack", 899, "Lickable tuna sticks."),
            ],
        ),
        section(
            "Small Animals and Fish",
            &[
                pack("Timothy Hay", "40 oz", "1 kg", 1_299, "Second cut for rabbits."),
                pack("Paper Bedding", "60 L", "60 L", 1_899, "Soft and absorbent."),
                pack("Tropical Fish Flakes", "2 oz", "60 g", 799, "Daily food for community tanks."),
                pack("Wild Bird Seed", "5 lb", "2.5 kg", 1_099, "Sunflower, millet and corn."),
            ],
        ),
    ],
};

const BOOKS: Assortment = Assortment {
    name: "Books",
    market_type: MarketType::Retail,
    share: [1; 5],
    all_night: false,
    local_shelf: false,
    hours: &[Hours::Shop],
    names: &["Dog-Eared Books", "Marginalia", "The Last Page", "Lantern Books", "{hood} Books"],
    local_names: &[(ids::PR, &["Librería La Tertulia Nueva"]), (ids::CA, &["Librairie du Square {hood}"])],
    sections: &[
        section(
            "Fiction",
            &[
                dish("Beloved, Toni Morrison", 1_700, "Paperback, 321 pages."),
                dish("One Hundred Years of Solitude, Gabriel García Márquez", 1_800, "Paperback, 417 pages."),
                dish("The Left Hand of Darkness, Ursula K. Le Guin", 1_800, "Paperback, 304 pages."),
                dish("Pachinko, Min Jin Lee", 1_900, "Paperback, 490 pages."),
                dish("The Luminaries, Eleanor Catton", 2_000, "Paperback, 848 pages."),
                dish("Station Eleven, Emily St. John Mandel", 1_700, "Paperback, 333 pages."),
                dish("Things Fall Apart, Chinua Achebe", 1_600, "Paperback, 209 pages."),
            ],
        ),
        section(
            "Non-Fiction",
            &[
                dish("A Short History of Nearly Everything, Bill Bryson", 2_000, "Paperback, 544 pages."),
                dish("Braiding Sweetgrass, Robin Wall Kimmerer", 2_000, "Paperback, 408 pages."),
                dish("Salt Fat Acid Heat, Samin Nosrat", 3_500, "Hardcover, 480 illustrated pages."),
                dish("Educated, Tara Westover", 1_900, "Paperback, 352 pages."),
            ],
        ),
        section(
            "Children",
            &[
                dish("Where the Wild Things Are, Maurice Sendak", 1_100, "Paperback, for ages four and up."),
                dish("The Very Hungry Caterpillar, Eric Carle", 1_100, "Board book, for the youngest."),
                dish("Matilda, Roald Dahl", 1_000, "Paperback, for ages eight and up."),
            ],
        ),
        section(
            "Stationery",
            &[
                dish("Dotted Notebook, A5", 1_995, "Numbered pages and two ribbons."),
                dish("Gel Pens, Set of Five", 1_095, "Fine points in five colors."),
                dish("Reading Light", 1_695, "Clips to a book and charges by USB."),
            ],
        ),
    ],
};
