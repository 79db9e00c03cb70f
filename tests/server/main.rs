//! The server as its clients see it: over TCP, on a port of its own, fed by hand.

mod access;
mod api;
mod base_path;
mod binary;
mod client;
mod clients;
mod connections;
mod crash;
mod ending;
mod export;
mod figures;
mod fixture;
mod forensics;
mod full_disk;
mod history;
mod limits;
mod limits_of_groups;
mod processes;
mod restart;
mod stream;
