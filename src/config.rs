//! How the process was started: flags and their variables.
