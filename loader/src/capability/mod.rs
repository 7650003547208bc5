//! What's granted beyond the defaults, made into something that a guest can hold. HTTP has a room of its own: [`crate::outbound`].

pub(crate) mod environment;
pub(crate) mod files;
