use crate::assortment::{Assortment, dish, section};
use crate::hours::Hours;
use carryout_market::MarketType;

pub(super) const VIETNAMESE: Assortment = Assortment {
    name: "Vietnamese",
    market_type: MarketType::Restaurant,
    share: [4, 4, 5, 3, 1],
    all_night: false,
    local_shelf: true,
    hours: &[Hours::AllDay, Hours::LunchAndDinner],
    names: &[
        "Phở Hà Nội",
        "Phở 79 Street",
        "Saigon Sisters",
        "Bánh Mì Boys",
        "Quán Ngon",
        "Little Huế",
        "Lemongrass & Lime",
        "Phở Bình Minh",
        "Phở {hood}",
        "{hood} Bánh Mì",
    ],
    local_names: &[],
    sections: &[
        section(
            "Phở",
            &[
                dish("Phở Tái", 1_450, "Beef noodle soup with rare eye round, herbs and lime."),
                dish("Phở Đặc Biệt", 1_595, "The full bowl with brisket, tendon, tripe and meatballs."),
                dish("Phở Gà", 1_395, "Chicken noodle soup with ginger and scallion."),
                dish("Vegetable Phở", 1_350, "Star anise and mushroom broth with tofu and greens."),
                dish("Bún Bò Huế", 1_595, "Spicy lemongrass beef soup with thick round noodles."),
            ],
        ),
        section(
            "Bánh Mì",
            &[
                dish("Bánh Mì Thịt", 950, "Pâté, cold cuts, pickles and cilantro in a crisp baguette."),
                dish("Grilled Pork Bánh Mì", 995, "Lemongrass pork with pickled daikon and chili."),
                dish("Lemongrass Tofu Bánh Mì", 950, "Fried tofu, cucumber and vegan mayonnaise."),
                dish("Chicken Bánh Mì", 995, "Grilled chicken thigh with Maggi and jalapeño."),
            ],
        ),
        section(
            "Bún and Cơm",
            &[
                dish("Bún Chả", 1_550, "Grilled pork patties with vermicelli, herbs and nước chấm."),
                dish("Bún Thịt Nướng", 1_495, "Vermicelli with grilled pork, peanuts and a spring roll."),
                dish("Cơm Tấm", 1_595, "Broken rice with a pork chop, egg cake and pickles."),
                dish("Shaking Beef", 1_995, "Seared beef cubes with watercress and tomato rice."),
                dish("Lemongrass Chicken Rice", 1_450, "Wok-fried chicken with chili over jasmine rice."),
            ],
        ),
        section(
            "Starters",
            &[
                dish("Gỏi Cuốn", 795, "Two fresh rice-paper rolls with shrimp and peanut sauce."),
                dish("Chả Giò", 850, "Four crisp imperial rolls with lettuce and mint."),
                dish("Green Papaya Salad", 1_050, "Shredded papaya with beef jerky, peanuts and basil."),
                dish("Salt and Pepper Wings", 1_095, "Crisp wings with garlic and jalapeño."),
            ],
        ),
        section(
            "Cà Phê",
            &[
                dish("Cà Phê Sữa Đá", 550, "Dark roast dripped over condensed milk and ice."),
                dish("Chè Ba Màu", 595, "Three-color dessert of beans, jelly and coconut."),
            ],
        ),
    ],
};
