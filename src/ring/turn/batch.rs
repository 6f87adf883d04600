//! Several values at a time, claimed by one compare-exchange and published one by one.

use core::mem::MaybeUninit;

use super::{PopError, PushError, Ring, Slot, TooFew};
use crate::ring::storage::Storage;
use crate::ring::turn::word;

impl<T, S: Storage<Item = Slot<T>>> Ring<T, S> {
    /// Appends copies of the first of `values`, as many as there is room for, side by side. Returns how
    /// many: none if a [`push`](Self::push) would have been refused.
    ///
    /// **Progress** as [`push`](Self::push). **Context** any. **Complexity** O(values pushed), one
    /// `lock cmpxchg`. **Ordering** as [`push`](Self::push), for all of them.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::TurnRing;
    /// let ring = TurnRing::<u8, 4>::new();
    /// assert_eq!(ring.push_slice(b"latch"), 4);
    /// let mut places = [0; 3];
    /// assert_eq!(ring.pop_slice(&mut places), 3);
    /// assert_eq!(&places, b"lat");
    /// ```
    #[inline]
    pub fn push_slice(&self, values: &[T]) -> usize
    where
        T: Copy,
    {
        self.copy_in(1, values).unwrap_or(0)
    }

    /// Appends copies of all `values`, side by side, or of none.
    ///
    /// **Progress** as [`push`](Self::push). **Context** any. **Complexity** O(`values.len()`), one
    /// `lock cmpxchg`. **Ordering** as [`push`](Self::push), for all of them.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many slots were vacant and nobody's: none if the ring is closed.
    #[inline]
    pub fn push_entire_slice(&self, values: &[T]) -> Result<(), TooFew>
    where
        T: Copy,
    {
        self.copy_in(values.len(), values).map(|_| ())
    }

    /// Moves all `values` in, side by side, or none.
    ///
    /// **Progress** as [`push`](Self::push). **Context** any. **Complexity** O(`K`), one `lock cmpxchg`.
    /// **Ordering** as [`push`](Self::push), for all of them.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push), with all `values` in it: [`PushError::Full`] if there was not room for
    /// all.
    ///
    /// # Examples
    ///
    /// ```
    /// # use latchless::ring::{TurnRing, turn::PushError};
    /// let ring = TurnRing::<String, 4>::new();
    /// assert_eq!(ring.push_array(["one", "two", "three"].map(String::from)), Ok(()));
    /// let refused = ring.push_array(["four", "five"].map(String::from));
    /// assert!(matches!(refused, Err(PushError::Full([_, five])) if five == "five"));
    /// assert_eq!(ring.pop_array(), Ok(["one", "two"].map(String::from)));
    /// ```
    #[inline]
    pub fn push_array<const K: usize>(&self, values: [T; K]) -> Result<(), PushError<[T; K]>> {
        if K == 0 {
            return Ok(());
        }
        match self.claim_vacant(K, K) {
            Ok(claim) => {
                for (at, value) in values.into_iter().enumerate() {
                    // SAFETY: as many are claimed as there are values.
                    unsafe { self.fill(word::after(claim.word, at), value) };
                }
                Ok(())
            }
            Err((why, _)) => Err(why.of(values)),
        }
    }

    /// Pops into the first of `places`, as many values as there are. Returns how many: none if a
    /// [`pop`](Self::pop) would have been refused. The other places stay as they are.
    ///
    /// **Progress** as [`pop`](Self::pop). **Context** any. **Complexity** O(values popped), one
    /// `lock cmpxchg`. **Ordering** as [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn pop_slice(&self, places: &mut [T]) -> usize
    where
        T: Copy,
    {
        // SAFETY: the same memory, into which only values of `T` are written.
        self.pop_slice_uninit(unsafe {
            &mut *(core::ptr::from_mut(places) as *mut [MaybeUninit<T>])
        })
    }

    /// Pops into all `places`, or pops nothing.
    ///
    /// **Progress** as [`pop`](Self::pop). **Context** any. **Complexity** O(`places.len()`), one
    /// `lock cmpxchg`. **Ordering** as [`pop`](Self::pop), for all of them.
    ///
    /// # Errors
    ///
    /// [`TooFew`], with how many values there were.
    #[inline]
    pub fn pop_entire_slice(&self, places: &mut [T]) -> Result<(), TooFew>
    where
        T: Copy,
    {
        // SAFETY: the same memory, into which only values of `T` are written.
        let places = unsafe { &mut *(core::ptr::from_mut(places) as *mut [MaybeUninit<T>]) };
        self.move_out(places.len(), places).map(|_| ()).map_err(|(_, count)| TooFew(count))
    }

    /// Moves values to the first of `places`, as many as there are. Returns how many of the places hold a
    /// value now, which is the caller's to drop. What was in them is not dropped.
    ///
    /// **Progress** as [`pop`](Self::pop). **Context** any. **Complexity** O(values popped), one
    /// `lock cmpxchg`. **Ordering** as [`pop`](Self::pop), for all of them.
    #[inline]
    pub fn pop_slice_uninit(&self, places: &mut [MaybeUninit<T>]) -> usize {
        self.move_out(1, places).unwrap_or(0)
    }

    /// Takes the `K` oldest values out, or none.
    ///
    /// **Progress** as [`pop`](Self::pop). **Context** any. **Complexity** O(`K`), one `lock cmpxchg`.
    /// **Ordering** as [`pop`](Self::pop), for all of them.
    ///
    /// # Errors
    ///
    /// As [`pop`](Self::pop): [`PopError::Empty`] if there were not so many, [`PopError::Closed`] if there
    /// never will be.
    #[inline]
    pub fn pop_array<const K: usize>(&self) -> Result<[T; K], PopError> {
        let mut places = [const { MaybeUninit::uninit() }; K];
        match self.move_out(K, &mut places) {
            // SAFETY: all places hold a value; `MaybeUninit` has no drop.
            Ok(_) => Ok(unsafe { core::mem::transmute_copy(&places) }),
            Err((why, _)) => Err(why),
        }
    }

    #[inline]
    fn copy_in(&self, least: usize, values: &[T]) -> Result<usize, TooFew>
    where
        T: Copy,
    {
        if values.is_empty() {
            return Ok(0);
        }
        match self.claim_vacant(least, values.len()) {
            Ok(claim) => {
                for (at, value) in values.iter().take(claim.count).enumerate() {
                    // SAFETY: claimed just now.
                    unsafe { self.fill(word::after(claim.word, at), *value) };
                }
                Ok(claim.count)
            }
            Err((_, count)) => Err(TooFew(count)),
        }
    }

    #[inline]
    fn move_out(
        &self,
        least: usize,
        places: &mut [MaybeUninit<T>],
    ) -> Result<usize, (PopError, usize)> {
        if places.is_empty() {
            return Ok(0);
        }
        let claim = self.claim_full(least, places.len())?;
        for (at, place) in places.iter_mut().take(claim.count).enumerate() {
            // SAFETY: claimed just now.
            place.write(unsafe { self.vacate(word::after(claim.word, at)) });
        }
        Ok(claim.count)
    }
}
