/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * latchless: lock-free structures for kernels, firmware and services on x86-64.
 *
 * Every structure is of a known size: put it where you like. Each pointer that is handed in is not
 * null, aligned as its type, and valid for what the call does. A structure is initialized before the
 * first other call, and no call runs during that. Context "any" means process, softirq, hardirq and
 * NMI, also when a call interrupts another one on the same structure at any instruction.
 *
 * Made by `cargo xtask capi --bless`; do not edit.
 */

#ifndef LATCHLESS_H
#define LATCHLESS_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#endif

#define LATCHLESS_ALIGNED(n) __attribute__((aligned(n)))
#define LATCHLESS_MUST_USE __attribute__((warn_unused_result))
#ifdef __cplusplus
#define LATCHLESS_STATIC_ASSERT static_assert
#else
#define LATCHLESS_STATIC_ASSERT _Static_assert
#endif

/**
 * The version of what the header declares. It changes when a structure or a function does.
 */
#define LATCHLESS_ABI 1

/**
 * How large a `struct latchless_counter` is, in bytes.
 */
#define LATCHLESS_COUNTER_SIZE 8

/**
 * How a `struct latchless_counter` is aligned, in bytes.
 */
#define LATCHLESS_COUNTER_ALIGN 8

/**
 * How large a `struct latchless_feed` is, in bytes.
 */
#define LATCHLESS_FEED_SIZE 64

/**
 * How a `struct latchless_feed` is aligned, in bytes.
 */
#define LATCHLESS_FEED_ALIGN 64

/**
 * How large a `struct latchless_feed_reader` is, in bytes.
 */
#define LATCHLESS_FEED_READER_SIZE 64

/**
 * How a `struct latchless_feed_reader` is aligned, in bytes.
 */
#define LATCHLESS_FEED_READER_ALIGN 64

/**
 * How large a `struct latchless_transfer_link` is, in bytes.
 */
#define LATCHLESS_TRANSFER_LINK_SIZE 8

/**
 * How a `struct latchless_transfer_link` is aligned, in bytes.
 */
#define LATCHLESS_TRANSFER_LINK_ALIGN 8

/**
 * How large a `struct latchless_transfer_chain` is, in bytes.
 */
#define LATCHLESS_TRANSFER_CHAIN_SIZE 16

/**
 * How a `struct latchless_transfer_chain` is aligned, in bytes.
 */
#define LATCHLESS_TRANSFER_CHAIN_ALIGN 8

/**
 * How large a `struct latchless_transfer` is, in bytes.
 */
#define LATCHLESS_TRANSFER_SIZE 128

/**
 * How a `struct latchless_transfer` is aligned, in bytes.
 */
#define LATCHLESS_TRANSFER_ALIGN 128

/**
 * How large a `struct latchless_treiber_link` is, in bytes.
 */
#define LATCHLESS_TREIBER_LINK_SIZE 8

/**
 * How a `struct latchless_treiber_link` is aligned, in bytes.
 */
#define LATCHLESS_TREIBER_LINK_ALIGN 8

/**
 * How large a `struct latchless_treiber_chain` is, in bytes.
 */
#define LATCHLESS_TREIBER_CHAIN_SIZE 16

/**
 * How a `struct latchless_treiber_chain` is aligned, in bytes.
 */
#define LATCHLESS_TREIBER_CHAIN_ALIGN 8

/**
 * How large a `struct latchless_treiber` is, in bytes.
 */
#define LATCHLESS_TREIBER_SIZE 128

/**
 * How a `struct latchless_treiber` is aligned, in bytes.
 */
#define LATCHLESS_TREIBER_ALIGN 128

/**
 * How large a `struct latchless_pool_256` is, in bytes.
 */
#define LATCHLESS_POOL_256_SIZE 1280

/**
 * How a `struct latchless_pool_256` is aligned, in bytes.
 */
#define LATCHLESS_POOL_256_ALIGN 128

/**
 * How large a `struct latchless_pool_4096` is, in bytes.
 */
#define LATCHLESS_POOL_4096_SIZE 16640

/**
 * How a `struct latchless_pool_4096` is aligned, in bytes.
 */
#define LATCHLESS_POOL_4096_ALIGN 128

/**
 * How large a `struct latchless_records` is, in bytes.
 */
#define LATCHLESS_RECORDS_SIZE 512

/**
 * How a `struct latchless_records` is aligned, in bytes.
 */
#define LATCHLESS_RECORDS_ALIGN 128

/**
 * How large a `struct latchless_records_writer` is, in bytes.
 */
#define LATCHLESS_RECORDS_WRITER_SIZE 64

/**
 * How a `struct latchless_records_writer` is aligned, in bytes.
 */
#define LATCHLESS_RECORDS_WRITER_ALIGN 64

/**
 * How large a `struct latchless_records_reader` is, in bytes.
 */
#define LATCHLESS_RECORDS_READER_SIZE 64

/**
 * How a `struct latchless_records_reader` is aligned, in bytes.
 */
#define LATCHLESS_RECORDS_READER_ALIGN 64

/**
 * How large a `struct latchless_spsc` is, in bytes.
 */
#define LATCHLESS_SPSC_SIZE 512

/**
 * How a `struct latchless_spsc` is aligned, in bytes.
 */
#define LATCHLESS_SPSC_ALIGN 128

/**
 * How large a `struct latchless_spsc_producer` is, in bytes.
 */
#define LATCHLESS_SPSC_PRODUCER_SIZE 64

/**
 * How a `struct latchless_spsc_producer` is aligned, in bytes.
 */
#define LATCHLESS_SPSC_PRODUCER_ALIGN 64

/**
 * How large a `struct latchless_spsc_consumer` is, in bytes.
 */
#define LATCHLESS_SPSC_CONSUMER_SIZE 64

/**
 * How a `struct latchless_spsc_consumer` is aligned, in bytes.
 */
#define LATCHLESS_SPSC_CONSUMER_ALIGN 64

/**
 * How large a `struct latchless_stack_256` is, in bytes.
 */
#define LATCHLESS_STACK_256_SIZE 1152

/**
 * How a `struct latchless_stack_256` is aligned, in bytes.
 */
#define LATCHLESS_STACK_256_ALIGN 128

/**
 * How large a `struct latchless_stack_4096` is, in bytes.
 */
#define LATCHLESS_STACK_4096_SIZE 16512

/**
 * How a `struct latchless_stack_4096` is aligned, in bytes.
 */
#define LATCHLESS_STACK_4096_ALIGN 128

/**
 * How large a `struct latchless_words` is, in bytes.
 */
#define LATCHLESS_WORDS_SIZE 384

/**
 * How a `struct latchless_words` is aligned, in bytes.
 */
#define LATCHLESS_WORDS_ALIGN 128

/**
 * How large a `struct latchless_words_place` is, in bytes.
 */
#define LATCHLESS_WORDS_PLACE_SIZE 16

/**
 * How a `struct latchless_words_place` is aligned, in bytes.
 */
#define LATCHLESS_WORDS_PLACE_ALIGN 16

/**
 * How large a `struct latchless_words_256` is, in bytes.
 */
#define LATCHLESS_WORDS_256_SIZE 4352

/**
 * How a `struct latchless_words_256` is aligned, in bytes.
 */
#define LATCHLESS_WORDS_256_ALIGN 128

/**
 * How large a `struct latchless_words_4096` is, in bytes.
 */
#define LATCHLESS_WORDS_4096_SIZE 65792

/**
 * How a `struct latchless_words_4096` is aligned, in bytes.
 */
#define LATCHLESS_WORDS_4096_ALIGN 128

/**
 * What came of a call. Zero is good.
 */
enum latchless_status {
        /**
         * Done.
         */
        LATCHLESS_STATUS_OK = 0,
        /**
         * There is no room.
         */
        LATCHLESS_STATUS_FULL = 1,
        /**
         * There is nothing.
         */
        LATCHLESS_STATUS_EMPTY = 2,
        /**
         * The ring was closed.
         */
        LATCHLESS_STATUS_CLOSED = 3,
        /**
         * Somebody else has this end of the ring.
         */
        LATCHLESS_STATUS_TAKEN = 4,
        /**
         * An argument is not what it may be; nothing was done.
         */
        LATCHLESS_STATUS_INVALID = 5,
        /**
         * The buffer is too small for what there is; nothing was taken.
         */
        LATCHLESS_STATUS_TOO_SMALL = 6,
        /**
         * The other side has written what it cannot have meant; see `latchless_feed`.
         */
        LATCHLESS_STATUS_CORRUPT = 7,
};

/**
 * A count of 64 bits that everybody may add to; it wraps. All bytes zero: a count of zero, no
 * initialization needed.
 */
struct LATCHLESS_ALIGNED(8) latchless_counter {
        uint8_t opaque[8];
};

/**
 * The end that writes records for a reader who is not trusted. It is not shared with him.
 */
struct LATCHLESS_ALIGNED(64) latchless_feed {
        uint8_t opaque[64];
};

/**
 * The end that reads what a `struct latchless_feed` writes. The writer is trusted.
 */
struct LATCHLESS_ALIGNED(64) latchless_feed_reader {
        uint8_t opaque[64];
};

/**
 * Nodes in a row, of one owner: what goes into a `struct latchless_transfer` or comes out of it
 * in one step. All bytes zero: no nodes. Move it; never copy it.
 */
struct LATCHLESS_ALIGNED(8) latchless_transfer_chain {
        uint8_t opaque[16];
};

/**
 * What makes a node of a structure: a member of it. Needs no initialization. A node that was taken out is the
 * caller's, who may free it.
 */
struct LATCHLESS_ALIGNED(8) latchless_transfer_link {
        uint8_t opaque[8];
};

/**
 * A stack of the caller's nodes that anybody pushes on and that is taken whole, as Linux's `llist`: deferred work,
 * messages. All bytes zero: an empty stack, no initialization needed.
 */
struct LATCHLESS_ALIGNED(128) latchless_transfer {
        uint8_t opaque[128];
};

/**
 * Nodes in a row, of one owner: what goes into a `struct latchless_treiber` or comes out of it
 * in one step. All bytes zero: no nodes. Move it; never copy it.
 */
struct LATCHLESS_ALIGNED(8) latchless_treiber_chain {
        uint8_t opaque[16];
};

/**
 * What makes a node of a structure: a member of it. Needs no initialization. Once it was in a stack it stays one:
 * its memory may be read, and nothing but these functions writes to it, as long as any such stack is used.
 */
struct LATCHLESS_ALIGNED(8) latchless_treiber_link {
        uint8_t opaque[8];
};

/**
 * A lock-free stack of the caller's nodes, which come out one by one, in batches, or all at once: free lists. All
 * bytes zero: an empty stack, no initialization needed.
 */
struct LATCHLESS_ALIGNED(128) latchless_treiber {
        uint8_t opaque[128];
};

/**
 * A lock-free pool of up to 256 blocks of one size, in memory of the caller's.
 */
struct LATCHLESS_ALIGNED(128) latchless_pool_256 {
        uint8_t opaque[1280];
};

/**
 * A lock-free pool of up to 4096 blocks of one size, in memory of the caller's.
 */
struct LATCHLESS_ALIGNED(128) latchless_pool_4096 {
        uint8_t opaque[16640];
};

/**
 * A ring of records, each of any number of bytes, between one writer and one reader.
 */
struct LATCHLESS_ALIGNED(128) latchless_records {
        uint8_t opaque[512];
};

/**
 * The end of a `struct latchless_records` that writes. Move it while nobody uses it; never copy it.
 */
struct LATCHLESS_ALIGNED(64) latchless_records_writer {
        uint8_t opaque[64];
};

/**
 * The end of a `struct latchless_records` that reads. Move it while nobody uses it; never copy it.
 */
struct LATCHLESS_ALIGNED(64) latchless_records_reader {
        uint8_t opaque[64];
};

/**
 * A ring of words (integers, or pointers) between one producer and one consumer.
 */
struct LATCHLESS_ALIGNED(128) latchless_spsc {
        uint8_t opaque[512];
};

/**
 * The end of a `struct latchless_spsc` that pushes. Move it while nobody uses it; never copy it.
 */
struct LATCHLESS_ALIGNED(64) latchless_spsc_producer {
        uint8_t opaque[64];
};

/**
 * The end of a `struct latchless_spsc` that pops. Move it while nobody uses it; never copy it.
 */
struct LATCHLESS_ALIGNED(64) latchless_spsc_consumer {
        uint8_t opaque[64];
};

/**
 * A lock-free stack of indices below 256: the free list of memory that you manage
 * yourself.
 */
struct LATCHLESS_ALIGNED(128) latchless_stack_256 {
        uint8_t opaque[1152];
};

/**
 * A lock-free stack of indices below 4096: the free list of memory that you manage
 * yourself.
 */
struct LATCHLESS_ALIGNED(128) latchless_stack_4096 {
        uint8_t opaque[16512];
};

/**
 * A strictly lock-free ring of words (integers, or pointers) between any number of producers and consumers, in
 * memory of the caller's.
 */
struct LATCHLESS_ALIGNED(128) latchless_words {
        uint8_t opaque[384];
};

/**
 * Room for one word of a `struct latchless_words`.
 */
struct LATCHLESS_ALIGNED(16) latchless_words_place {
        uint8_t opaque[16];
};

/**
 * A strictly lock-free ring of 256 words (integers, or pointers) between any
 * number of producers and consumers. All bytes zero: an empty ring, no initialization needed.
 */
struct LATCHLESS_ALIGNED(128) latchless_words_256 {
        uint8_t opaque[4352];
};

/**
 * A strictly lock-free ring of 4096 words (integers, or pointers) between any
 * number of producers and consumers. All bytes zero: an empty ring, no initialization needed.
 */
struct LATCHLESS_ALIGNED(128) latchless_words_4096 {
        uint8_t opaque[65792];
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Whether the CPU has what the structures take: `lock cmpxchg16b`, which every x86-64 CPU since 2006 has.
 * Ask once, before the first use of a `latchless_words_…`.
 *
 * Progress wait-free. Context any.
 */
LATCHLESS_MUST_USE
bool latchless_cpu_is_supported(void);

/**
 * Sets a counter that nobody else uses yet.
 *
 * Progress wait-free. Context any.
 */
void latchless_counter_init(struct latchless_counter *counter, uint64_t value);

/**
 * Adds one.
 *
 * Progress wait-free: one `lock inc`. Context any.
 */
void latchless_counter_inc(const struct latchless_counter *counter);

/**
 * Adds `n`.
 *
 * Progress wait-free: one `lock add`. Context any.
 */
void latchless_counter_add(const struct latchless_counter *counter, uint64_t n);

/**
 * Subtracts `n`.
 *
 * Progress wait-free: one `lock sub`. Context any.
 */
void latchless_counter_sub(const struct latchless_counter *counter, uint64_t n);

/**
 * Returns the count.
 *
 * Progress wait-free: one `mov`. Context any. Orders nothing.
 */
LATCHLESS_MUST_USE uint64_t latchless_counter_get(const struct latchless_counter *counter);

/**
 * Returns the count and sets it to zero, in one step.
 *
 * Progress wait-free: one `xchg`. Context any. Orders nothing.
 */
LATCHLESS_MUST_USE uint64_t latchless_counter_take(const struct latchless_counter *counter);

/**
 * Makes an empty feed with its records in `data`: `capacity` words, a power of two. `tail` is for both to read and
 * for this side to write, `head` for both to read and for the reader to write; both become 0. Keep them on cache
 * lines of their own, and what the reader may not write on pages that he may not write.
 *
 * Returns `INVALID` if `capacity` is no power of two.
 *
 * Progress wait-free. Context any; nobody else uses the feed yet.
 * `tail`, `head` and `data` last as long as the feed.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_feed_init(struct latchless_feed *feed,
                                          uint64_t *tail,
                                          uint64_t *head,
                                          uint64_t *data,
                                          size_t capacity);

/**
 * Appends a record: a copy of `bytes` bytes, which may be none.
 *
 * Returns `FULL` if there is no room now, `INVALID` if there never is, `CORRUPT` if the reader was to be asked
 * for room and said what he cannot mean. Nothing is written then; it may be tried again.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `bytes` bytes.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_feed_write(struct latchless_feed *feed,
                                           const uint8_t *data,
                                           size_t bytes);

/**
 * Appends the first few of `count` records, as many as there is room for, and shows them to the reader by one
 * store. Their bytes lie one after another at `data`, record n has `lengths[n]` of them. How many were appended goes
 * to `written`.
 *
 * Returns `OK` if all were; otherwise what `latchless_feed_write` says of the first that was not.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `lengths` is valid for `count` lengths, and `data` for the sum of them.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_feed_write_many(struct latchless_feed *feed,
                                                const uint8_t *data,
                                                const size_t *lengths,
                                                size_t count,
                                                size_t *written);

/**
 * Looks at what the reader says, without writing anything.
 *
 * Returns `CORRUPT` if he cannot mean it.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE enum latchless_status latchless_feed_check(struct latchless_feed *feed);

/**
 * Makes the end that reads, where the reader before it has left off. The arguments are as for the writer; `tail`
 * and `data` may lie in memory that can only be read.
 *
 * Returns `INVALID` if `capacity` is no power of two.
 *
 * Progress wait-free. Context any; there is one reader at a time.
 * `tail`, `head` and `data` last as long as the reader.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_feed_reader_init(struct latchless_feed_reader *reader,
                                                 const uint64_t *tail,
                                                 uint64_t *head,
                                                 const uint64_t *data,
                                                 size_t capacity);

/**
 * Takes the oldest record out, to `data`, and its length to `bytes`.
 *
 * Returns `EMPTY` if there is none; `TOO_SMALL` if it has more than `capacity` bytes: it stays, and `bytes` says
 * how many; `CORRUPT` if what is there is no record.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `capacity` bytes.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_feed_read(struct latchless_feed_reader *reader,
                                          uint8_t *data,
                                          size_t capacity,
                                          size_t *bytes);

/**
 * Takes up to `count` records out, as long as the next one fits, to `data` one after another, and their lengths to
 * `lengths`; gives their room back by one store. Returns how many. `latchless_feed_read` says why there are none.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `capacity` bytes, and `lengths` for `count` lengths.
 */
LATCHLESS_MUST_USE
size_t latchless_feed_read_many(struct latchless_feed_reader *reader,
                                uint8_t *data,
                                size_t capacity,
                                size_t *lengths,
                                size_t count);

/**
 * Makes a chain without nodes. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
void latchless_transfer_chain_init(struct latchless_transfer_chain *chain);

/**
 * Puts a node before the others.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 * the node is the caller's.
 */
void latchless_transfer_chain_push_front(struct latchless_transfer_chain *chain,
                                         struct latchless_transfer_link *node);

/**
 * Puts a node behind the others. Of a chain that came out of a stack whole the first call walks all of it.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 * the node is the caller's.
 */
void latchless_transfer_chain_push_back(struct latchless_transfer_chain *chain,
                                        struct latchless_transfer_link *node);

/**
 * Takes the first node out; null if there is none.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
LATCHLESS_MUST_USE
struct latchless_transfer_link *latchless_transfer_chain_pop(struct latchless_transfer_chain *chain);

/**
 * Turns the chain around: what a stack gave newest first becomes oldest first.
 *
 * Progress wait-free, O(nodes). Context any; the chain is the caller's.
 */
void latchless_transfer_chain_reverse(struct latchless_transfer_chain *chain);

/**
 * Returns whether there are no nodes.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
LATCHLESS_MUST_USE
bool latchless_transfer_chain_is_empty(const struct latchless_transfer_chain *chain);

/**
 * Makes an empty stack. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; nobody else uses the stack yet.
 */
void latchless_transfer_init(struct latchless_transfer *stack);

/**
 * Returns whether the stack was empty at some moment during the call.
 *
 * Progress wait-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_transfer_is_empty(const struct latchless_transfer *stack);

/**
 * Puts a node on top. Returns whether the stack was empty: who takes from it may have to be woken. What happened
 * before happens before what follows the taking of the node.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 * the node is the caller's, and stays where it is until it was taken.
 */
bool latchless_transfer_push(const struct latchless_transfer *stack,
                             struct latchless_transfer_link *node);

/**
 * Puts the nodes of a chain on top, the first of them uppermost, in one step, and leaves the chain empty. Returns
 * whether the stack was empty and is no longer.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any; the chain is the caller's.
 * the nodes stay where they are until they were taken.
 */
bool latchless_transfer_push_chain(const struct latchless_transfer *stack,
                                   struct latchless_transfer_chain *chain);

/**
 * Takes all nodes, to `chain`, the newest first. What was in the chain is forgotten.
 *
 * Progress wait-free: one `xchg`. Context any.
 */
void latchless_transfer_take_all(const struct latchless_transfer *stack,
                                 struct latchless_transfer_chain *chain);

/**
 * Makes a chain without nodes. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
void latchless_treiber_chain_init(struct latchless_treiber_chain *chain);

/**
 * Puts a node before the others.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 * the node is the caller's.
 */
void latchless_treiber_chain_push_front(struct latchless_treiber_chain *chain,
                                        struct latchless_treiber_link *node);

/**
 * Puts a node behind the others. Of a chain that came out of a stack whole the first call walks all of it.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 * the node is the caller's.
 */
void latchless_treiber_chain_push_back(struct latchless_treiber_chain *chain,
                                       struct latchless_treiber_link *node);

/**
 * Takes the first node out; null if there is none.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
LATCHLESS_MUST_USE
struct latchless_treiber_link *latchless_treiber_chain_pop(struct latchless_treiber_chain *chain);

/**
 * Turns the chain around: what a stack gave newest first becomes oldest first.
 *
 * Progress wait-free, O(nodes). Context any; the chain is the caller's.
 */
void latchless_treiber_chain_reverse(struct latchless_treiber_chain *chain);

/**
 * Returns whether there are no nodes.
 *
 * Progress wait-free. Context any; the chain is the caller's.
 */
LATCHLESS_MUST_USE
bool latchless_treiber_chain_is_empty(const struct latchless_treiber_chain *chain);

/**
 * Makes an empty stack. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; nobody else uses the stack yet.
 */
void latchless_treiber_init(struct latchless_treiber *stack);

/**
 * Returns whether the stack was empty at some moment during the call.
 *
 * Progress wait-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_treiber_is_empty(const struct latchless_treiber *stack);

/**
 * Puts a node on top. What happened before happens before what follows the pop of it.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 * the node is the caller's.
 */
void latchless_treiber_push(const struct latchless_treiber *stack,
                            struct latchless_treiber_link *node);

/**
 * Puts the nodes of a chain on top, the first of them uppermost, in one step, and leaves the chain empty.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any; the chain is the caller's.
 */
void latchless_treiber_push_chain(const struct latchless_treiber *stack,
                                  struct latchless_treiber_chain *chain);

/**
 * Takes the node on top; null if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
struct latchless_treiber_link *latchless_treiber_pop(const struct latchless_treiber *stack);

/**
 * Takes up to `count` nodes from the top, in one step, to `chain`. What was in the chain is forgotten.
 *
 * Progress lock-free: one `lock cmpxchg16b`, O(count). Context any.
 */
void latchless_treiber_pop_many(const struct latchless_treiber *stack,
                                size_t count,
                                struct latchless_treiber_chain *chain);

/**
 * Takes all nodes, in one step, to `chain`, the uppermost first. What was in the chain is forgotten.
 *
 * Progress lock-free. Context any.
 */
void latchless_treiber_pop_all(const struct latchless_treiber *stack,
                               struct latchless_treiber_chain *chain);

/**
 * Makes a pool of `count` blocks of `block_bytes` bytes each in `memory`, all free. The blocks are as
 * aligned as `memory` is and their size allows.
 *
 * Returns `INVALID` if there are no or too many blocks, or of no bytes.
 *
 * Progress wait-free. Context any; nobody else uses the pool yet.
 * `memory` is valid for `count * block_bytes` bytes as long as the pool is used.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_pool_256_init(struct latchless_pool_256 *pool,
                                              uint8_t *memory,
                                              size_t block_bytes,
                                              size_t count);

/**
 * Takes a free block, the one that was freed last; null if there is none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE uint8_t *latchless_pool_256_alloc(const struct latchless_pool_256 *pool);

/**
 * Takes up to `count` free blocks, to `blocks`. Returns how many.
 *
 * Progress lock-free for each. Context any.
 * `blocks` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_pool_256_alloc_many(const struct latchless_pool_256 *pool,
                                     uint8_t **blocks,
                                     size_t count);

/**
 * Gives a block back, once.
 *
 * Returns `INVALID` if it is not the start of a block of this pool.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any, also another than that which took it.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_pool_256_free(const struct latchless_pool_256 *pool,
                                              const uint8_t *block);

/**
 * Gives blocks back, the last of them to be taken first. Returns how many: fewer if one is none of this
 * pool's.
 *
 * Progress lock-free for each. Context any, also another than that which took them.
 * `blocks` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_pool_256_free_many(const struct latchless_pool_256 *pool,
                                    uint8_t *const *blocks,
                                    size_t count);

/**
 * Makes a pool of `count` blocks of `block_bytes` bytes each in `memory`, all free. The blocks are as
 * aligned as `memory` is and their size allows.
 *
 * Returns `INVALID` if there are no or too many blocks, or of no bytes.
 *
 * Progress wait-free. Context any; nobody else uses the pool yet.
 * `memory` is valid for `count * block_bytes` bytes as long as the pool is used.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_pool_4096_init(struct latchless_pool_4096 *pool,
                                               uint8_t *memory,
                                               size_t block_bytes,
                                               size_t count);

/**
 * Takes a free block, the one that was freed last; null if there is none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE uint8_t *latchless_pool_4096_alloc(const struct latchless_pool_4096 *pool);

/**
 * Takes up to `count` free blocks, to `blocks`. Returns how many.
 *
 * Progress lock-free for each. Context any.
 * `blocks` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_pool_4096_alloc_many(const struct latchless_pool_4096 *pool,
                                      uint8_t **blocks,
                                      size_t count);

/**
 * Gives a block back, once.
 *
 * Returns `INVALID` if it is not the start of a block of this pool.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any, also another than that which took it.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_pool_4096_free(const struct latchless_pool_4096 *pool,
                                               const uint8_t *block);

/**
 * Gives blocks back, the last of them to be taken first. Returns how many: fewer if one is none of this
 * pool's.
 *
 * Progress lock-free for each. Context any, also another than that which took them.
 * `blocks` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_pool_4096_free_many(const struct latchless_pool_4096 *pool,
                                     uint8_t *const *blocks,
                                     size_t count);

/**
 * Makes an empty ring that keeps its records in `memory`: `capacity` words, a power of two. A record takes 8
 * bytes beside its own, rounded up to 8.
 *
 * Returns `INVALID` if `capacity` is no power of two.
 *
 * Progress wait-free. Context any; nobody else uses the ring yet.
 * `memory` lasts as long as the ring, and nobody else uses it.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_records_init(struct latchless_records *ring,
                                             uint64_t *memory,
                                             size_t capacity);

/**
 * Takes the end that writes.
 *
 * Returns `TAKEN` if somebody has it.
 *
 * Progress wait-free. Context any.
 * the ring lasts until the end is released.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_records_take_writer(const struct latchless_records *ring,
                                                    struct latchless_records_writer *writer);

/**
 * Takes the end that reads.
 *
 * Returns `TAKEN` if somebody has it.
 *
 * Progress wait-free. Context any.
 * the ring lasts until the end is released.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_records_take_reader(const struct latchless_records *ring,
                                                    struct latchless_records_reader *reader);

/**
 * Gives the end back, for others to take. What was written stays in the ring.
 *
 * Progress wait-free. Context any; by whoever has the end, and once.
 */
void latchless_records_release_writer(struct latchless_records_writer *writer);

/**
 * Gives the end back, for others to take. What is in the ring stays there.
 *
 * Progress wait-free. Context any; by whoever has the end, and once.
 */
void latchless_records_release_reader(struct latchless_records_reader *reader);

/**
 * Appends a record: a copy of `bytes` bytes, which may be none.
 *
 * Returns `FULL` if there is no room now, `INVALID` if there never is.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `bytes` bytes.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_records_write(struct latchless_records_writer *writer,
                                              const uint8_t *data,
                                              size_t bytes);

/**
 * Appends the first few of `count` records, as many as there is room for, and shows them to the reader by one
 * store. Their bytes lie one after another at `data`, record n has `lengths[n]` of them. Returns how many.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `lengths` is valid for `count` lengths, and `data` for the sum of them.
 */
LATCHLESS_MUST_USE
size_t latchless_records_write_many(struct latchless_records_writer *writer,
                                    const uint8_t *data,
                                    const size_t *lengths,
                                    size_t count);

/**
 * Takes the oldest record out, to `data`, and its length to `bytes`.
 *
 * Returns `EMPTY` if there is none; `TOO_SMALL` if it has more than `capacity` bytes: it stays, and `bytes` says
 * how many.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `capacity` bytes.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_records_read(struct latchless_records_reader *reader,
                                             uint8_t *data,
                                             size_t capacity,
                                             size_t *bytes);

/**
 * Takes up to `count` records out, as long as the next one fits, to `data` one after another, and their lengths to
 * `lengths`; gives their room back by one store. Returns how many. `latchless_records_read` says why there are none.
 *
 * Progress wait-free, O(bytes). Context any; one call at a time on one end.
 * `data` is valid for `capacity` bytes, and `lengths` for `count` lengths.
 */
LATCHLESS_MUST_USE
size_t latchless_records_read_many(struct latchless_records_reader *reader,
                                   uint8_t *data,
                                   size_t capacity,
                                   size_t *lengths,
                                   size_t count);

/**
 * Returns whether a record can be read now.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE
bool latchless_records_are_pending(const struct latchless_records_reader *reader);

/**
 * Makes an empty ring that keeps its words in `memory`: `capacity` of them, a power of two. For speed let
 * it start on a cache line.
 *
 * Returns `INVALID` if `capacity` is no power of two.
 *
 * Progress wait-free. Context any; nobody else uses the ring yet.
 * `memory` lasts as long as the ring, and nobody else uses it.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_spsc_init(struct latchless_spsc *ring,
                                          uint64_t *memory,
                                          size_t capacity);

/**
 * Takes the end that pushes.
 *
 * Returns `TAKEN` if somebody has it.
 *
 * Progress wait-free. Context any.
 * the ring lasts until the end is released.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_spsc_take_producer(const struct latchless_spsc *ring,
                                                   struct latchless_spsc_producer *producer);

/**
 * Takes the end that pops.
 *
 * Returns `TAKEN` if somebody has it.
 *
 * Progress wait-free. Context any.
 * the ring lasts until the end is released.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_spsc_take_consumer(const struct latchless_spsc *ring,
                                                   struct latchless_spsc_consumer *consumer);

/**
 * Gives the end back, for others to take. What was pushed stays in the ring.
 *
 * Progress wait-free. Context any; by whoever has the end, and once.
 */
void latchless_spsc_release_producer(struct latchless_spsc_producer *producer);

/**
 * Gives the end back, for others to take. What is in the ring stays there.
 *
 * Progress wait-free. Context any; by whoever has the end, and once.
 */
void latchless_spsc_release_consumer(struct latchless_spsc_consumer *consumer);

/**
 * Appends `value`. What happened before happens before what follows the pop of it.
 *
 * Returns `FULL` if there is no room.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_spsc_push(struct latchless_spsc_producer *producer,
                                          uint64_t value);

/**
 * Appends the first few of `values`, as many as there is room for, and shows them to the consumer by one
 * store. Returns how many.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_spsc_push_many(struct latchless_spsc_producer *producer,
                                const uint64_t *values,
                                size_t count);

/**
 * Returns how many pushes will succeed for certain.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE size_t latchless_spsc_room(const struct latchless_spsc_producer *producer);

/**
 * Takes the oldest word out, to `value`.
 *
 * Returns `EMPTY` if there is none.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_spsc_pop(struct latchless_spsc_consumer *consumer,
                                         uint64_t *value);

/**
 * Takes up to `count` words out, to `values`, and gives their room back by one store. Returns how many.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_spsc_pop_many(struct latchless_spsc_consumer *consumer,
                               uint64_t *values,
                               size_t count);

/**
 * Returns how many pops will succeed for certain.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE size_t latchless_spsc_pending(const struct latchless_spsc_consumer *consumer);

/**
 * Whether nobody has the end that pushes. What was pushed is there still.
 *
 * Progress wait-free. Context any; one call at a time on one end.
 */
LATCHLESS_MUST_USE bool latchless_spsc_is_abandoned(const struct latchless_spsc_consumer *consumer);

/**
 * Makes a stack of all indices below `count`, 0 on top; of none if `count` is 0.
 *
 * Returns `INVALID` if the stack has no room for them.
 *
 * Progress wait-free. Context any; nobody else uses the stack yet.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_256_init(struct latchless_stack_256 *stack,
                                               size_t count);

/**
 * Puts `index` on top, which must not be in the stack: nothing outside of the stack breaks if it is, but
 * indices may be lost or come out twice.
 *
 * Returns `INVALID` if `index` is not below the capacity.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_256_push(const struct latchless_stack_256 *stack,
                                               uint32_t index);

/**
 * Puts `indices` on top, the last of them topmost. Returns how many: fewer if one is not below
 * the capacity.
 *
 * Progress lock-free for each. Context any.
 * `indices` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_stack_256_push_many(const struct latchless_stack_256 *stack,
                                     const uint32_t *indices,
                                     size_t count);

/**
 * Takes the index on top, to `index`.
 *
 * Returns `EMPTY` if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_256_pop(const struct latchless_stack_256 *stack,
                                              uint32_t *index);

/**
 * Takes up to `count` indices, to `indices`. Returns how many.
 *
 * Progress lock-free for each. Context any.
 * `indices` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_stack_256_pop_many(const struct latchless_stack_256 *stack,
                                    uint32_t *indices,
                                    size_t count);

/**
 * Returns whether the stack was empty at some moment during the call.
 *
 * Progress wait-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_stack_256_is_empty(const struct latchless_stack_256 *stack);

/**
 * Makes a stack of all indices below `count`, 0 on top; of none if `count` is 0.
 *
 * Returns `INVALID` if the stack has no room for them.
 *
 * Progress wait-free. Context any; nobody else uses the stack yet.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_4096_init(struct latchless_stack_4096 *stack,
                                                size_t count);

/**
 * Puts `index` on top, which must not be in the stack: nothing outside of the stack breaks if it is, but
 * indices may be lost or come out twice.
 *
 * Returns `INVALID` if `index` is not below the capacity.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_4096_push(const struct latchless_stack_4096 *stack,
                                                uint32_t index);

/**
 * Puts `indices` on top, the last of them topmost. Returns how many: fewer if one is not below
 * the capacity.
 *
 * Progress lock-free for each. Context any.
 * `indices` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_stack_4096_push_many(const struct latchless_stack_4096 *stack,
                                      const uint32_t *indices,
                                      size_t count);

/**
 * Takes the index on top, to `index`.
 *
 * Returns `EMPTY` if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_stack_4096_pop(const struct latchless_stack_4096 *stack,
                                               uint32_t *index);

/**
 * Takes up to `count` indices, to `indices`. Returns how many.
 *
 * Progress lock-free for each. Context any.
 * `indices` is valid for `count` of them.
 */
LATCHLESS_MUST_USE
size_t latchless_stack_4096_pop_many(const struct latchless_stack_4096 *stack,
                                     uint32_t *indices,
                                     size_t count);

/**
 * Returns whether the stack was empty at some moment during the call.
 *
 * Progress wait-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_stack_4096_is_empty(const struct latchless_stack_4096 *stack);

/**
 * Makes an empty ring with its words in `memory`: `capacity` of them, a power of two, at most 2^31. For speed let
 * it start on a cache line.
 *
 * Returns `INVALID` if `capacity` is none of these.
 *
 * Progress wait-free, O(capacity). Context any; nobody else uses the ring yet.
 * `memory` lasts as long as the ring, and nobody else uses it.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_init(struct latchless_words *ring,
                                           struct latchless_words_place *memory,
                                           size_t capacity);

/**
 * Appends `value`. What happened before happens before what follows the pop of it.
 *
 * Returns `FULL` if at some moment during the call there was no room, `CLOSED` once the ring is
 * closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_push(const struct latchless_words *ring,
                                           uint64_t value);

/**
 * Appends the first few of `values`, as many as there is room for. Returns how many. Words of others
 * may come to lie between them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_push_many(const struct latchless_words *ring,
                                 const uint64_t *values,
                                 size_t count);

/**
 * Appends `value`; if there is no room, in exchange for the oldest word, which goes to `evicted`, and
 * `*has_evicted` says whether there was one.
 *
 * Returns `CLOSED` once the ring is closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_force_push(const struct latchless_words *ring,
                                                 uint64_t value,
                                                 uint64_t *evicted,
                                                 bool *has_evicted);

/**
 * Takes the oldest word out, to `value`.
 *
 * Returns `EMPTY` if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_pop(const struct latchless_words *ring,
                                          uint64_t *value);

/**
 * Takes up to `count` words out, to `values`. Returns how many. Others may have taken some from between
 * them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_pop_many(const struct latchless_words *ring,
                                uint64_t *values,
                                size_t count);

/**
 * Refuses all pushes from now on. Returns whether the ring was open until now.
 *
 * Progress lock-free. Context any.
 */
bool latchless_words_close(const struct latchless_words *ring);

/**
 * Whether the ring is closed and every word was taken: there will never be one again.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_words_is_drained(const struct latchless_words *ring);

/**
 * Estimates how many words are in the ring: exact while no call is under way.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE size_t latchless_words_len(const struct latchless_words *ring);

/**
 * Makes an empty ring. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; nobody else uses the ring yet.
 */
void latchless_words_256_init(struct latchless_words_256 *ring);

/**
 * Appends `value`. What happened before happens before what follows the pop of it.
 *
 * Returns `FULL` if at some moment during the call there was no room, `CLOSED` once the ring is
 * closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_256_push(const struct latchless_words_256 *ring,
                                               uint64_t value);

/**
 * Appends the first few of `values`, as many as there is room for. Returns how many. Words of others
 * may come to lie between them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_256_push_many(const struct latchless_words_256 *ring,
                                     const uint64_t *values,
                                     size_t count);

/**
 * Appends `value`; if there is no room, in exchange for the oldest word, which goes to `evicted`, and
 * `*has_evicted` says whether there was one.
 *
 * Returns `CLOSED` once the ring is closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_256_force_push(const struct latchless_words_256 *ring,
                                                     uint64_t value,
                                                     uint64_t *evicted,
                                                     bool *has_evicted);

/**
 * Takes the oldest word out, to `value`.
 *
 * Returns `EMPTY` if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_256_pop(const struct latchless_words_256 *ring,
                                              uint64_t *value);

/**
 * Takes up to `count` words out, to `values`. Returns how many. Others may have taken some from between
 * them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_256_pop_many(const struct latchless_words_256 *ring,
                                    uint64_t *values,
                                    size_t count);

/**
 * Refuses all pushes from now on. Returns whether the ring was open until now.
 *
 * Progress lock-free. Context any.
 */
bool latchless_words_256_close(const struct latchless_words_256 *ring);

/**
 * Whether the ring is closed and every word was taken: there will never be one again.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_words_256_is_drained(const struct latchless_words_256 *ring);

/**
 * Estimates how many words are in the ring: exact while no call is under way.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE size_t latchless_words_256_len(const struct latchless_words_256 *ring);

/**
 * Makes an empty ring. Memory that is all zeros holds one already.
 *
 * Progress wait-free. Context any; nobody else uses the ring yet.
 */
void latchless_words_4096_init(struct latchless_words_4096 *ring);

/**
 * Appends `value`. What happened before happens before what follows the pop of it.
 *
 * Returns `FULL` if at some moment during the call there was no room, `CLOSED` once the ring is
 * closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_4096_push(const struct latchless_words_4096 *ring,
                                                uint64_t value);

/**
 * Appends the first few of `values`, as many as there is room for. Returns how many. Words of others
 * may come to lie between them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_4096_push_many(const struct latchless_words_4096 *ring,
                                      const uint64_t *values,
                                      size_t count);

/**
 * Appends `value`; if there is no room, in exchange for the oldest word, which goes to `evicted`, and
 * `*has_evicted` says whether there was one.
 *
 * Returns `CLOSED` once the ring is closed.
 *
 * Progress lock-free: one `lock cmpxchg16b`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_4096_force_push(const struct latchless_words_4096 *ring,
                                                      uint64_t value,
                                                      uint64_t *evicted,
                                                      bool *has_evicted);

/**
 * Takes the oldest word out, to `value`.
 *
 * Returns `EMPTY` if at some moment during the call there was none.
 *
 * Progress lock-free: one `lock cmpxchg`. Context any.
 */
LATCHLESS_MUST_USE
enum latchless_status latchless_words_4096_pop(const struct latchless_words_4096 *ring,
                                               uint64_t *value);

/**
 * Takes up to `count` words out, to `values`. Returns how many. Others may have taken some from between
 * them.
 *
 * Progress lock-free for each. Context any.
 * `values` is valid for `count` words.
 */
LATCHLESS_MUST_USE
size_t latchless_words_4096_pop_many(const struct latchless_words_4096 *ring,
                                     uint64_t *values,
                                     size_t count);

/**
 * Refuses all pushes from now on. Returns whether the ring was open until now.
 *
 * Progress lock-free. Context any.
 */
bool latchless_words_4096_close(const struct latchless_words_4096 *ring);

/**
 * Whether the ring is closed and every word was taken: there will never be one again.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE bool latchless_words_4096_is_drained(const struct latchless_words_4096 *ring);

/**
 * Estimates how many words are in the ring: exact while no call is under way.
 *
 * Progress lock-free. Context any.
 */
LATCHLESS_MUST_USE size_t latchless_words_4096_len(const struct latchless_words_4096 *ring);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_counter) == LATCHLESS_COUNTER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_counter) == LATCHLESS_COUNTER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_feed) == LATCHLESS_FEED_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_feed) == LATCHLESS_FEED_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_feed_reader) == LATCHLESS_FEED_READER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_feed_reader) == LATCHLESS_FEED_READER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_transfer_link) == LATCHLESS_TRANSFER_LINK_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_transfer_link) == LATCHLESS_TRANSFER_LINK_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_transfer_chain) == LATCHLESS_TRANSFER_CHAIN_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_transfer_chain) == LATCHLESS_TRANSFER_CHAIN_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_transfer) == LATCHLESS_TRANSFER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_transfer) == LATCHLESS_TRANSFER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_treiber_link) == LATCHLESS_TREIBER_LINK_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_treiber_link) == LATCHLESS_TREIBER_LINK_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_treiber_chain) == LATCHLESS_TREIBER_CHAIN_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_treiber_chain) == LATCHLESS_TREIBER_CHAIN_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_treiber) == LATCHLESS_TREIBER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_treiber) == LATCHLESS_TREIBER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_pool_256) == LATCHLESS_POOL_256_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_pool_256) == LATCHLESS_POOL_256_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_pool_4096) == LATCHLESS_POOL_4096_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_pool_4096) == LATCHLESS_POOL_4096_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_records) == LATCHLESS_RECORDS_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_records) == LATCHLESS_RECORDS_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_records_writer) == LATCHLESS_RECORDS_WRITER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_records_writer) == LATCHLESS_RECORDS_WRITER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_records_reader) == LATCHLESS_RECORDS_READER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_records_reader) == LATCHLESS_RECORDS_READER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_spsc) == LATCHLESS_SPSC_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_spsc) == LATCHLESS_SPSC_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_spsc_producer) == LATCHLESS_SPSC_PRODUCER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_spsc_producer) == LATCHLESS_SPSC_PRODUCER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_spsc_consumer) == LATCHLESS_SPSC_CONSUMER_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_spsc_consumer) == LATCHLESS_SPSC_CONSUMER_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_stack_256) == LATCHLESS_STACK_256_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_stack_256) == LATCHLESS_STACK_256_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_stack_4096) == LATCHLESS_STACK_4096_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_stack_4096) == LATCHLESS_STACK_4096_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_words) == LATCHLESS_WORDS_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_words) == LATCHLESS_WORDS_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_words_place) == LATCHLESS_WORDS_PLACE_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_words_place) == LATCHLESS_WORDS_PLACE_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_words_256) == LATCHLESS_WORDS_256_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_words_256) == LATCHLESS_WORDS_256_ALIGN, "built otherwise");
LATCHLESS_STATIC_ASSERT(sizeof(struct latchless_words_4096) == LATCHLESS_WORDS_4096_SIZE, "built otherwise");
LATCHLESS_STATIC_ASSERT(__alignof__(struct latchless_words_4096) == LATCHLESS_WORDS_4096_ALIGN, "built otherwise");

#endif  /* LATCHLESS_H */
