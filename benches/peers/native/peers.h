/* What a C or C++ rival provides; the other side is src/families/native.rs.
 *
 * Every call crosses the language, so it is not inlined as a call between Rust crates is: a
 * nanosecond or two of each figure is that. */
#ifndef PEERS_H
#define PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct word {
	uint64_t number;
};

struct line {
	uint64_t numbers[8];
};

/* A queue, of items whose size is the implementation's own business. Nothing is ever freed: a
 * process measures one queue once. */
struct queue_api {
	void *(*open)(size_t capacity);
	/* A way in, and a way out, of one thread's own. */
	void *(*tx)(void *queue);
	void *(*rx)(void *queue);
	bool (*push)(void *tx, const void *item);
	bool (*pop)(void *rx, void *item);
	/* Null where there are none. */
	size_t (*push_batch)(void *tx, const void *items, size_t count);
	size_t (*pop_batch)(void *rx, void *items, size_t count);
};

/* A list of all indices below its capacity. */
struct list_api {
	void *(*full)(uint32_t capacity);
	bool (*take)(void *list, uint32_t *index);
	void (*give)(void *list, uint32_t index);
};

#endif
