//! Signatures for services that the command line tool calls without their SDK crate.

use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningParams, SigningSettings, sign};
use aws_sigv4::sign::v4;

use crate::Aws;

/// Signs requests to one service (Signature Version 4).
#[derive(Debug)]
pub struct RequestSigner {
    config: SdkConfig,
    service: &'static str,
}

/// A request that could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// No region is configured.
    #[error("no AWS region is configured")]
    Region,
    /// No credentials were found, or they could not be loaded.
    #[error("no AWS credentials: {0}")]
    Credentials(String),
    /// The request or the signature is invalid.
    #[error("cannot sign the request: {0}")]
    Signature(String),
}

impl RequestSigner {
    /// A signer for a service by its endpoint prefix, such as `logs`.
    pub fn new(aws: &Aws, service: &'static str) -> Self {
        Self { config: aws.config.clone(), service }
    }

    /// The service's URL: the configured endpoint, or the region's.
    ///
    /// # Errors
    ///
    /// [`SigningError::Region`].
    pub fn url(&self) -> Result<String, SigningError> {
        match self.config.endpoint_url() {
            Some(url) => Ok(format!("{}/", url.trim_end_matches('/'))),
            None => Ok(format!("https://{}.{}.amazonaws.com/", self.service, self.region()?)),
        }
    }

    /// The headers to add to a POST request with these headers and this body.
    ///
    /// # Errors
    ///
    /// Each of [`SigningError`].
    pub async fn sign(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Vec<(String, String)>, SigningError> {
        let signature = |error: &dyn std::error::Error| SigningError::Signature(error.to_string());
        let provider =
            self.config.credentials_provider().ok_or_else(|| SigningError::Credentials("none configured".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| SigningError::Credentials(error.to_string()))?.into();
        let params: SigningParams<'_> = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region()?)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| signature(&error))?
            .into();
        let request = SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body));
        let signed = sign(request.map_err(|error| signature(&error))?, &params).map_err(|error| signature(&error))?;
        let (instructions, _) = signed.into_parts();
        Ok(instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    fn region(&self) -> Result<&str, SigningError> {
        self.config.region().map(AsRef::as_ref).ok_or(SigningError::Region)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_local_cloud_gets_a_signature_for_the_service() {
        let aws = Aws::local("http://127.0.0.1:4566", "us-east-1").await;
        let signer = RequestSigner::new(&aws, "logs");
        let url = signer.url().unwrap();
        assert_eq!(url, "http://127.0.0.1:4566/");
        let headers = signer.sign(&url, &[("x-amz-target", "Logs_20140328.FilterLogEvents")], b"{}").await.unwrap();
        let (_, authorization) = headers.iter().find(|(name, _)| name == "authorization").unwrap();
        assert!(authorization.contains("/us-east-1/logs/aws4_request"), "{authorization}");
    }
}
