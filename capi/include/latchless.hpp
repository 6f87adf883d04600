/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * latchless for C++17: each structure owns its memory, each end of a ring gives itself back.
 *
 * Progress and context of each call are those of the function in latchless.h that it calls. No exception is
 * thrown.
 */
#ifndef LATCHLESS_HPP
#define LATCHLESS_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <type_traits>

#include "latchless.h"

namespace latchless {

/* What travels in a ring of words: integers and pointers. */
template <typename T>
inline constexpr bool is_word = (std::is_integral_v<T> || std::is_enum_v<T> || std::is_pointer_v<T>) &&
				sizeof(T) <= sizeof(std::uint64_t);

namespace detail {

template <typename T> std::uint64_t into_word(T value)
{
	static_assert(is_word<T>, "a word is an integer, an enumerator or a pointer");
	if constexpr (std::is_pointer_v<T>)
		return reinterpret_cast<std::uintptr_t>(value);
	else
		return static_cast<std::uint64_t>(value);
}

template <typename T> T from_word(std::uint64_t word)
{
	if constexpr (std::is_pointer_v<T>)
		return reinterpret_cast<T>(static_cast<std::uintptr_t>(word));
	else
		return static_cast<T>(word);
}

struct pinned {
	pinned() = default;
	pinned(const pinned &) = delete;
	pinned &operator=(const pinned &) = delete;
};

} // namespace detail

/* A count that everybody may add to. */
class counter : detail::pinned {
public:
	void inc() noexcept { latchless_counter_inc(&raw); }
	void add(std::uint64_t n) noexcept { latchless_counter_add(&raw, n); }
	void sub(std::uint64_t n) noexcept { latchless_counter_sub(&raw, n); }
	[[nodiscard]] std::uint64_t get() const noexcept { return latchless_counter_get(&raw); }
	[[nodiscard]] std::uint64_t take() noexcept { return latchless_counter_take(&raw); }

private:
	latchless_counter raw{};
};

/* A ring of `Capacity` words between one producer and one consumer. */
template <typename T, std::size_t Capacity> class spsc : detail::pinned {
	static_assert(Capacity != 0 && (Capacity & (Capacity - 1)) == 0, "a capacity is a power of two");

public:
	spsc() noexcept
	{
		/* Nothing but a capacity that is no power of two is refused. */
		static_cast<void>(latchless_spsc_init(&raw, memory, Capacity) == LATCHLESS_STATUS_OK);
	}

	/* The end that pushes. At its end somebody else may take it. */
	class producer : detail::pinned {
	public:
		/* Ask `explicit operator bool` whether the end was to be had. */
		explicit producer(spsc &ring) noexcept
			: held(latchless_spsc_take_producer(&ring.raw, &raw) == LATCHLESS_STATUS_OK)
		{
		}
		~producer()
		{
			if (held)
				latchless_spsc_release_producer(&raw);
		}
		explicit operator bool() const noexcept { return held; }
		[[nodiscard]] bool push(T value) noexcept
		{
			return latchless_spsc_push(&raw, detail::into_word(value)) == LATCHLESS_STATUS_OK;
		}
		[[nodiscard]] std::size_t room() const noexcept { return latchless_spsc_room(&raw); }

	private:
		latchless_spsc_producer raw;
		bool held;
	};

	/* The end that pops. At its end somebody else may take it. */
	class consumer : detail::pinned {
	public:
		explicit consumer(spsc &ring) noexcept
			: held(latchless_spsc_take_consumer(&ring.raw, &raw) == LATCHLESS_STATUS_OK)
		{
		}
		~consumer()
		{
			if (held)
				latchless_spsc_release_consumer(&raw);
		}
		explicit operator bool() const noexcept { return held; }
		[[nodiscard]] std::optional<T> pop() noexcept
		{
			std::uint64_t word;
			if (latchless_spsc_pop(&raw, &word) != LATCHLESS_STATUS_OK)
				return std::nullopt;
			return detail::from_word<T>(word);
		}
		[[nodiscard]] std::size_t pending() const noexcept { return latchless_spsc_pending(&raw); }

	private:
		latchless_spsc_consumer raw;
		bool held;
	};

private:
	latchless_spsc raw;
	alignas(128) std::uint64_t memory[Capacity];
};

/* A strictly lock-free ring of 256 words between any number of producers and consumers. */
template <typename T> class words_256 : detail::pinned {
public:
	[[nodiscard]] latchless_status push(T value) noexcept
	{
		return latchless_words_256_push(&raw, detail::into_word(value));
	}
	[[nodiscard]] std::optional<T> pop() noexcept
	{
		std::uint64_t word;
		if (latchless_words_256_pop(&raw, &word) != LATCHLESS_STATUS_OK)
			return std::nullopt;
		return detail::from_word<T>(word);
	}
	bool close() noexcept { return latchless_words_256_close(&raw); }
	[[nodiscard]] bool is_drained() const noexcept { return latchless_words_256_is_drained(&raw); }
	[[nodiscard]] std::size_t size() const noexcept { return latchless_words_256_len(&raw); }

private:
	latchless_words_256 raw{};
};

/* Room for `Count` values of `T`. */
template <typename T, std::size_t Count> class pool : detail::pinned {
	static_assert(Count >= 1 && Count <= 256, "the pool has 1 to 256 blocks");

public:
	pool() noexcept
	{
		static_cast<void>(latchless_pool_256_init(&raw, memory, sizeof(T), Count) == LATCHLESS_STATUS_OK);
	}

	/* A value in a block. At its end the value is destroyed and the block given back. */
	class box {
	public:
		box(box &&other) noexcept : owner(other.owner), value(other.value) { other.value = nullptr; }
		box &operator=(box &&) = delete;
		~box()
		{
			if (value == nullptr)
				return;
			value->~T();
			static_cast<void>(latchless_pool_256_free(&owner->raw, reinterpret_cast<std::uint8_t *>(value)) ==
					  LATCHLESS_STATUS_OK);
		}
		explicit operator bool() const noexcept { return value != nullptr; }
		T &operator*() const noexcept { return *value; }
		T *operator->() const noexcept { return value; }

	private:
		friend pool;
		box(pool *from, T *made) noexcept : owner(from), value(made) {}
		pool *owner;
		T *value;
	};

	/* Makes a value in a free block; a box without one if none is free. */
	template <typename... Arguments> [[nodiscard]] box make(Arguments &&...arguments)
	{
		void *block = latchless_pool_256_alloc(&raw);
		return box(this, block == nullptr ? nullptr : ::new (block) T{static_cast<Arguments &&>(arguments)...});
	}

private:
	latchless_pool_256 raw;
	alignas(alignof(T) > 64 ? alignof(T) : 64) std::uint8_t memory[sizeof(T) * Count];
};

} // namespace latchless

#endif
