//! The server's side, in the order a sample walks through it: sampler, history, hub, sse; config, auth,
//! api, pages and router at the rim. `processes` hold what is scanned only while somebody looks, and `forensics` looks
//! when who was heaviest is to be kept. `meter` stands before them all.

pub mod api;
pub mod assets;
pub mod auth;
pub mod base_path;
pub mod config;
pub mod forensics;
pub mod history;
pub mod hub;
pub mod meter;
pub mod negotiate;
pub mod pages;
pub mod problem;
pub mod processes;
pub mod query;
pub mod router;
pub mod sampler;
pub mod serve;
pub mod shutdown;
pub mod sse;
pub mod subscribers;
