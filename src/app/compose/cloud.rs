//! Accounts at the maker's server.

use std::sync::Arc;

use super::{StartError, backend_id};
use crate::backend::lovense::cloud::{Cloud, Options, Secret};
use crate::config::Config;

/// The accounts in the settings, as their backends want to know them.
#[must_use]
pub fn cloud_options(config: &Config) -> Vec<Options> {
    let accounts = config.lovense_cloud.iter().enumerate();
    let options = accounts.filter_map(|(index, account)| {
        // The user has been warned if there is none.
        let token = Secret::new(account.token.as_ref()?.reveal());
        let id = backend_id("lovense_cloud", index);
        let options = Options::new(id, token, account.platform.as_str());
        Some(Options {
            server: account.url.to_string(),
            user: match &account.uid {
                Some(user) => user.as_str().to_owned(),
                None => options.user.clone(),
            },
            lease: account.lease.get(),
            pace: account.pace.get(),
            confirm: account.confirm,
            play_in_app: account.play_in_app,
            ..options
        })
    });
    options.collect()
}

/// The accounts in the settings.
///
/// # Errors
/// Options that cannot work.
pub fn clouds(config: &Config) -> Result<Vec<Arc<Cloud>>, StartError> {
    let options = cloud_options(config).into_iter();
    options
        .map(|options| {
            let id = options.id.clone();
            Cloud::new(options).map_err(|error| StartError::Cloud(id, error))
        })
        .collect()
}
