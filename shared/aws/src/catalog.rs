use crate::{
    Aws,
    consumers::{put, write_all},
    corrupt,
    transaction::{Item, can_be_key, number, text},
    unavailable,
};
use aws_sdk_dynamodb::Client;
use carryout_checkout::{
    ports::Catalog,
    store::{Item as MenuItem, Location, Store, StoreWithMenu},
};
use carryout_environment::StorageError;
use futures::future::try_join_all;
use serde::Deserialize;

/// The part of a store's partition that holds the store itself.
const STORE_PART: &str = "STORE";

/// The part of a store's partition that holds one item.
pub(crate) fn item_part(item_id: &str) -> String {
    format!("ITEM#{item_id}")
}

/// Cells of the index `near` in a degree of latitude or longitude.
const CELLS_PER_DEGREE: f64 = 5.0;

/// The cell of the index `near` that a point lies in.
fn cell(location: Location) -> (i32, i32) {
    // In range: −90 to 90 and −180 to 180 degrees give at most 900 cells each way.
    ((location.lat * CELLS_PER_DEGREE).floor() as i32, (location.lng * CELLS_PER_DEGREE).floor() as i32)
}

/// The cells that a circle of `radius` metres around a point touches.
fn cells_around(centre: Location, radius: u32) -> Vec<String> {
    const METRES_PER_DEGREE: f64 = 111_195.0;
    let high = f64::from(radius) / METRES_PER_DEGREE;
    let wide = high / centre.lat.to_radians().cos().abs().max(0.01);
    let (south, west) = cell(Location { lat: centre.lat - high, lng: centre.lng - wide });
    let (north, east) = cell(Location { lat: centre.lat + high, lng: centre.lng + wide });
    (south..=north).flat_map(|row| (west..=east).map(move |column| name((row, column)))).collect()
}

fn name((row, column): (i32, i32)) -> String {
    format!("{row}:{column}")
}

/// Reads stores and menus.
#[derive(Clone)]
pub struct DynamoCatalog {
    client: Client,
    table: String,
}

/// An item of a menu as it is stored: with its place on the menu.
#[derive(Deserialize)]
struct StoredItem {
    position: u32,
    #[serde(flatten)]
    item: MenuItem,
}

impl DynamoCatalog {
    /// IAM actions on the stores table.
    pub const ACTIONS: &'static [&'static str] = &["dynamodb:Query"];
    /// IAM actions on the index `near` of the stores table.
    pub const INDEX_ACTIONS: &'static [&'static str] = &["dynamodb:Query"];

    /// On the stores table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    async fn stores_in(&self, cell: &str) -> Result<Vec<Store>, StorageError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .index_name("near")
            .key_condition_expression("#cell = :cell")
            .expression_attribute_names("#cell", "cell")
            .expression_attribute_values(":cell", text(cell))
            .into_paginator()
            .items()
            .send();
        let mut stores = Vec::new();
        while let Some(item) = pages.next().await {
            stores.push(serde_dynamo::from_item(item.map_err(|error| unavailable(&error))?).map_err(corrupt)?);
        }
        Ok(stores)
    }
}

impl Catalog for DynamoCatalog {
    async fn store(&self, id: &str) -> Result<Option<StoreWithMenu>, StorageError> {
        if !can_be_key(id) {
            return Ok(None);
        }
        let mut pages = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("store_id = :store")
            .expression_attribute_values(":store", text(id))
            .into_paginator()
            .items()
            .send();
        let mut store: Option<Store> = None;
        let mut items: Vec<StoredItem> = Vec::new();
        while let Some(item) = pages.next().await {
            let item: Item = item.map_err(|error| unavailable(&error))?;
            if item.get("part").and_then(|part| part.as_s().ok()).is_some_and(|part| part == STORE_PART) {
                store = Some(serde_dynamo::from_item(item).map_err(corrupt)?);
            } else {
                items.push(serde_dynamo::from_item(item).map_err(corrupt)?);
            }
        }
        items.sort_by_key(|stored| stored.position);
        Ok(store.map(|store| StoreWithMenu { store, items: items.into_iter().map(|stored| stored.item).collect() }))
    }

    async fn near(&self, point: Location, radius: u32, limit: usize) -> Result<Vec<Store>, StorageError> {
        let found = try_join_all(cells_around(point, radius).iter().map(|cell| self.stores_in(cell))).await?;
        let mut near: Vec<(f64, Store)> =
            found.into_iter().flatten().map(|store| (point.metres_to(store.location), store)).collect();
        near.retain(|(metres, _)| *metres <= f64::from(radius));
        near.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        Ok(near.into_iter().take(limit).map(|(_, store)| store).collect())
    }
}

/// Writes stores and menus. For seeding.
#[derive(Clone)]
pub struct DynamoCatalogWriter {
    client: Client,
    table: String,
}

impl DynamoCatalogWriter {
    /// On the stores table.
    pub fn new(aws: &Aws, table: impl Into<String>) -> Self {
        Self { client: aws.dynamodb(), table: table.into() }
    }

    /// Writes a store and its menu, replacing what exists of them.
    pub async fn write(&self, store: &StoreWithMenu) -> Result<(), StorageError> {
        const BATCH: usize = 25;
        let mut row: Item = serde_dynamo::to_item(&store.store).map_err(corrupt)?;
        row.insert("store_id".to_owned(), text(&store.store.id));
        row.insert("part".to_owned(), text(STORE_PART));
        row.insert("cell".to_owned(), text(name(cell(store.store.location))));
        let mut requests = vec![put(row)?];
        for (position, item) in store.items.iter().enumerate() {
            let mut row: Item = serde_dynamo::to_item(item).map_err(corrupt)?;
            row.insert("part".to_owned(), text(item_part(&item.id)));
            row.insert("position".to_owned(), number(position));
            requests.push(put(row)?);
        }
        for batch in requests.chunks(BATCH) {
            write_all(&self.client, &self.table, batch.to_vec()).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_touches_the_cells_of_every_point_on_it() {
        for (lat, lng) in [(40.73, -73.99), (-36.85, 174.76), (18.46, -66.11), (0.0, 0.0), (47.6, -122.3)] {
            let centre = Location { lat, lng };
            let cells = cells_around(centre, 8_000);
            for degrees in (0..360).step_by(5) {
                let angle = f64::from(degrees).to_radians();
                let metres = 7_900.0;
                let point = Location {
                    lat: lat + metres / 111_195.0 * angle.cos(),
                    lng: lng + metres / (111_195.0 * lat.to_radians().cos()) * angle.sin(),
                };
                assert!(cells.contains(&name(cell(point))), "{degrees}° of {lat},{lng}");
            }
        }
    }
}
