//! The sockets of one connection or endpoint, by number.

use purertc::SocketId;
use std::io;

/// The lower bits of a number: the place in the table. The others count how often it was used.
const PLACE_BITS: u32 = 12;

/// Sockets `T` by their [`SocketId`]. A number is not given out again while anybody could still mean the socket
/// that had it before, and finding one is a look at one place.
#[derive(Debug)]
pub struct Table<T> {
    places: Vec<Place<T>>,
    limit: usize,
}

#[derive(Debug)]
struct Place<T> {
    /// That of the socket here, or of the next one.
    id: SocketId,
    socket: Option<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::up_to(Self::LIMIT)
    }
}

impl<T> Table<T> {
    /// Sockets that there may be at once.
    pub const LIMIT: usize = 1 << PLACE_BITS;

    /// A table of no more than `limit` sockets.
    #[must_use]
    pub fn up_to(limit: usize) -> Self {
        Self { places: Vec::new(), limit: limit.min(Self::LIMIT) }
    }

    /// Puts in what `open` makes for the number that it gets.
    ///
    /// # Errors
    ///
    /// Those of `open`, and `QuotaExceeded` when there are too many sockets.
    pub fn insert(&mut self, open: impl FnOnce(SocketId) -> io::Result<T>) -> io::Result<SocketId> {
        let free = self.places.iter().position(|place| place.socket.is_none());
        let at = free.unwrap_or(self.places.len());
        if at >= self.limit {
            return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many sockets"));
        }
        if at == self.places.len() {
            self.places.push(Place { id: SocketId(at as u32), socket: None });
        }
        let place = &mut self.places[at];
        place.socket = Some(open(place.id)?);
        Ok(place.id)
    }

    /// Takes a socket out.
    pub fn remove(&mut self, id: SocketId) -> Option<T> {
        let place = self.places.get_mut(Self::place(id)).filter(|place| place.id == id)?;
        let socket = place.socket.take()?;
        place.id = SocketId(place.id.0.wrapping_add(1 << PLACE_BITS));
        Some(socket)
    }

    /// The socket with this number, unless it is gone.
    pub fn get_mut(&mut self, id: SocketId) -> Option<&mut T> {
        let place = self.places.get_mut(Self::place(id)).filter(|place| place.id == id)?;
        place.socket.as_mut()
    }

    /// The socket with this number, unless it is gone.
    #[must_use]
    pub fn get(&self, id: SocketId) -> Option<&T> {
        self.places.get(Self::place(id)).filter(|place| place.id == id)?.socket.as_ref()
    }

    /// Where in the table a socket is: below [`LIMIT`](Self::LIMIT), and free for another one once it is gone.
    #[must_use]
    pub const fn place(id: SocketId) -> usize {
        id.0 as usize % Self::LIMIT
    }

    /// The number of the socket at a place.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<SocketId> {
        self.places.get(place).filter(|place| place.socket.is_some()).map(|place| place.id)
    }

    /// How many places there are, free ones included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing was ever put in.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Every socket with its number, by place.
    pub fn iter(&self) -> impl Iterator<Item = (SocketId, &T)> {
        self.places.iter().filter_map(|place| Some((place.id, place.socket.as_ref()?)))
    }

    /// Every socket with its number, beginning with the place `first` and round to the one before it.
    pub fn iter_mut_from(&mut self, first: usize) -> impl Iterator<Item = (SocketId, &mut T)> {
        let first = first.min(self.places.len());
        let (before, after) = self.places.split_at_mut(first);
        after.iter_mut().chain(before).filter_map(|place| Some((place.id, place.socket.as_mut()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use purertc::SocketId;
    use std::io;

    #[test]
    fn numbers_begin_at_zero_and_are_not_given_twice() {
        let mut table = Table::default();
        let first = table.insert(|_| Ok("first")).unwrap();
        let second = table.insert(|_| Ok("second")).unwrap();
        assert_eq!([first, second], [SocketId(0), SocketId(1)]);
        assert_eq!(table.remove(first), Some("first"));
        assert_eq!(table.remove(first), None);
        let third = table.insert(|_| Ok("third")).unwrap();
        assert_ne!(third, first);
        assert_eq!(Table::<&str>::place(third), 0);
        assert_eq!((table.get(first), table.get(third)), (None, Some(&"third")));
        assert_eq!(table.get_mut(second), Some(&mut "second"));
        let from_the_second: Vec<_> = table.iter_mut_from(1).map(|(id, _)| id).collect();
        assert_eq!(from_the_second, [second, third]);
    }

    #[test]
    fn a_socket_that_does_not_open_takes_no_place_and_there_is_an_end() {
        let mut table = Table::up_to(100);
        assert!(table.insert(|_| Err::<(), _>(io::ErrorKind::AddrInUse.into())).is_err());
        assert_eq!(table.iter().count(), 0);
        for _ in 0..100 {
            table.insert(|_| Ok(())).unwrap();
        }
        assert_eq!(table.insert(|_| Ok(())).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
    }
}
