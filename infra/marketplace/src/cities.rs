//! Where the marketplace trades: cities, their neighbourhoods, and what the tax office asks for there.

use carryout_market::{MarketId, ids};

/// A city with everything that a store or a consumer in it needs.
pub(crate) struct City {
    pub name: &'static str,
    pub country: MarketId,
    pub time_zone: &'static str,
    /// Thousandths of a percent on prepared food and general merchandise. One rate per store: what basic groceries
    /// are spared in some places is not modelled.
    pub tax_milli_percent: i64,
    /// Telephone area codes, without the trunk prefix.
    pub area_codes: &'static [&'static str],
    /// How many stores it has relative to the other cities of its market.
    pub weight: u32,
    /// The first is the hub: the stores that never close are there.
    pub neighbourhoods: &'static [Neighbourhood],
}

/// A part of a city, by its centre.
pub(crate) struct Neighbourhood {
    pub name: &'static str,
    pub lat: f64,
    pub lng: f64,
    /// How far from the centre its stores are, in metres; less where the water is near.
    pub spread: f64,
    /// What follows the street in an address.
    pub locality: &'static str,
    pub streets: &'static [&'static str],
}

impl City {
    /// The neighbourhood around which the city's 24-hour stores are.
    pub(crate) const fn hub(&self) -> &'static Neighbourhood {
        &self.neighbourhoods[0]
    }
}

const fn at(
    name: &'static str,
    (lat, lng, spread): (f64, f64, f64),
    locality: &'static str,
    streets: &'static [&'static str],
) -> Neighbourhood {
    Neighbourhood { name, lat, lng, spread, locality, streets }
}

/// The cities of a market, the largest first.
pub(crate) fn cities_of(country: MarketId) -> Vec<&'static City> {
    CITIES.iter().filter(|city| city.country == country).collect()
}

/// Sources of the rates, combined state and local: New York State publication 718; Chicago's 10.25 % sales tax and
/// 0.5 % restaurant tax; California's and Washington's rate tables; Texas comptroller (8.25 % is the state's ceiling).
/// Canada: HST in Ontario, GST and QST in Québec, GST alone in British Columbia (food is free of PST) and Alberta.
/// Australia's GST is 10 %, New Zealand's 15 %. Puerto Rico's IVU is 10.5 % for the state and 1 % for the municipality
/// (Código de Rentas Internas, sections 4020.01, 4210.01 and 6080.14); the reduced 7 % on prepared food needs a certificate
/// that these merchants don't hold.
pub(crate) const CITIES: &[City] = &[
    City {
        name: "New York",
        country: ids::US,
        time_zone: "America/New_York",
        tax_milli_percent: 8_875,
        area_codes: &["212", "646", "718", "917", "347"],
        weight: 32,
        neighbourhoods: &[
            at("East Village", (40.7272, -73.9842, 750.0), "New York, NY 10003", &["1st Ave", "2nd Ave", "E 9th St", "Avenue A"]),
            at(
                "Williamsburg",
                (40.7130, -73.9500, 900.0),
                "Brooklyn, NY 11211",
                &["Bedford Ave", "Grand St", "Metropolitan Ave"],
            ),
            at("Chelsea", (40.7455, -73.9965, 700.0), "New York, NY 10011", &["8th Ave", "7th Ave", "W 23rd St"]),
            at("Astoria", (40.7644, -73.9170, 900.0), "Astoria, NY 11103", &["30th Ave", "Broadway", "Steinway St"]),
            at("Park Slope", (40.6710, -73.9790, 900.0), "Brooklyn, NY 11215", &["5th Ave", "7th Ave", "Union St"]),
        ],
    },
    City {
        name: "Chicago",
        country: ids::US,
        time_zone: "America/Chicago",
        tax_milli_percent: 10_750,
        area_codes: &["312", "773", "872"],
        weight: 24,
        neighbourhoods: &[
            at(
                "Wicker Park",
                (41.9088, -87.6796, 900.0),
                "Chicago, IL 60622",
                &["N Milwaukee Ave", "W Division St", "W North Ave"],
            ),
            at("Lakeview", (41.9400, -87.6560, 900.0), "Chicago, IL 60657", &["N Broadway", "N Clark St", "W Belmont Ave"]),
            at(
                "Logan Square",
                (41.9235, -87.7080, 900.0),
                "Chicago, IL 60647",
                &["N Kedzie Blvd", "W Fullerton Ave", "W Armitage Ave"],
            ),
            at("West Loop", (41.8835, -87.6500, 800.0), "Chicago, IL 60607", &["W Randolph St", "W Madison St", "S Halsted St"]),
            at("Pilsen", (41.8565, -87.6600, 700.0), "Chicago, IL 60608", &["W 18th St", "S Ashland Ave", "S Blue Island Ave"]),
        ],
    },
    City {
        name: "San Francisco",
        country: ids::US,
        time_zone: "America/Los_Angeles",
        tax_milli_percent: 8_625,
        area_codes: &["415", "628"],
        weight: 24,
        neighbourhoods: &[
            at(
                "Mission",
                (37.7599, -122.4148, 900.0),
                "San Francisco, CA 94110",
                &["Valencia St", "Mission St", "24th St", "Guerrero St"],
            ),
            at("Hayes Valley", (37.7765, -122.4260, 700.0), "San Francisco, CA 94102", &["Hayes St", "Gough St", "Octavia St"]),
            at("Inner Sunset", (37.7630, -122.4660, 700.0), "San Francisco, CA 94122", &["Irving St", "9th Ave", "Judah St"]),
            at("North Beach", (37.7985, -122.4095, 700.0), "San Francisco, CA 94133", &["Columbus Ave", "Grant Ave", "Green St"]),
            at("Noe Valley", (37.7510, -122.4330, 700.0), "San Francisco, CA 94114", &["Church St", "Castro St", "Sanchez St"]),
        ],
    },
    City {
        name: "Los Angeles",
        country: ids::US,
        time_zone: "America/Los_Angeles",
        tax_milli_percent: 9_750,
        area_codes: &["213", "323"],
        weight: 24,
        neighbourhoods: &[
            at(
                "Koreatown",
                (34.0618, -118.3006, 900.0),
                "Los Angeles, CA 90005",
                &["Wilshire Blvd", "W 6th St", "S Western Ave"],
            ),
            at(
                "Silver Lake",
                (34.0850, -118.2720, 700.0),
                "Los Angeles, CA 90026",
                &["W Sunset Blvd", "Silver Lake Blvd", "Hyperion Ave"],
            ),
            at(
                "Hollywood",
                (34.0960, -118.3270, 800.0),
                "Los Angeles, CA 90028",
                &["Hollywood Blvd", "N Vine St", "N Cahuenga Blvd"],
            ),
            at("Downtown LA", (34.0450, -118.2510, 900.0), "Los Angeles, CA 90014", &["S Spring St", "S Broadway", "W 7th St"]),
        ],
    },
    City {
        name: "Austin",
        country: ids::US,
        time_zone: "America/Chicago",
        tax_milli_percent: 8_250,
        area_codes: &["512", "737"],
        weight: 18,
        neighbourhoods: &[
            at("Downtown Austin", (30.2705, -97.7425, 700.0), "Austin, TX 78701", &["Congress Ave", "E 6th St", "Guadalupe St"]),
            at("East Austin", (30.2640, -97.7200, 800.0), "Austin, TX 78702", &["E 7th St", "E Cesar Chavez St", "E 12th St"]),
            at("South Congress", (30.2460, -97.7510, 800.0), "Austin, TX 78704", &["S Congress Ave", "S 1st St", "S Lamar Blvd"]),
            at("Hyde Park", (30.3045, -97.7270, 800.0), "Austin, TX 78751", &["Duval St", "E 43rd St", "Speedway"]),
        ],
    },
    City {
        name: "Seattle",
        country: ids::US,
        time_zone: "America/Los_Angeles",
        tax_milli_percent: 10_350,
        area_codes: &["206"],
        weight: 18,
        neighbourhoods: &[
            at("Capitol Hill", (47.6190, -122.3170, 900.0), "Seattle, WA 98122", &["E Pike St", "Broadway E", "12th Ave"]),
            at("Fremont", (47.6590, -122.3500, 600.0), "Seattle, WA 98103", &["Fremont Ave N", "N 36th St", "Stone Way N"]),
            at("Ballard", (47.6720, -122.3800, 600.0), "Seattle, WA 98107", &["NW Market St", "Ballard Ave NW", "24th Ave NW"]),
            at(
                "University District",
                (47.6635, -122.3140, 700.0),
                "Seattle, WA 98105",
                &["University Way NE", "NE 45th St", "Roosevelt Way NE"],
            ),
        ],
    },
    City {
        name: "Toronto",
        country: ids::CA,
        time_zone: "America/Toronto",
        tax_milli_percent: 13_000,
        area_codes: &["416", "647", "437"],
        weight: 20,
        neighbourhoods: &[
            at("Queen West", (43.6480, -79.4050, 800.0), "Toronto, ON M5V 2A4", &["Queen St W", "Spadina Ave", "Bathurst St"]),
            at("The Annex", (43.6690, -79.4070, 800.0), "Toronto, ON M5S 1Y6", &["Bloor St W", "Brunswick Ave", "Dupont St"]),
            at(
                "Little Italy",
                (43.6550, -79.4170, 700.0),
                "Toronto, ON M6G 1B2",
                &["College St", "Ossington Ave", "Dundas St W"],
            ),
            at("Leslieville", (43.6650, -79.3330, 700.0), "Toronto, ON M4M 1G1", &["Queen St E", "Gerrard St E", "Carlaw Ave"]),
        ],
    },
    City {
        name: "Montréal",
        country: ids::CA,
        time_zone: "America/Toronto",
        tax_milli_percent: 14_975,
        area_codes: &["514", "438"],
        weight: 16,
        neighbourhoods: &[
            at(
                "Plateau",
                (45.5230, -73.5800, 800.0),
                "Montréal, QC H2W 1Y5",
                &["boul. Saint-Laurent", "rue Saint-Denis", "av. du Mont-Royal E"],
            ),
            at(
                "Mile End",
                (45.5240, -73.6000, 700.0),
                "Montréal, QC H2T 2S4",
                &["rue Saint-Viateur O", "av. Fairmount O", "av. du Parc"],
            ),
            at(
                "Rosemont",
                (45.5440, -73.5850, 800.0),
                "Montréal, QC H1Y 1W1",
                &["rue Masson", "rue Beaubien E", "boul. Rosemont"],
            ),
            at(
                "Saint-Henri",
                (45.4790, -73.5850, 700.0),
                "Montréal, QC H4C 1S4",
                &["rue Notre-Dame O", "rue Saint-Jacques", "av. Atwater"],
            ),
        ],
    },
    City {
        name: "Vancouver",
        country: ids::CA,
        time_zone: "America/Vancouver",
        tax_milli_percent: 5_000,
        area_codes: &["604", "778", "236"],
        weight: 16,
        neighbourhoods: &[
            at("Mount Pleasant", (49.2620, -123.1000, 700.0), "Vancouver, BC V5T 1K1", &["Main St", "E Broadway", "Kingsway"]),
            at("Kitsilano", (49.2645, -123.1640, 700.0), "Vancouver, BC V6K 1P1", &["W 4th Ave", "W Broadway", "Arbutus St"]),
            at(
                "Commercial Drive",
                (49.2690, -123.0697, 800.0),
                "Vancouver, BC V5L 3X9",
                &["Commercial Dr", "E 1st Ave", "Venables St"],
            ),
            at("Davie Village", (49.2800, -123.1290, 450.0), "Vancouver, BC V6Z 1B6", &["Davie St", "Granville St", "Robson St"]),
        ],
    },
    City {
        name: "Calgary",
        country: ids::CA,
        time_zone: "America/Edmonton",
        tax_milli_percent: 5_000,
        area_codes: &["403", "587"],
        weight: 10,
        neighbourhoods: &[
            at("Beltline", (51.0405, -114.0750, 800.0), "Calgary, AB T2R 0B5", &["17 Ave SW", "11 Ave SW", "4 St SW"]),
            at("Kensington", (51.0550, -114.0880, 600.0), "Calgary, AB T2N 1V5", &["Kensington Rd NW", "10 St NW", "2 Ave NW"]),
            at("Inglewood", (51.0375, -114.0300, 600.0), "Calgary, AB T2G 0S4", &["9 Ave SE", "12 St SE", "11 Ave SE"]),
        ],
    },
    City {
        name: "Sydney",
        country: ids::AU,
        time_zone: "Australia/Sydney",
        tax_milli_percent: 10_000,
        area_codes: &["2"],
        weight: 20,
        neighbourhoods: &[
            at("Surry Hills", (-33.8860, 151.2120, 800.0), "Surry Hills NSW 2010", &["Crown St", "Bourke St", "Cleveland St"]),
            at("Newtown", (-33.8970, 151.1790, 900.0), "Newtown NSW 2042", &["King St", "Enmore Rd", "Australia St"]),
            at(
                "Marrickville",
                (-33.9110, 151.1550, 900.0),
                "Marrickville NSW 2204",
                &["Marrickville Rd", "Illawarra Rd", "Addison Rd"],
            ),
            at("Bondi", (-33.8915, 151.2630, 900.0), "Bondi NSW 2026", &["Bondi Rd", "Hall St", "Old South Head Rd"]),
        ],
    },
    City {
        name: "Melbourne",
        country: ids::AU,
        time_zone: "Australia/Melbourne",
        tax_milli_percent: 10_000,
        area_codes: &["3"],
        weight: 20,
        neighbourhoods: &[
            at("Fitzroy", (-37.7990, 144.9780, 900.0), "Fitzroy VIC 3065", &["Brunswick St", "Smith St", "Gertrude St"]),
            at("Richmond", (-37.8210, 144.9990, 800.0), "Richmond VIC 3121", &["Swan St", "Bridge Rd", "Victoria St"]),
            at("Brunswick", (-37.7670, 144.9610, 900.0), "Brunswick VIC 3056", &["Sydney Rd", "Lygon St", "Albert St"]),
            at("St Kilda", (-37.8610, 144.9880, 800.0), "St Kilda VIC 3182", &["Acland St", "Carlisle St", "Fitzroy St"]),
        ],
    },
    City {
        name: "Brisbane",
        country: ids::AU,
        time_zone: "Australia/Brisbane",
        tax_milli_percent: 10_000,
        area_codes: &["7"],
        weight: 12,
        neighbourhoods: &[
            at(
                "Fortitude Valley",
                (-27.4560, 153.0330, 700.0),
                "Fortitude Valley QLD 4006",
                &["Brunswick St", "Ann St", "James St"],
            ),
            at("West End", (-27.4820, 153.0090, 600.0), "West End QLD 4101", &["Boundary St", "Vulture St", "Hardgrave Rd"]),
            at("Paddington", (-27.4600, 152.9990, 800.0), "Paddington QLD 4064", &["Given Tce", "Latrobe Tce", "Caxton St"]),
            at("Woolloongabba", (-27.4910, 153.0350, 700.0), "Woolloongabba QLD 4102", &["Logan Rd", "Stanley St", "Ipswich Rd"]),
        ],
    },
    City {
        name: "Perth",
        country: ids::AU,
        time_zone: "Australia/Perth",
        tax_milli_percent: 10_000,
        area_codes: &["8"],
        weight: 10,
        neighbourhoods: &[
            at("Northbridge", (-31.9460, 115.8580, 800.0), "Northbridge WA 6003", &["William St", "James St", "Lake St"]),
            at(
                "Mount Lawley",
                (-31.9340, 115.8720, 800.0),
                "Mount Lawley WA 6050",
                &["Beaufort St", "Walcott St", "Clarence St"],
            ),
            at("Leederville", (-31.9360, 115.8410, 700.0), "Leederville WA 6007", &["Oxford St", "Newcastle St", "Vincent St"]),
            at("Subiaco", (-31.9480, 115.8240, 800.0), "Subiaco WA 6008", &["Rokeby Rd", "Hay St", "Bagot Rd"]),
        ],
    },
    City {
        name: "Auckland",
        country: ids::NZ,
        time_zone: "Pacific/Auckland",
        tax_milli_percent: 15_000,
        area_codes: &["21"],
        weight: 16,
        neighbourhoods: &[
            at(
                "Ponsonby",
                (-36.8580, 174.7450, 800.0),
                "Ponsonby, Auckland 1011",
                &["Ponsonby Road", "Richmond Road", "Jervois Road"],
            ),
            at(
                "Kingsland",
                (-36.8730, 174.7450, 800.0),
                "Kingsland, Auckland 1021",
                &["New North Road", "Sandringham Road", "Bond Street"],
            ),
            at(
                "Mount Eden",
                (-36.8800, 174.7600, 800.0),
                "Mount Eden, Auckland 1024",
                &["Mount Eden Road", "Dominion Road", "Valley Road"],
            ),
            at(
                "Newmarket",
                (-36.8700, 174.7770, 700.0),
                "Newmarket, Auckland 1023",
                &["Broadway", "Khyber Pass Road", "Remuera Road"],
            ),
        ],
    },
    City {
        name: "Wellington",
        country: ids::NZ,
        time_zone: "Pacific/Auckland",
        tax_milli_percent: 15_000,
        area_codes: &["21"],
        weight: 10,
        neighbourhoods: &[
            at(
                "Te Aro",
                (-41.2965, 174.7740, 600.0),
                "Te Aro, Wellington 6011",
                &["Cuba Street", "Courtenay Place", "Ghuznee Street"],
            ),
            at(
                "Newtown",
                (-41.3120, 174.7790, 700.0),
                "Newtown, Wellington 6021",
                &["Riddiford Street", "Constable Street", "Adelaide Road"],
            ),
            at(
                "Thorndon",
                (-41.2770, 174.7730, 500.0),
                "Thorndon, Wellington 6011",
                &["Tinakori Road", "Molesworth Street", "Hill Street"],
            ),
            at(
                "Karori",
                (-41.2850, 174.7400, 700.0),
                "Karori, Wellington 6012",
                &["Karori Road", "Campbell Street", "Chaytor Street"],
            ),
        ],
    },
    City {
        name: "Christchurch",
        country: ids::NZ,
        time_zone: "Pacific/Auckland",
        tax_milli_percent: 15_000,
        area_codes: &["21"],
        weight: 8,
        neighbourhoods: &[
            at(
                "Central City",
                (-43.5310, 172.6365, 900.0),
                "Christchurch 8011",
                &["Colombo Street", "High Street", "Victoria Street"],
            ),
            at(
                "Riccarton",
                (-43.5300, 172.5990, 900.0),
                "Riccarton, Christchurch 8041",
                &["Riccarton Road", "Clarence Street", "Straven Road"],
            ),
            at(
                "Addington",
                (-43.5440, 172.6130, 900.0),
                "Addington, Christchurch 8024",
                &["Lincoln Road", "Moorhouse Avenue", "Selwyn Street"],
            ),
            at(
                "Merivale",
                (-43.5150, 172.6220, 900.0),
                "Merivale, Christchurch 8014",
                &["Papanui Road", "Rugby Street", "Aikmans Road"],
            ),
        ],
    },
    City {
        name: "San Juan",
        country: ids::PR,
        time_zone: "America/Puerto_Rico",
        tax_milli_percent: 11_500,
        area_codes: &["787", "939"],
        weight: 18,
        neighbourhoods: &[
            at(
                "Santurce",
                (18.4475, -66.0640, 600.0),
                "San Juan, PR 00909",
                &["Avenida Ponce de León", "Calle Loíza", "Avenida Fernández Juncos"],
            ),
            at(
                "Viejo San Juan",
                (18.4657, -66.1165, 250.0),
                "San Juan, PR 00901",
                &["Calle San Sebastián", "Calle Fortaleza", "Calle de la Cruz"],
            ),
            at(
                "Hato Rey",
                (18.4215, -66.0560, 800.0),
                "San Juan, PR 00917",
                &["Avenida F. D. Roosevelt", "Avenida Ponce de León", "Calle César González"],
            ),
            at(
                "Río Piedras",
                (18.3990, -66.0500, 800.0),
                "San Juan, PR 00925",
                &["Avenida Universidad", "Paseo De Diego", "Avenida Gándara"],
            ),
        ],
    },
    City {
        name: "Ponce",
        country: ids::PR,
        time_zone: "America/Puerto_Rico",
        tax_milli_percent: 11_500,
        area_codes: &["787", "939"],
        weight: 8,
        neighbourhoods: &[
            at(
                "Ponce Pueblo",
                (18.0115, -66.6140, 700.0),
                "Ponce, PR 00730",
                &["Calle Isabel", "Calle Cristina", "Calle Atocha"],
            ),
            at(
                "Las Américas",
                (18.0030, -66.6200, 600.0),
                "Ponce, PR 00717",
                &["Avenida Las Américas", "Avenida Hostos", "Calle Ferrocarril"],
            ),
        ],
    },
    City {
        name: "Mayagüez",
        country: ids::PR,
        time_zone: "America/Puerto_Rico",
        tax_milli_percent: 11_500,
        area_codes: &["787", "939"],
        weight: 7,
        neighbourhoods: &[
            at(
                "Mayagüez Pueblo",
                (18.2010, -67.1396, 700.0),
                "Mayagüez, PR 00680",
                &["Calle Méndez Vigo", "Calle McKinley", "Calle Post"],
            ),
            at(
                "Terrace",
                (18.2140, -67.1400, 600.0),
                "Mayagüez, PR 00682",
                &["Avenida Alfonso Valdés", "Calle Post", "Carretera 108"],
            ),
        ],
    },
];
