use crate::{Aws, corrupt, unavailable};
use aws_sdk_s3::{
    Client,
    config::{Builder, RequestChecksumCalculation},
    presigning::PresigningConfig,
    types::{Delete as Removal, ObjectIdentifier},
};
use carryout_environment::StorageError;
use carryout_onboarding::ports::{Document, Documents, Upload};
use std::time::{Duration, UNIX_EPOCH};

/// Documents in a bucket. An upload is a presigned request: it fixes object, media type and size, and needs no credentials.
#[derive(Clone)]
pub struct S3Documents {
    client: Client,
    bucket: String,
}

impl S3Documents {
    /// IAM actions on the bucket.
    pub const ACTIONS: &'static [&'static str] = &["s3:ListBucket"];
    /// IAM actions on the bucket's objects.
    pub const OBJECT_ACTIONS: &'static [&'static str] = &["s3:DeleteObject", "s3:PutObject"];

    /// The bucket of this name.
    pub fn new(aws: &Aws, bucket: impl Into<String>) -> Self {
        // A local cloud has one host name for all buckets.
        let config = Builder::from(&aws.config).force_path_style(aws.config.endpoint_url().is_some());
        // Whoever puts the document can't be asked for a checksum that was not in the form.
        let config = config.request_checksum_calculation(RequestChecksumCalculation::WhenRequired).build();
        Self { client: Client::from_conf(config), bucket: bucket.into() }
    }
}

fn since_epoch(milliseconds: i64) -> Duration {
    Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
}

impl Documents for S3Documents {
    async fn upload(&self, document: &Document, now: i64, expires_at: i64) -> Result<Upload, StorageError> {
        let Document { object, content_type, content_length } = document;
        let lasts = since_epoch(expires_at - now);
        let presigning = PresigningConfig::builder().start_time(UNIX_EPOCH + since_epoch(now)).expires_in(lasts).build();
        let put = self.client.put_object().bucket(&self.bucket).key(object).content_type(content_type);
        // What is there stays: whoever holds the upload can't put something else after a vendor has looked.
        let put = put.if_none_match("*");
        let put = put.content_length(i64::try_from(*content_length).map_err(corrupt)?);
        let request = put.presigned(presigning.map_err(corrupt)?).await.map_err(|error| unavailable(&error))?;
        Ok(Upload {
            object: object.clone(),
            method: request.method().to_owned(),
            url: request.uri().to_owned(),
            headers: request.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            expires_at,
        })
    }

    async fn remove(&self, prefix: &str) -> Result<(), StorageError> {
        // What is removed is not listed again, so the first page is always the next.
        loop {
            let list = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let page = list.send().await.map_err(|error| unavailable(&error))?;
            let keys = page.contents().iter().filter_map(|object| object.key());
            let objects = keys.map(|key| ObjectIdentifier::builder().key(key).build()).collect::<Result<Vec<_>, _>>();
            let objects = objects.map_err(corrupt)?;
            if objects.is_empty() {
                return Ok(());
            }
            let delete = Removal::builder().set_objects(Some(objects)).quiet(true).build().map_err(corrupt)?;
            let removed = self.client.delete_objects().bucket(&self.bucket).delete(delete).send().await;
            let removed = removed.map_err(|error| unavailable(&error))?;
            if let Some(error) = removed.errors().first() {
                return Err(StorageError::Unavailable(format!(
                    "an object could not be removed: {}",
                    error.code().unwrap_or_default()
                )));
            }
        }
    }
}
