/* Concurrency Kit: its rings, and its stack with cmpxchg16b. */
#include <stdlib.h>

#include <ck_ring.h>
#include <ck_stack.h>

#include "peers.h"

CK_RING_PROTOTYPE(word, word)
CK_RING_PROTOTYPE(line, line)

static void *allocate(size_t size)
{
	void *memory = aligned_alloc(128, (size + 127) / 128 * 128);
	if (memory == NULL)
		abort();
	return memory;
}

static void *itself(void *queue)
{
	return queue;
}

#define RING(ITEM, CLASS, POP)                                                           \
	struct ring_##CLASS##_##ITEM {                                                   \
		struct ck_ring ring;                                                     \
		struct ITEM *items;                                                      \
	};                                                                               \
                                                                                         \
	static void *CLASS##_##ITEM##_open(size_t capacity)                              \
	{                                                                                \
		struct ring_##CLASS##_##ITEM *queue = allocate(sizeof(*queue));          \
		queue->items = allocate(capacity * sizeof(struct ITEM));                 \
		ck_ring_init(&queue->ring, capacity);                                    \
		return queue;                                                            \
	}                                                                                \
                                                                                         \
	static bool CLASS##_##ITEM##_push(void *tx, const void *item)                    \
	{                                                                                \
		struct ring_##CLASS##_##ITEM *queue = tx;                                \
		return CK_RING_ENQUEUE_##POP(ITEM, &queue->ring, queue->items,           \
					     (struct ITEM *)item);                       \
	}                                                                                \
                                                                                         \
	static bool CLASS##_##ITEM##_pop(void *rx, void *item)                           \
	{                                                                                \
		struct ring_##CLASS##_##ITEM *queue = rx;                                \
		return CK_RING_DEQUEUE_##POP(ITEM, &queue->ring, queue->items,           \
					     (struct ITEM *)item);                       \
	}                                                                                \
                                                                                         \
	const struct queue_api ck_##CLASS##_##ITEM = {                                   \
		.open = CLASS##_##ITEM##_open,                                           \
		.tx = itself,                                                            \
		.rx = itself,                                                            \
		.push = CLASS##_##ITEM##_push,                                           \
		.pop = CLASS##_##ITEM##_pop,                                             \
	};

RING(word, spsc, SPSC)
RING(line, spsc, SPSC)
RING(word, mpmc, MPMC)
RING(line, mpmc, MPMC)

struct list {
	struct ck_stack stack;
	struct ck_stack_entry *entries;
};

static void *list_full(uint32_t capacity)
{
	struct list *list = allocate(sizeof(*list));
	list->entries = allocate(capacity * sizeof(*list->entries));
	ck_stack_init(&list->stack);
	for (uint32_t index = 0; index < capacity; index++)
		ck_stack_push_mpmc(&list->stack, &list->entries[index]);
	return list;
}

static bool list_take(void *opaque, uint32_t *index)
{
	struct list *list = opaque;
	struct ck_stack_entry *entry = ck_stack_pop_mpmc(&list->stack);
	if (entry == NULL)
		return false;
	*index = (uint32_t)(entry - list->entries);
	return true;
}

static void list_give(void *opaque, uint32_t index)
{
	struct list *list = opaque;
	ck_stack_push_mpmc(&list->stack, &list->entries[index]);
}

const struct list_api ck_list = {
	.full = list_full,
	.take = list_take,
	.give = list_give,
};
