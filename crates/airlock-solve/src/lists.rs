//! Many short lists in one piece of memory.

/// Lists by number.
#[derive(Debug, Clone)]
pub(crate) struct Lists<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Default for Lists<T> {
    fn default() -> Self {
        Self {
            starts: vec![0],
            items: Vec::new(),
        }
    }
}

impl<T: Copy> Lists<T> {
    /// Appends a list.
    pub(crate) fn push(&mut self, list: &[T]) {
        self.items.extend_from_slice(list);
        self.starts.push(self.items.len() as u32);
    }

    /// Sorts pairs of list number and item into lists; within a list the order stays.
    pub(crate) fn from_pairs(count: usize, pairs: &[(u32, T)]) -> Self {
        let mut starts = vec![0_u32; count + 1];
        for (number, _) in pairs {
            starts[*number as usize + 1] += 1;
        }
        for place in 1..starts.len() {
            starts[place] += starts[place - 1];
        }
        let mut items = Vec::new();
        if let Some((_, any)) = pairs.first() {
            items.resize(pairs.len(), *any);
            let mut next = starts.clone();
            for (number, item) in pairs {
                let place = &mut next[*number as usize];
                items[*place as usize] = *item;
                *place += 1;
            }
        }
        Self { starts, items }
    }

    pub(crate) fn get(&self, number: usize) -> &[T] {
        &self.items[self.range(number)]
    }

    /// Where a list lies among all items.
    pub(crate) fn range(&self, number: usize) -> std::ops::Range<usize> {
        match self.starts.get(number..number + 2) {
            Some(&[start, end]) => start as usize..end as usize,
            _ => 0..0,
        }
    }

    /// The item at a place among all items.
    pub(crate) fn item(&self, place: usize) -> T {
        self.items[place]
    }

    /// Number of lists.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// All items of all lists.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }
}
