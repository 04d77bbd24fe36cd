//! The wire: everything that crosses the network between Quantix-OS and its clients. Owns the shapes of
//! REST and gRPC messages, the tables of REST endpoints and of gRPC methods, and the typed client. Knows no
//! server, no engine and no libvirt; the engine in turn never sees a type from here.

#[cfg(feature = "client")]
pub mod client;
pub mod endpoints;
pub mod rest;
pub mod rpcs;

#[cfg(feature = "openapi")]
pub mod openapi;

#[cfg(feature = "grpc")]
pub mod grpc;
