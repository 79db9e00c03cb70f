//! How many connections come from one address: none is to take all the room there is.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Debug)]
pub(super) struct Guests {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection, as long as it lasts or until it is a stream's.
#[derive(Debug)]
pub(super) struct Guest {
    address: IpAddr,
    guests: Guests,
}

impl Guests {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Arc::default() }
    }

    /// `None` for one too many.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Guest> {
        let address = address.to_canonical();
        let mut open = self.open();
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(open);
        Some(Guest { address, guests: self.clone() })
    }

    /// Nothing under this lock can panic half way.
    fn open(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.guests.open();
        let Some(count) = open.get_mut(&self.address) else { return };
        *count -= 1;
        if *count == 0 {
            open.remove(&self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_room_of_its_own() {
        let guests = Guests::new(2);
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let mapped = "::ffff:192.0.2.1".parse().unwrap_or(one);
        let first = guests.enter(one);
        let second = guests.enter(mapped);
        assert!(first.is_some() && second.is_some() && guests.enter(one).is_none());
        assert!(guests.enter(other).is_some());
        drop(second);
        assert!(guests.enter(one).is_some());
        drop(first);
        assert!(guests.open().is_empty(), "nothing is kept of who has left");
    }
}
