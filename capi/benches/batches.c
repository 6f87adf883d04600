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

/* The first word of a batch tells which it is; the others come along. */
static void *produce(void *unused)
{
	uint64_t values[BATCH] = { 0 };
	size_t n;

	for (values[0] = 0; values[0] < words; values[0] += BATCH)
		for (n = 0; n < BATCH;) {
			size_t pushed = latchless_spsc_push_many(&producer, values + n, BATCH - n);

			n += pushed;
			if (pushed == 0)
				__builtin_ia32_pause();
		}
	return unused;
}

static uint64_t consume(void)
{
	uint64_t values[BATCH] = { 0 };
	uint64_t sum = 0, done;
	size_t n;

	for (done = 0; done < words; done += BATCH) {
		for (n = 0; n < BATCH;) {
			size_t popped = latchless_spsc_pop_many(&consumer, values + n, BATCH - n);

			n += popped;
			if (popped == 0)
				__builtin_ia32_pause();
		}
		sum += values[0];
	}
	return sum;
}

static uint64_t threads(void)
{
	pthread_t thread;
	uint64_t sum;

	if (pthread_create(&thread, NULL, produce, NULL) != 0)
		exit(1);
	sum = consume();
	pthread_join(thread, NULL);
	return sum;
}

static uint64_t alone(void)
{
	uint64_t in[BATCH] = { 0 }, out[BATCH] = { 0 };
	uint64_t sum = 0;

	for (in[0] = 0; in[0] < words; in[0] += BATCH) {
		if (latchless_spsc_push_many(&producer, in, BATCH) != BATCH ||
		    latchless_spsc_pop_many(&consumer, out, BATCH) != BATCH)
			exit(1);
		sum += out[0];
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
	return sum == words / 2 * (words / BATCH - 1) ? 0 : 1;
}
