//! What holds of the project's sources as a whole.

mod project {
    mod edges;
}
