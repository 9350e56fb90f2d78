//! Places for uploads and profiles, of which one client address has a share.

use crate::http::{
    connections::network,
    problem::{Kind, Problem},
};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Places for what reads whole files.
#[derive(Debug)]
pub struct Places {
    taken: Mutex<HashMap<Option<IpAddr>, usize>>,
    max: usize,
    max_per_address: usize,
}

/// A place, free again when this is dropped.
#[derive(Debug)]
pub struct Held {
    places: Arc<Places>,
    address: Option<IpAddr>,
}

impl Places {
    /// `max` places, of which one address has at most three quarters.
    pub fn new(max: usize) -> Arc<Self> {
        Arc::new(Self { taken: Mutex::default(), max, max_per_address: (max * 3).div_ceil(4) })
    }

    /// A place for the client at `address`.
    pub fn take(self: &Arc<Self>, address: Option<IpAddr>) -> Result<Held, Problem> {
        let address = address.map(network);
        let mut taken = self.taken();
        let of_address = taken.get(&address).copied().unwrap_or(0);
        let (max, who) = match taken.values().sum::<usize>() {
            all if all >= self.max => (self.max, ""),
            _ if of_address >= self.max_per_address => (self.max_per_address, " from one address"),
            _ => {
                taken.insert(address, of_address + 1);
                drop(taken);
                return Ok(Held { places: Arc::clone(self), address });
            }
        };
        let detail = format!("expected at most {max} uploads and profiles at a time{who}");
        Err(Problem::new(Kind::TooManyRequests, detail))
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.address)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_leaves_places_to_others() {
        let places = Places::new(4);
        let held: Vec<Held> = (0..3).map(|_| places.take(of("2001:db8::1")).unwrap()).collect();
        let refused = places.take(of("2001:db8::2")).unwrap_err();
        assert_eq!(refused.kind(), Kind::TooManyRequests);
        assert!(
            refused.to_string().ends_with("at most 3 uploads and profiles at a time from one address"),
            "{refused}"
        );
        let other = places.take(of("192.0.2.1")).unwrap();
        assert!(
            places.take(of("192.0.2.2")).unwrap_err().to_string().ends_with("at most 4 uploads and profiles at a time")
        );
        drop((held, other));
        assert!(places.taken().is_empty());
    }

    #[test]
    fn one_place_is_for_anyone() {
        let places = Places::new(1);
        drop(places.take(None).unwrap());
        assert!(places.take(of("192.0.2.1")).is_ok());
    }
}
