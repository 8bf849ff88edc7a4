//! The flow that Carryout's is compared with: one thing after another, a read before each use and a write after it, as
//! checkouts grow in a monolith. It runs on the same store, with partners that answer at once, too.

use anyhow::{Context as _, Result, anyhow};
use carryout_aws::{DocumentConflict, DynamoCatalog, DynamoConsumers, DynamoDocuments, DynamoQuotes};
use carryout_checkout::ports::{Catalog as _, Consumers as _, Quotes as _};
use carryout_lambda::ids::new_id;
use carryout_pricing::Quote;
use serde_json::json;

use crate::rig::{Basket, Tables};

/// The naive flow on a stack's tables; its own records are documents in the sandbox's table.
pub struct Naive {
    documents: DynamoDocuments,
    catalog: DynamoCatalog,
    consumers: DynamoConsumers,
    quotes: DynamoQuotes,
}

/// What a use needs to be read first.
#[derive(Clone, Copy)]
enum Read {
    Order,
    Consumer,
    Store,
    Quote,
}

/// Each step: what it reads before, and how often it writes after.
const STEPS: &[(&str, &[Read], u32)] = &[
    ("confirm-price", &[Read::Order, Read::Quote], 1),
    ("check-fraud", &[Read::Order, Read::Consumer], 1),
    ("authorize-payment", &[Read::Order, Read::Consumer], 2),
    ("create-delivery", &[Read::Order, Read::Store, Read::Consumer], 1),
    ("notify-merchant", &[Read::Order, Read::Store], 1),
    ("capture-payment", &[Read::Order], 2),
    ("complete-order", &[Read::Order], 1),
];

impl Naive {
    /// On the tables of a stack.
    pub fn new(tables: &Tables, documents: &str) -> Self {
        Self {
            documents: DynamoDocuments::new(&tables.aws, documents),
            catalog: DynamoCatalog::new(&tables.aws, &tables.stores),
            consumers: DynamoConsumers::new(&tables.aws, &tables.consumers),
            quotes: DynamoQuotes::new(&tables.aws, &tables.quotes),
        }
    }

    /// Reads before each of the checks, then writes the order, the record of the request, and the use of the quote.
    pub async fn submit(&self, basket: &Basket, quote: &Quote) -> Result<String> {
        let order = new_id("naive");
        self.documents.read(&order, "request").await?;
        for read in [
            // blocked? · the quote · store open? · payment method · items there? · address · delivery? · fraud facts
            Read::Consumer,
            Read::Quote,
            Read::Store,
            Read::Consumer,
            Read::Store,
            Read::Consumer,
            Read::Store,
            Read::Consumer,
        ] {
            self.read(read, &order, basket, quote).await?;
        }
        for record in ["order", "request", "quote"] {
            self.write(&order, record, None, quote).await?;
        }
        Ok(order)
    }

    /// Runs every step, telling each as it ends.
    pub async fn process(&self, order: &str, basket: &Basket, quote: &Quote, mut ended: impl FnMut(&str)) -> Result<()> {
        let mut version = 1;
        // Stock, item by item: a read and a write for each line.
        self.read(Read::Order, order, basket, quote).await?;
        for line in &quote.terms.price.lines {
            self.documents.read(order, &line.item_id).await?;
            self.write(order, &line.item_id, None, quote).await?;
        }
        self.write(order, "order", Some(version), quote).await?;
        version += 1;
        ended("reserve-items");
        for (step, reads, writes) in STEPS {
            for read in *reads {
                self.read(*read, order, basket, quote).await?;
            }
            for _ in 0..*writes {
                self.write(order, "order", Some(version), quote).await?;
                version += 1;
            }
            ended(step);
        }
        Ok(())
    }

    async fn read(&self, read: Read, order: &str, basket: &Basket, quote: &Quote) -> Result<()> {
        match read {
            Read::Order => drop(self.documents.read(order, "order").await?),
            Read::Consumer => drop(self.consumers.consumer(&basket.consumer.id).await?.context("no consumer")?),
            Read::Store => drop(self.catalog.store(&basket.cart.store_id).await?.context("no store")?),
            Read::Quote => drop(self.quotes.quote(&quote.terms.id).await?.context("no quote")?),
        }
        Ok(())
    }

    async fn write(&self, order: &str, record: &str, version: Option<u64>, quote: &Quote) -> Result<()> {
        self.documents.write(order, record, &json!(quote), version).await.map_err(|refused| match refused {
            DocumentConflict::Conflict => anyhow!("{record} of {order} was written by somebody else"),
            DocumentConflict::Storage(error) => error.into(),
        })
    }
}
