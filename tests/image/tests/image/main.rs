//! What the image promises, checked on the files that `make iso` leaves in `output/`.

mod boot;
mod contents;
mod drivers;
mod materials;
mod scripts;
mod secrets;
mod services;
