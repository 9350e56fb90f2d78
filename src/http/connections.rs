//! Connections that are open, and which of them makes room for a new one.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;

const OPEN: &str = "epoca_connections";
const EVICTED: &str = "epoca_connections_evicted_total";

/// Describes the metrics to the installed recorder.
pub fn describe_metrics() {
    metrics::describe_gauge!(OPEN, "Open connections");
    metrics::describe_counter!(EVICTED, "Idle connections that were closed to make room for new ones");
    metrics::gauge!(OPEN).increment(0.0);
    metrics::counter!(EVICTED).increment(0);
}

/// The open connections of a service: a maximum of all, and a maximum of each client address.
#[derive(Debug)]
pub struct Connections {
    max: usize,
    max_per_address: usize,
    started: Instant,
    open: Mutex<HashMap<u64, Arc<Connection>>>,
    next: AtomicU64,
}

/// One of them.
#[derive(Debug)]
pub struct Connection {
    network: IpAddr,
    started: Instant,
    is_busy: AtomicBool,
    /// Milliseconds after the start at which it was last busy.
    idle_since: AtomicU64,
    has_part_of_head: AtomicBool,
    /// Cancelled when it has to make room.
    pub evicted: CancellationToken,
}

/// The place of a connection, which it gives back when this is dropped.
#[derive(Debug)]
pub struct Place {
    connections: Arc<Connections>,
    id: u64,
    /// The connection.
    pub connection: Arc<Connection>,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The address has as many as it may.
    Address(usize),
    /// All are in use.
    All(usize),
}

impl Connections {
    /// None are open.
    pub fn new(max: usize, max_per_address: usize) -> Arc<Self> {
        let (started, next) = (Instant::now(), AtomicU64::new(0));
        Arc::new(Self { max, max_per_address, started, open: Mutex::default(), next })
    }

    /// A place for a client. Where all are taken, the connection of the heaviest address that has waited longest for a request
    /// is closed for it.
    pub fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Place, Refused> {
        let network = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= self.max_per_address {
            let of_address = open.values().filter(|connection| connection.network == network).count();
            if of_address >= self.max_per_address {
                let victim = longest_idle(&open, network);
                evict(&mut open, victim).ok_or(Refused::Address(self.max_per_address))?;
            }
        }
        if open.len() >= self.max {
            let mut counts: HashMap<IpAddr, usize> = HashMap::new();
            for connection in open.values().filter(|connection| connection.is_idle()) {
                *counts.entry(connection.network).or_default() += 1;
            }
            let heaviest = counts.into_iter().max_by_key(|(_, count)| *count).map(|(network, _)| network);
            let victim = heaviest.and_then(|heaviest| longest_idle(&open, heaviest));
            evict(&mut open, victim).ok_or(Refused::All(self.max))?;
        }
        let connection = Arc::new(Connection {
            network,
            started: self.started,
            is_busy: AtomicBool::new(false),
            idle_since: AtomicU64::new(millis(self.started)),
            has_part_of_head: AtomicBool::new(false),
            evicted: CancellationToken::new(),
        });
        let id = self.next.fetch_add(1, Relaxed);
        open.insert(id, Arc::clone(&connection));
        metrics::gauge!(OPEN).increment(1.0);
        Ok(Place { connections: Arc::clone(self), id, connection })
    }
}

fn longest_idle(open: &HashMap<u64, Arc<Connection>>, network: IpAddr) -> Option<u64> {
    let idle = open.iter().filter(|(_, connection)| connection.is_idle() && connection.network == network);
    idle.min_by_key(|(id, connection)| (connection.idle_since.load(Relaxed), **id)).map(|(id, _)| *id)
}

fn evict(open: &mut HashMap<u64, Arc<Connection>>, victim: Option<u64>) -> Option<()> {
    let victim = open.remove(&victim?)?;
    victim.evicted.cancel();
    metrics::counter!(EVICTED).increment(1);
    Some(())
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        metrics::gauge!(OPEN).decrement(1.0);
    }
}

impl Connection {
    /// A request has arrived.
    pub fn begin(&self) {
        self.is_busy.store(true, Relaxed);
        self.has_part_of_head.store(false, Relaxed);
    }

    /// The answer has been handed over.
    pub fn end(&self) {
        self.has_part_of_head.store(false, Relaxed);
        self.idle_since.store(millis(self.started), Relaxed);
        self.is_busy.store(false, Relaxed);
    }

    /// Bytes have arrived.
    pub fn received(&self) {
        if self.is_idle() {
            self.has_part_of_head.store(true, Relaxed);
        }
    }

    /// Whether a request has begun to arrive.
    pub fn has_part_of_head(&self) -> bool {
        self.has_part_of_head.load(Relaxed)
    }

    fn is_idle(&self) -> bool {
        !self.is_busy.load(Relaxed)
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What counts as one client: an IPv4 address, or the network of 64 bits that a subscriber of IPv6 has.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_idle_connection_of_the_heaviest_address_makes_room() {
        let connections = Connections::new(4, 3);
        let heavy: Vec<Place> = (0..3).map(|_| connections.admit(of("192.0.2.1")).unwrap()).collect();
        heavy[0].connection.begin();
        let light = connections.admit(of("192.0.2.2")).unwrap();
        let third = connections.admit(of("192.0.2.3")).unwrap();
        assert!(heavy[1].connection.evicted.is_cancelled());
        assert!(!heavy[0].connection.evicted.is_cancelled() && !light.connection.evicted.is_cancelled());
        for place in [&heavy[2], &light, &third] {
            place.connection.begin();
        }
        assert_eq!(connections.admit(of("192.0.2.4")).unwrap_err(), Refused::All(4));
        light.connection.end();
        let fourth = connections.admit(of("192.0.2.4")).unwrap();
        assert!(light.connection.evicted.is_cancelled());
        drop((heavy, light, third, fourth));
        assert!(connections.open.lock().unwrap().is_empty());
    }

    #[test]
    fn an_address_has_a_share() {
        let connections = Connections::new(10, 2);
        let held: Vec<Place> = (0..2).map(|_| connections.admit(of("2001:db8::1")).unwrap()).collect();
        held.iter().for_each(|place| place.connection.begin());
        assert_eq!(connections.admit(of("2001:db8::ffff")).unwrap_err(), Refused::Address(2));
        assert!(connections.admit(of("2001:db8:0:1::1")).is_ok());
        held[1].connection.end();
        assert!(connections.admit(of("2001:db8::1")).is_ok());
        assert!(held[1].connection.evicted.is_cancelled());
    }
}
