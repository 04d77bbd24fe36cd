//! What the image tests stand on: the build's products, unpacked once, and questions to ask of them.
//!
//! Owns unpacking and reading. It must not build anything: a missing product is a failing test that says
//! which command makes it, never a skipped one.

mod files;
mod products;
mod root;

pub use files::{Profile, lines};
pub use products::{iso, output, packages, product, repository};
pub use root::{Entry, Root};
