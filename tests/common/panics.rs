//! Looking at a panic instead of dying of it.

use core::any::Any;
use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

/// The message with which `f` panics, or `None` if it returns.
pub(crate) fn panic_message<R>(f: impl FnOnce() -> R) -> Option<String> {
    catch_unwind(AssertUnwindSafe(f)).err().map(|payload| message_of(payload.as_ref()))
}

/// The text of a panic payload.
pub(crate) fn message_of(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => String::from("a payload that is no text"),
    }
}
