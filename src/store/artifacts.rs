//! Files by key in an object store: datasets, weights, recipes.
