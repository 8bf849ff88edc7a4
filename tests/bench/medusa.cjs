// What Medusa's totals engine makes of carts. Reads them from standard input, as JSON: [{ cart, runs }]. Writes for each what
// it comes to, in its decimals, and for a cart with runs the median time of one call in microseconds: the same number of calls
// before them warm the engine up, and a copy of the cart is made before each call, because a call writes into its cart.
// Its argument is the folder that has @medusajs/utils in its node_modules.
const path = require("node:path");
const fs = require("node:fs");

const { decorateCartTotals } = require(path.join(process.argv[2], "node_modules", "@medusajs", "utils"));

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1];

const time = (cart) => {
  const copy = structuredClone(cart);
  const started = process.hrtime.bigint();
  decorateCartTotals(copy);
  return Number(process.hrtime.bigint() - started) / 1e3;
};

const measured = JSON.parse(fs.readFileSync(0, "utf8")).map(({ cart, runs }) => {
  const times = Array.from({ length: 2 * runs }, () => time(cart));
  const totals = decorateCartTotals(structuredClone(cart));
  const text = (name) => (totals[name] ?? 0).toString();
  return {
    microseconds: runs > 0 ? median(times.slice(runs)) : null,
    items: text("original_item_subtotal"),
    gross_items: text("original_item_total"),
    discounts: text("discount_subtotal"),
    gross_discounts: text("discount_total"),
    fees: text("original_shipping_subtotal"),
    gross_fees: text("original_shipping_total"),
    taxes: text("tax_total"),
    credits: text("credit_line_total"),
    total: text("total"),
    shares: [...totals.items, ...totals.shipping_methods].map((part) => part.tax_total.toString()),
  };
});
process.stdout.write(JSON.stringify({ node: process.version, measured }));
