//! `projectcontour.io/v1alpha1`.

pub mod contour_configuration;
pub mod contour_deployment;
pub mod extension_service;

pub use contour_configuration::{
    ContourConfiguration, ContourConfigurationSpec, ContourConfigurationStatus,
};
pub use contour_deployment::{ContourDeployment, ContourDeploymentSpec, ContourDeploymentStatus};
pub use extension_service::{ExtensionService, ExtensionServiceSpec, ExtensionServiceStatus};
