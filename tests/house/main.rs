//! The rules of the house, held by a test: who may import whom, how large a file may grow, and that what
//! people read agrees with what the manifests say.

mod facts;
mod imports;
mod sizes;
mod sources;
