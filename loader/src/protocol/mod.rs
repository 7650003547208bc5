//! What is said in a call? Requests and answers as JSON, the same over every transport.

pub(crate) mod answer;
pub(crate) mod request;
