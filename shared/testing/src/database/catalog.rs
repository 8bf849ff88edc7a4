use super::{State, Store};
use carryout_checkout::{
    consumer::Consumer,
    ports::{Catalog, Consumers, Promotions},
    redemptions::UsageCounters,
    store::{Location, Store as Shop, StoreWithMenu},
};
use carryout_environment::StorageError;
use carryout_market::MarketId;
use carryout_pricing::Promotion;

impl Catalog for Store {
    async fn store(&self, id: &str) -> Result<Option<StoreWithMenu>, StorageError> {
        Ok(self.read("store", |state| state.stores.get(id).cloned()).await)
    }

    async fn near(&self, point: Location, radius: u32, limit: usize) -> Result<Vec<Shop>, StorageError> {
        Ok(self
            .read("near", |state| {
                let distance = |store: &StoreWithMenu| point.metres_to(store.store.location);
                let mut near: Vec<(f64, Shop)> =
                    state.stores.values().map(|store| (distance(store), store.store.clone())).collect();
                near.retain(|(metres, _)| *metres <= f64::from(radius));
                near.sort_by(|(a, _), (b, _)| a.total_cmp(b));
                near.into_iter().take(limit).map(|(_, store)| store).collect()
            })
            .await)
    }
}

impl Consumers for Store {
    async fn consumer(&self, id: &str) -> Result<Option<Consumer>, StorageError> {
        Ok(self.read("consumer", |state| state.consumers.get(id).cloned()).await)
    }
}

impl Promotions for Store {
    async fn promotions(&self, country: MarketId) -> Result<Vec<Promotion>, StorageError> {
        Ok(self.read("promotions", |state| state.promotions.get(&country).cloned().unwrap_or_default()).await)
    }

    async fn counters(&self, keys: &[String]) -> Result<UsageCounters, StorageError> {
        let found = |state: &State| keys.iter().filter_map(|key| Some((key.clone(), *state.counters.get(key)?))).collect();
        Ok(self.read("counters", found).await)
    }
}
