// Rivals in C++: Boost.Lockfree, moodycamel's ConcurrentQueue, and oneTBB's bounded queue.
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#include <boost/lockfree/stack.hpp>
#include <concurrentqueue/concurrentqueue.h>
#include <tbb/concurrent_queue.h>

extern "C" {
#include "peers.h"
}

namespace {

// Boost's queues, each used through itself.
template <typename Queue, typename Item> struct Boost {
	static void *open(size_t capacity) { return new Queue(capacity); }
	static void *itself(void *queue) { return queue; }
	static bool push(void *tx, const void *item)
	{
		return static_cast<Queue *>(tx)->push(*static_cast<const Item *>(item));
	}
	static bool pop(void *rx, void *item)
	{
		return static_cast<Queue *>(rx)->pop(*static_cast<Item *>(item));
	}
	static constexpr queue_api api()
	{
		return {open, itself, itself, push, pop, nullptr, nullptr};
	}
};

template <typename Item> struct BoostSpsc : Boost<boost::lockfree::spsc_queue<Item>, Item> {
	using Queue = boost::lockfree::spsc_queue<Item>;
	static size_t push_batch(void *tx, const void *items, size_t count)
	{
		return static_cast<Queue *>(tx)->push(static_cast<const Item *>(items), count);
	}
	static size_t pop_batch(void *rx, void *items, size_t count)
	{
		return static_cast<Queue *>(rx)->pop(static_cast<Item *>(items), count);
	}
	static constexpr queue_api api()
	{
		queue_api api = Boost<Queue, Item>::api();
		api.push_batch = push_batch;
		api.pop_batch = pop_batch;
		return api;
	}
};

// A bounded push takes its nodes from those allocated at the start.
template <typename Item> struct BoostMpmc : Boost<boost::lockfree::queue<Item>, Item> {
	using Queue = boost::lockfree::queue<Item>;
	static bool push(void *tx, const void *item)
	{
		return static_cast<Queue *>(tx)->bounded_push(*static_cast<const Item *>(item));
	}
	static constexpr queue_api api()
	{
		queue_api api = Boost<Queue, Item>::api();
		api.push = push;
		return api;
	}
};

// With a token for each end, which is how it is fastest. Unbounded, and first in first out for each
// producer only.
template <typename Item> struct Moodycamel {
	using Queue = moodycamel::ConcurrentQueue<Item>;
	struct Tx {
		Queue &queue;
		moodycamel::ProducerToken token;
		explicit Tx(Queue &queue) : queue(queue), token(queue) {}
	};
	struct Rx {
		Queue &queue;
		moodycamel::ConsumerToken token;
		explicit Rx(Queue &queue) : queue(queue), token(queue) {}
	};
	static void *open(size_t capacity) { return new Queue(capacity); }
	static void *tx(void *queue) { return new Tx(*static_cast<Queue *>(queue)); }
	static void *rx(void *queue) { return new Rx(*static_cast<Queue *>(queue)); }
	static bool push(void *opaque, const void *item)
	{
		Tx *tx = static_cast<Tx *>(opaque);
		return tx->queue.enqueue(tx->token, *static_cast<const Item *>(item));
	}
	static bool pop(void *opaque, void *item)
	{
		Rx *rx = static_cast<Rx *>(opaque);
		return rx->queue.try_dequeue(rx->token, *static_cast<Item *>(item));
	}
	static size_t push_batch(void *opaque, const void *items, size_t count)
	{
		Tx *tx = static_cast<Tx *>(opaque);
		return tx->queue.enqueue_bulk(tx->token, static_cast<const Item *>(items), count) ? count : 0;
	}
	static size_t pop_batch(void *opaque, void *items, size_t count)
	{
		Rx *rx = static_cast<Rx *>(opaque);
		return rx->queue.try_dequeue_bulk(rx->token, static_cast<Item *>(items), count);
	}
	static constexpr queue_api api() { return {open, tx, rx, push, pop, push_batch, pop_batch}; }
};

template <typename Item> struct Tbb {
	using Queue = tbb::concurrent_bounded_queue<Item>;
	static void *open(size_t capacity)
	{
		Queue *queue = new Queue;
		queue->set_capacity(static_cast<std::ptrdiff_t>(capacity));
		return queue;
	}
	static void *itself(void *queue) { return queue; }
	static bool push(void *tx, const void *item)
	{
		return static_cast<Queue *>(tx)->try_push(*static_cast<const Item *>(item));
	}
	static bool pop(void *rx, void *item)
	{
		return static_cast<Queue *>(rx)->try_pop(*static_cast<Item *>(item));
	}
	static constexpr queue_api api()
	{
		return {open, itself, itself, push, pop, nullptr, nullptr};
	}
};

using Stack = boost::lockfree::stack<uint32_t>;

void *stack_full(uint32_t capacity)
{
	Stack *stack = new Stack(capacity);
	for (uint32_t index = 0; index < capacity; index++)
		stack->bounded_push(index);
	return stack;
}

bool stack_take(void *stack, uint32_t *index)
{
	return static_cast<Stack *>(stack)->pop(*index);
}

void stack_give(void *stack, uint32_t index)
{
	static_cast<Stack *>(stack)->bounded_push(index);
}

} // namespace

extern "C" {
extern const queue_api boost_spsc_word = BoostSpsc<word>::api();
extern const queue_api boost_spsc_line = BoostSpsc<line>::api();
extern const queue_api boost_mpmc_word = BoostMpmc<word>::api();
extern const queue_api boost_mpmc_line = BoostMpmc<line>::api();
extern const queue_api moodycamel_word = Moodycamel<word>::api();
extern const queue_api moodycamel_line = Moodycamel<line>::api();
extern const queue_api tbb_word = Tbb<word>::api();
extern const queue_api tbb_line = Tbb<line>::api();
extern const list_api boost_list = {stack_full, stack_take, stack_give};
}
