/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Each function of latchless.h by one thread, then threads at all of them with totals that must be exact. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latchless.h"

#define CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)
#define OK(call) CHECK((call) == LATCHLESS_STATUS_OK)

#ifndef PER_THREAD
#define PER_THREAD 50000
#endif
enum { THREADS = 4, BLOCK_BYTES = 48, ITEMS = 64 };

/* A node of both kinds of stacks. */
struct item {
	size_t owner;
	struct latchless_transfer_link mail;
	struct latchless_treiber_link spare;
};

#define ITEM(link, member) ((struct item *)((char *)(link) - offsetof(struct item, member)))

static struct latchless_counter counter;
static struct latchless_words_256 words;
static struct latchless_words_4096 many_words;
static struct latchless_stack_256 stack;
static struct latchless_stack_4096 large_stack;
static struct latchless_pool_256 pool;
static struct latchless_pool_4096 large_pool;
static struct latchless_words any_words;
static struct latchless_words_place places[32];
static struct latchless_transfer mail;
static struct latchless_treiber spare;
static struct item items[ITEMS];
static struct latchless_spsc ring;
static struct latchless_records records;
static uint64_t ring_memory[1024], records_memory[64];
static uint8_t blocks[64 * BLOCK_BYTES];
static uint64_t sums[2][THREADS];

static void counters(void)
{
	latchless_counter_inc(&counter);
	latchless_counter_add(&counter, 5);
	latchless_counter_sub(&counter, 2);
	CHECK(latchless_counter_get(&counter) == 4);
	CHECK(latchless_counter_take(&counter) == 4 && latchless_counter_get(&counter) == 0);
	latchless_counter_init(&counter, 7);
	CHECK(latchless_counter_take(&counter) == 7);
}

static void spsc(void)
{
	struct latchless_spsc_producer producer, second;
	struct latchless_spsc_consumer consumer;
	uint64_t values[6] = { 1, 2, 3, 4, 5, 6 }, value;

	CHECK(latchless_spsc_init(&ring, ring_memory, 3) == LATCHLESS_STATUS_INVALID);
	OK(latchless_spsc_init(&ring, ring_memory, 4));
	OK(latchless_spsc_take_producer(&ring, &producer));
	CHECK(latchless_spsc_take_producer(&ring, &second) == LATCHLESS_STATUS_TAKEN);
	OK(latchless_spsc_take_consumer(&ring, &consumer));
	CHECK(latchless_spsc_pop(&consumer, &value) == LATCHLESS_STATUS_EMPTY);
	OK(latchless_spsc_push(&producer, 9));
	CHECK(latchless_spsc_room(&producer) == 3 && latchless_spsc_push_many(&producer, values, 6) == 3);
	CHECK(latchless_spsc_push(&producer, 0) == LATCHLESS_STATUS_FULL);
	CHECK(latchless_spsc_pending(&consumer) == 4);
	OK(latchless_spsc_pop(&consumer, &value));
	CHECK(value == 9 && latchless_spsc_pop_many(&consumer, values, 6) == 3 && values[2] == 3);
	CHECK(!latchless_spsc_is_abandoned(&consumer));
	latchless_spsc_release_producer(&producer);
	CHECK(latchless_spsc_is_abandoned(&consumer));
	OK(latchless_spsc_take_producer(&ring, &second));
	latchless_spsc_release_producer(&second);
	latchless_spsc_release_consumer(&consumer);
}

/* Records of each length that has a chance, round the end of the memory many times. */
static void byte_records(void)
{
	struct latchless_records_writer writer;
	struct latchless_records_reader reader;
	uint8_t in[64 * 8], out[64 * 8];
	size_t bytes, round;

	OK(latchless_records_init(&records, records_memory, 64));
	OK(latchless_records_take_writer(&records, &writer));
	OK(latchless_records_take_reader(&records, &reader));
	CHECK(latchless_records_read(&reader, out, sizeof(out), &bytes) == LATCHLESS_STATUS_EMPTY);
	CHECK(latchless_records_write(&writer, in, 63 * 8 + 1) == LATCHLESS_STATUS_INVALID);
	CHECK(latchless_records_write(&writer, in, (size_t)-1) == LATCHLESS_STATUS_INVALID);
	for (round = 0; round < 2000; round++) {
		size_t length = round * 7 % (63 * 8 + 1);

		memset(in, (int)round, sizeof(in));
		OK(latchless_records_write(&writer, in, length));
		CHECK(latchless_records_are_pending(&reader));
		if (length > 0)
			CHECK(latchless_records_read(&reader, out, length - 1, &bytes) == LATCHLESS_STATUS_TOO_SMALL &&
			      bytes == length);
		memset(out, 0xee, sizeof(out));
		OK(latchless_records_read(&reader, out, length, &bytes));
		CHECK(bytes == length && memcmp(in, out, length) == 0);
		CHECK(length == sizeof(out) || out[length] == 0xee);
	}
	OK(latchless_records_write(&writer, in, 63 * 8));
	CHECK(latchless_records_write(&writer, in, 0) == LATCHLESS_STATUS_FULL);
	latchless_records_release_writer(&writer);
	latchless_records_release_reader(&reader);
}

/* The same records one by one and many at a time, in both directions. */
static void many_records(void)
{
	static uint64_t feed_memory[64], tail __attribute__((aligned(64))), head __attribute__((aligned(64)));
	struct latchless_records_writer writer;
	struct latchless_records_reader reader;
	struct latchless_feed feed;
	struct latchless_feed_reader feed_reader;
	size_t lengths[16], got[16], round, n, bytes, done;
	uint8_t in[1024], out[1024];

	OK(latchless_records_init(&records, records_memory, 64));
	OK(latchless_records_take_writer(&records, &writer));
	OK(latchless_records_take_reader(&records, &reader));
	OK(latchless_feed_init(&feed, &tail, &head, feed_memory, 64));
	OK(latchless_feed_reader_init(&feed_reader, &tail, &head, feed_memory, 64));
	for (n = 0; n < sizeof(in); n++)
		in[n] = (uint8_t)(n * 7 + n / 256);
	for (round = 0; round < 2000; round++) {
		size_t sum = 0, fit = 0, room = 0;

		for (n = 0; n < 16; n++) {
			lengths[n] = (round * 5 + n * n) % 64;
			room += 1 + (lengths[n] + 7) / 8;
			if (room <= 64) {
				fit = n + 1;
				sum += lengths[n];
			}
		}
		CHECK(latchless_records_write_many(&writer, in, lengths, 16) == fit);
		CHECK(latchless_feed_write_many(&feed, in, lengths, 16, &done) ==
		      (fit == 16 ? LATCHLESS_STATUS_OK : LATCHLESS_STATUS_FULL));
		CHECK(done == fit);
		/* One by itself, then what fits into less than all of it, then the rest. */
		OK(latchless_records_read(&reader, out, sizeof(out), &bytes));
		CHECK(bytes == lengths[0] && memcmp(out, in, bytes) == 0);
		OK(latchless_feed_read(&feed_reader, out, sizeof(out), &bytes));
		CHECK(bytes == lengths[0] && memcmp(out, in, bytes) == 0);
		memset(out, 0xee, sizeof(out));
		n = latchless_records_read_many(&reader, out + bytes, lengths[1] + lengths[2], got, 16);
		CHECK(n == 2 || lengths[3] == 0);
		CHECK(memcmp(out + bytes, in + bytes, lengths[1] + lengths[2]) == 0);
		CHECK(out[bytes + lengths[1] + lengths[2]] == 0xee);
		n += latchless_records_read_many(&reader, out + bytes + lengths[1] + lengths[2], sizeof(out) - 256, got + n,
						 16 - n);
		CHECK(n == fit - 1 && memcmp(got, lengths + 1, n * sizeof(*got)) == 0);
		CHECK(memcmp(out + bytes, in + bytes, sum - bytes) == 0 && out[sum] == 0xee);
		CHECK(latchless_records_read_many(&reader, out, sizeof(out), got, 16) == 0);
		memset(out, 0xee, sizeof(out));
		CHECK(latchless_feed_read_many(&feed_reader, out, sizeof(out), got, 3) == 3);
		n = 3 + latchless_feed_read_many(&feed_reader, out + got[0] + got[1] + got[2], 512, got + 3, 13);
		CHECK(n == fit - 1 && memcmp(got, lengths + 1, n * sizeof(*got)) == 0);
		CHECK(memcmp(out, in + bytes, sum - bytes) == 0 && out[sum - bytes] == 0xee);
		CHECK(latchless_feed_read_many(&feed_reader, out, sizeof(out), got, 16) == 0);
	}
	lengths[1] = (size_t)-1;
	CHECK(latchless_feed_write_many(&feed, in, lengths, 2, &done) == LATCHLESS_STATUS_INVALID && done == 1);
	CHECK(latchless_records_write_many(&writer, in, lengths, 2) == 1);
	__atomic_store_n(&head, tail + 1, __ATOMIC_RELAXED);
	for (n = 0; n < 16; n++)
		lengths[n] = 56;
	CHECK(latchless_feed_write_many(&feed, in, lengths, 16, &done) == LATCHLESS_STATUS_CORRUPT && done < 8);
	latchless_records_release_writer(&writer);
	latchless_records_release_reader(&reader);
}

/* The writer against a reader that says whatever it likes: guarded words on both sides stay as they are. */
static void hostile_feed(void)
{
	static struct { uint64_t before[8], data[64], after[8]; } memory;
	static uint64_t tail __attribute__((aligned(64))), head __attribute__((aligned(64)));
	struct latchless_feed feed;
	struct latchless_feed_reader reader;
	uint8_t in[64 * 8], out[64 * 8];
	uint64_t seed = 1;
	size_t round, bytes, corrupt = 0, written = 0;

	memset(&memory, 0x5a, sizeof(memory));
	CHECK(latchless_feed_init(&feed, &tail, &head, memory.data, 63) == LATCHLESS_STATUS_INVALID);
	OK(latchless_feed_init(&feed, &tail, &head, memory.data, 64));
	OK(latchless_feed_reader_init(&reader, &tail, &head, memory.data, 64));
	CHECK(latchless_feed_read(&reader, out, sizeof(out), &bytes) == LATCHLESS_STATUS_EMPTY);
	for (round = 0; round < 2000; round++) {
		size_t length = round * 7 % (63 * 8 + 1);

		memset(in, (int)round, sizeof(in));
		OK(latchless_feed_write(&feed, in, length));
		OK(latchless_feed_read(&reader, out, length, &bytes));
		CHECK(bytes == length && memcmp(in, out, length) == 0);
	}
	OK(latchless_feed_check(&feed));
	for (round = 0; round < 200000; round++) {
		enum latchless_status status;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		/* Positions of every size, and some that could be right. */
		__atomic_store_n(&head, round % 3 == 0 ? tail - (seed >> 60) : seed >> (seed >> 58), __ATOMIC_RELAXED);
		status = latchless_feed_write(&feed, in, (seed >> 32) % (63 * 8 + 1));
		CHECK(status == LATCHLESS_STATUS_OK || status == LATCHLESS_STATUS_FULL ||
		      status == LATCHLESS_STATUS_CORRUPT);
		corrupt += status == LATCHLESS_STATUS_CORRUPT;
		written += status == LATCHLESS_STATUS_OK;
	}
	CHECK(corrupt > 1000 && written > 1000);
	for (round = 0; round < 8; round++)
		CHECK(memory.before[round] == 0x5a5a5a5a5a5a5a5a && memory.after[round] == 0x5a5a5a5a5a5a5a5a);
}

static void indices_and_blocks(void)
{
	uint32_t index, indices[300];
	uint8_t *block, *taken[64];

	CHECK(latchless_stack_256_init(&stack, 257) == LATCHLESS_STATUS_INVALID);
	OK(latchless_stack_256_init(&stack, 2));
	OK(latchless_stack_256_pop(&stack, &index));
	CHECK(index == 0 && latchless_stack_256_pop_many(&stack, indices, 300) == 1 && indices[0] == 1);
	CHECK(latchless_stack_256_pop(&stack, &index) == LATCHLESS_STATUS_EMPTY && latchless_stack_256_is_empty(&stack));
	CHECK(latchless_stack_256_push(&stack, 256) == LATCHLESS_STATUS_INVALID);
	indices[1] = 255;
	indices[2] = 256;
	CHECK(latchless_stack_256_push_many(&stack, indices, 3) == 2);
	OK(latchless_stack_256_pop(&stack, &index));
	CHECK(index == 255);
	OK(latchless_stack_4096_init(&large_stack, 4096));
	OK(latchless_stack_4096_pop(&large_stack, &index));
	CHECK(index == 0);

	CHECK(latchless_pool_256_init(&pool, blocks, 0, 1) == LATCHLESS_STATUS_INVALID);
	CHECK(latchless_pool_256_init(&pool, blocks, 1, 257) == LATCHLESS_STATUS_INVALID);
	OK(latchless_pool_256_init(&pool, blocks, BLOCK_BYTES, 64));
	block = latchless_pool_256_alloc(&pool);
	CHECK(block == blocks && latchless_pool_256_alloc_many(&pool, taken, 64) == 63);
	CHECK(latchless_pool_256_alloc(&pool) == NULL);
	CHECK(latchless_pool_256_free(&pool, block + 1) == LATCHLESS_STATUS_INVALID);
	CHECK(latchless_pool_256_free(&pool, blocks + sizeof(blocks)) == LATCHLESS_STATUS_INVALID);
	CHECK(latchless_pool_256_free(&pool, NULL) == LATCHLESS_STATUS_INVALID);
	OK(latchless_pool_256_free(&pool, block));
	CHECK(latchless_pool_256_free_many(&pool, taken, 63) == 63);
	OK(latchless_pool_4096_init(&large_pool, blocks, BLOCK_BYTES, 64));
	CHECK(latchless_pool_4096_alloc(&large_pool) == blocks);
}

static void word_rings(void)
{
	uint64_t values[300] = { 0 }, value;
	bool evicted;

	latchless_words_256_init(&words);
	CHECK(latchless_words_256_push_many(&words, values, 300) == 256 && latchless_words_256_len(&words) == 256);
	CHECK(latchless_words_256_push(&words, 1) == LATCHLESS_STATUS_FULL);
	OK(latchless_words_256_force_push(&words, 1, &value, &evicted));
	CHECK(evicted && value == 0 && latchless_words_256_pop_many(&words, values, 300) == 256 && values[255] == 1);
	CHECK(latchless_words_256_pop(&words, &value) == LATCHLESS_STATUS_EMPTY);
	OK(latchless_words_4096_push(&many_words, 1));
	CHECK(latchless_words_4096_close(&many_words) && !latchless_words_4096_close(&many_words));
	CHECK(latchless_words_4096_push(&many_words, 2) == LATCHLESS_STATUS_CLOSED);
	CHECK(latchless_words_4096_force_push(&many_words, 2, &value, &evicted) == LATCHLESS_STATUS_CLOSED && !evicted);
	CHECK(!latchless_words_4096_is_drained(&many_words));
	OK(latchless_words_4096_pop(&many_words, &value));
	CHECK(latchless_words_4096_is_drained(&many_words));

	CHECK(latchless_words_init(&any_words, places, 31) == LATCHLESS_STATUS_INVALID);
	CHECK(latchless_words_init(&any_words, places, 0) == LATCHLESS_STATUS_INVALID);
	OK(latchless_words_init(&any_words, places, 32));
	CHECK(latchless_words_push_many(&any_words, values, 300) == 32 && latchless_words_len(&any_words) == 32);
	CHECK(latchless_words_push(&any_words, 1) == LATCHLESS_STATUS_FULL);
	OK(latchless_words_force_push(&any_words, 3, &value, &evicted));
	CHECK(evicted && latchless_words_pop_many(&any_words, values, 300) == 32 && values[31] == 3);
	CHECK(latchless_words_pop(&any_words, &value) == LATCHLESS_STATUS_EMPTY);
	CHECK(latchless_words_close(&any_words) && latchless_words_is_drained(&any_words));
	OK(latchless_words_init(&any_words, places, 16));
}

/* Without an initialization: all of it is in static memory. */
static void nodes(void)
{
	struct latchless_transfer_chain letters = { { 0 } };
	struct latchless_treiber_chain idle = { { 0 } };
	size_t n;

	CHECK(latchless_transfer_is_empty(&mail) && latchless_treiber_is_empty(&spare));
	CHECK(latchless_transfer_push(&mail, &items[0].mail) && !latchless_transfer_push(&mail, &items[1].mail));
	latchless_transfer_chain_push_back(&letters, &items[3].mail);
	latchless_transfer_chain_push_front(&letters, &items[2].mail);
	CHECK(!latchless_transfer_push_chain(&mail, &letters) && latchless_transfer_chain_is_empty(&letters));
	CHECK(!latchless_transfer_push_chain(&mail, &letters));
	latchless_transfer_take_all(&mail, &letters);
	CHECK(latchless_transfer_is_empty(&mail) && latchless_transfer_chain_pop(&letters) == &items[2].mail);
	latchless_transfer_chain_reverse(&letters);
	CHECK(latchless_transfer_chain_pop(&letters) == &items[0].mail);
	CHECK(latchless_transfer_chain_pop(&letters) == &items[1].mail);
	CHECK(latchless_transfer_chain_pop(&letters) == &items[3].mail);
	CHECK(latchless_transfer_chain_pop(&letters) == NULL);

	CHECK(latchless_treiber_pop(&spare) == NULL);
	for (n = 0; n < ITEMS; n++)
		latchless_treiber_chain_push_back(&idle, &items[n].spare);
	latchless_treiber_push_chain(&spare, &idle);
	CHECK(latchless_treiber_chain_is_empty(&idle) && latchless_treiber_pop(&spare) == &items[0].spare);
	latchless_treiber_pop_many(&spare, 2, &idle);
	CHECK(latchless_treiber_chain_pop(&idle) == &items[1].spare);
	latchless_treiber_push(&spare, &items[1].spare);
	latchless_treiber_pop_all(&spare, &idle);
	latchless_treiber_chain_reverse(&idle);
	latchless_treiber_chain_push_front(&idle, &items[0].spare);
	latchless_treiber_chain_push_back(&idle, &items[2].spare);
	for (n = 0; latchless_treiber_chain_pop(&idle) != NULL; n++)
		;
	CHECK(n == ITEMS);
	latchless_treiber_chain_init(&idle);
	latchless_transfer_chain_init(&letters);
	latchless_treiber_init(&spare);
	latchless_transfer_init(&mail);
	for (n = 0; n < ITEMS; n++)
		latchless_treiber_push(&spare, &items[n].spare);
}

/* Takes an item, sends it, and gives back what others have sent: each item has one owner at a time. */
static void exchange(size_t me)
{
	struct latchless_treiber_link *idle = latchless_treiber_pop(&spare);
	struct latchless_transfer_chain letters;
	struct latchless_transfer_link *letter;

	if (idle != NULL) {
		struct item *item = ITEM(idle, spare);

		CHECK(item->owner == 0);
		item->owner = me + 1;
		latchless_transfer_push(&mail, &item->mail);
	}
	latchless_transfer_take_all(&mail, &letters);
	while ((letter = latchless_transfer_chain_pop(&letters)) != NULL) {
		struct item *item = ITEM(letter, mail);

		CHECK(item->owner != 0);
		item->owner = 0;
		latchless_treiber_push(&spare, &item->spare);
	}
}

static void *work(void *argument)
{
	size_t me = (size_t)argument, n;
	uint64_t value;

	for (n = 1; n <= PER_THREAD; n++) {
		uint8_t *block;

		latchless_counter_inc(&counter);
		if (latchless_words_256_push(&words, n) == LATCHLESS_STATUS_OK)
			sums[0][me] += n;
		if (latchless_words_256_pop(&words, &value) == LATCHLESS_STATUS_OK)
			sums[1][me] += value;
		if (latchless_words_push(&any_words, n) == LATCHLESS_STATUS_OK)
			sums[0][me] += n;
		if (latchless_words_pop(&any_words, &value) == LATCHLESS_STATUS_OK)
			sums[1][me] += value;
		exchange(me);
		block = latchless_pool_256_alloc(&pool);
		CHECK(block != NULL);
		memset(block, (int)me, BLOCK_BYTES);
		CHECK(block[0] == me && block[BLOCK_BYTES - 1] == me);
		OK(latchless_pool_256_free(&pool, block));
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread[THREADS];
	uint64_t pushed = 0, popped = 0, value;
	uint8_t *taken[65];
	size_t me;

	for (me = 0; me < THREADS; me++)
		CHECK(pthread_create(&thread[me], NULL, work, (void *)me) == 0);
	for (me = 0; me < THREADS; me++) {
		CHECK(pthread_join(thread[me], NULL) == 0);
		pushed += sums[0][me];
		popped += sums[1][me];
	}
	while (latchless_words_256_pop(&words, &value) == LATCHLESS_STATUS_OK)
		popped += value;
	while (latchless_words_pop(&any_words, &value) == LATCHLESS_STATUS_OK)
		popped += value;
	CHECK(pushed == popped && pushed > 0);
	CHECK(latchless_counter_get(&counter) == (uint64_t)THREADS * PER_THREAD);
	CHECK(latchless_pool_256_alloc_many(&pool, taken, 65) == 64);
	CHECK(latchless_transfer_is_empty(&mail));
	for (me = 0; latchless_treiber_pop(&spare) != NULL; me++)
		;
	CHECK(me == ITEMS);
}

int main(void)
{
	CHECK(latchless_cpu_is_supported());
	counters();
	spsc();
	byte_records();
	many_records();
	hostile_feed();
	indices_and_blocks();
	word_rings();
	nodes();
	threads();
	puts("every structure is as its header says");
	return 0;
}
