//! Typed indices and the vectors they index.

/// Defines a `u32` index type whose text form is a prefix and the number, as the dumps print it.
macro_rules! entity {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(u32);

        impl $crate::entity::Entity for $name {
            fn from_index(index: usize) -> Self {
                $name(u32::try_from(index).expect("fewer than 2^32 entities"))
            }
            fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }
    };
}
pub(crate) use entity;

/// A typed index.
pub trait Entity: Copy + Eq {
    /// The entity at this position. Arenas are bounded by limits far below 2³².
    fn from_index(index: usize) -> Self;
    /// The position.
    fn index(self) -> usize;
}

/// A vector indexed by one entity type.
#[derive(Clone, PartialEq, Eq)]
pub struct EntityVec<K, V> {
    items: Vec<V>,
    key: std::marker::PhantomData<K>,
}

impl<K: Entity, V> EntityVec<K, V> {
    /// No items.
    pub fn new() -> Self {
        EntityVec { items: Vec::new(), key: std::marker::PhantomData }
    }
    /// `len` copies of one item.
    pub fn filled(item: V, len: usize) -> Self
    where
        V: Clone,
    {
        EntityVec { items: vec![item; len], key: std::marker::PhantomData }
    }
    /// Appends an item and returns its index.
    pub fn push(&mut self, item: V) -> K {
        let key = K::from_index(self.items.len());
        self.items.push(item);
        key
    }
    /// Appends copies of one item until there are so many, or removes the last ones.
    pub fn resize(&mut self, len: usize, item: V)
    where
        V: Clone,
    {
        self.items.resize(len, item);
    }
    /// Removes all items but the first `len`.
    pub fn truncate(&mut self, len: usize) {
        self.items.truncate(len);
    }
    /// Makes room for exactly so many further items.
    pub fn reserve(&mut self, further: usize) {
        self.items.reserve_exact(further);
    }
    /// Gives up the room for further items.
    pub fn shrink_to_fit(&mut self) {
        self.items.shrink_to_fit();
    }
    /// How many items there is room for.
    pub fn capacity(&self) -> usize {
        self.items.capacity()
    }
    /// How many items there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    /// The item, if the index is in range.
    pub fn get(&self, key: K) -> Option<&V> {
        self.items.get(key.index())
    }
    /// All indices in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator + use<K, V> {
        (0..self.items.len()).map(K::from_index)
    }
    /// All items in order.
    pub fn values(&self) -> std::slice::Iter<'_, V> {
        self.items.iter()
    }
    /// All items in order, taken out.
    pub fn into_values(self) -> std::vec::IntoIter<V> {
        self.items.into_iter()
    }
    /// All items in order with their indices.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &V)> + ExactSizeIterator {
        self.items.iter().enumerate().map(|(i, v)| (K::from_index(i), v))
    }
}

impl<K: Entity, V> FromIterator<V> for EntityVec<K, V> {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        EntityVec { items: items.into_iter().collect(), key: std::marker::PhantomData }
    }
}

impl<K: Entity, V> Default for EntityVec<K, V> {
    fn default() -> Self {
        EntityVec::new()
    }
}

impl<K: Entity, V: std::fmt::Debug> std::fmt::Debug for EntityVec<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.items).finish()
    }
}

impl<K: Entity, V> std::ops::Index<K> for EntityVec<K, V> {
    type Output = V;
    fn index(&self, key: K) -> &V {
        &self.items[key.index()]
    }
}

impl<K: Entity, V> std::ops::IndexMut<K> for EntityVec<K, V> {
    fn index_mut(&mut self, key: K) -> &mut V {
        &mut self.items[key.index()]
    }
}
