//! Nothing lost and nothing doubled over disconnects and restarts.
fn main() {}
