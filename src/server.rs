//! The server's side, in the order a sample walks through it: sampler, history, hub, sse; config, auth,
//! api and router at the rim.

pub mod meter;
