/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Words through a ring in batches, as `capi/examples/batches.rs` does it in Rust: `batches alone|threads WORDS`
 * prints nanoseconds a word. `cargo xtask capi --throughput` compares the two.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "latchless.h"

#ifndef BATCH
#define BATCH 64
#endif
enum { CAPACITY = 1024 };

static struct latchless_spsc ring;
static uint64_t memory[CAPACITY] __attribute__((aligned(128)));
static struct latchless_spsc_producer producer;
static struct latchless_spsc_consumer consumer;
static uint64_t words;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t sum_of(const uint64_t *values, size_t count)
{
	uint64_t sum = 0;
	size_t n;

	for (n = 0; n < count; n++)
		sum += values[n];
	return sum;
}

static void *produce(void *unused)
{
	uint64_t values[BATCH], next = 0;
	size_t n;

	while (next < words) {
		for (n = 0; n < BATCH; n++)
			values[n] = next + n;
		for (n = 0; n < BATCH;) {
			size_t pushed = latchless_spsc_push_many(&producer, values + n, BATCH - n);

			n += pushed;
			if (pushed == 0)
				__builtin_ia32_pause();
		}
		next += BATCH;
	}
	return unused;
}

static uint64_t threads(void)
{
	uint64_t values[BATCH], popped = 0, sum = 0;
	pthread_t thread;

	if (pthread_create(&thread, NULL, produce, NULL) != 0)
		exit(1);
	while (popped < words) {
		size_t count = latchless_spsc_pop_many(&consumer, values, BATCH);

		sum += sum_of(values, count);
		popped += count;
		if (count == 0)
			__builtin_ia32_pause();
	}
	pthread_join(thread, NULL);
	return sum;
}

static uint64_t alone(void)
{
	uint64_t values[BATCH], next, sum = 0;
	size_t n;

	for (next = 0; next < words; next += BATCH) {
		for (n = 0; n < BATCH; n++)
			values[n] = next + n;
		if (latchless_spsc_push_many(&producer, values, BATCH) != BATCH)
			exit(1);
		sum += sum_of(values, latchless_spsc_pop_many(&consumer, values, BATCH));
	}
	return sum;
}

int main(int count, char **arguments)
{
	uint64_t start, sum;

	if (count != 3 || latchless_spsc_init(&ring, memory, CAPACITY) != LATCHLESS_STATUS_OK ||
	    latchless_spsc_take_producer(&ring, &producer) != LATCHLESS_STATUS_OK ||
	    latchless_spsc_take_consumer(&ring, &consumer) != LATCHLESS_STATUS_OK)
		return 1;
	words = strtoull(arguments[2], NULL, 10) / BATCH * BATCH;
	start = now_ns();
	sum = strcmp(arguments[1], "alone") == 0 ? alone() : threads();
	printf("%.4f\n", (double)(now_ns() - start) / (double)words);
	return sum == words * (words - 1) / 2 ? 0 : 1;
}
