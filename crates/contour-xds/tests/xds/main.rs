//! The protocol as conversations, and a model of Envoy that is driven at random.

mod aggregated;
mod envelopes;
mod incremental;
mod model;
mod property;
mod publishing;
mod refusing;
mod state_of_the_world;
mod talk;
