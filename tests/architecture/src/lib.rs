//! No code: this package exists for its tests, which hold the workspace to ARCHITECTURE.md.
