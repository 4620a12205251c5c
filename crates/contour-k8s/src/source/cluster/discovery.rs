//! Whether the API server has a kind at all.

use kube::Client;
use kube::core::ApiResource;

/// Whether the API server has a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    Yes,
    No,
}

/// Asks the API server which groups it has, and which kinds are in that of this one.
///
/// # Errors
/// If it does not answer one of both, it is not well, and what it lacks means nothing.
pub(crate) async fn served(client: &Client, kind: &ApiResource) -> Result<Served, kube::Error> {
    let ApiResource { group, api_version, plural, .. } = kind;
    if group.is_empty() {
        return Ok(Served::Yes); // the core group is there, or nothing is
    }
    let groups = client.list_api_groups().await?;
    if !groups.groups.iter().any(|each| each.name == *group) {
        return Ok(Served::No);
    }
    match client.list_api_group_resources(api_version).await {
        Ok(list) => {
            let found = list.resources.iter().any(|each| each.name == *plural);
            Ok(if found { Served::Yes } else { Served::No })
        }
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Served::No),
        Err(error) => Err(error),
    }
}
