// SPDX-License-Identifier: GPL-2.0
/*
 * Every structure of latchless at once: on each CPU a thread, a softirq and a hard interrupt work on the same
 * counter, ring of words, stack of indices and pool, and the interrupt feeds the thread through a ring of its own.
 * /proc/latchless shows how it goes; at the end every sum has to be exact.
 */
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#include "demo.h"
#include "latchless.h"

#define INDICES 64
#define BLOCKS 64
#define BLOCK_BYTES 96
#define RING_WORDS 256
#define MANY 16

static unsigned int period_us = 200;
module_param(period_us, uint, 0444);
MODULE_PARM_DESC(period_us, "microseconds between two interrupts of a CPU");

static unsigned int batch = 32;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "how often a thread calls everything before it sleeps");

static ktime_t period(void)
{
	return ns_to_ktime((u64)period_us * NSEC_PER_USEC);
}

enum context { PROCESS, SOFTIRQ, HARDIRQ, CONTEXTS };

/* What one context of one CPU has done; nobody else writes it. */
struct tally {
	u64 calls, pushed, pushed_sum, full, popped, popped_sum, broken;
};

struct load {
	struct latchless_spsc ring;
	struct latchless_spsc_producer from_interrupt;
	struct latchless_spsc_consumer to_thread;
	u64 ring_memory[RING_WORDS];
	struct tally tally[CONTEXTS];
	u64 ring_in, ring_out;
	struct hrtimer hard, soft;
	struct task_struct *thread;
};

static struct latchless_counter calls;
static struct latchless_words_256 words;
static struct latchless_stack_256 indices;
static struct latchless_pool_256 pool;
static atomic_t owners[INDICES];
static u8 blocks[BLOCKS * BLOCK_BYTES] __aligned(64);
static struct load *loads;

/* Calls everything once. */
static void work(struct load *load, enum context context)
{
	struct tally *tally = &load->tally[context];
	u64 value = ++tally->calls;
	u32 index;
	u8 *block;

	latchless_counter_inc(&calls);
	if (latchless_words_256_push(&words, value) == LATCHLESS_STATUS_OK) {
		tally->pushed++;
		tally->pushed_sum += value;
	} else {
		tally->full++;
	}
	if (latchless_stack_256_pop(&indices, &index) == LATCHLESS_STATUS_OK) {
		tally->broken += index >= INDICES || atomic_inc_return(&owners[index]) != 1;
		atomic_dec(&owners[index % INDICES]);
		tally->broken += latchless_stack_256_push(&indices, index) != LATCHLESS_STATUS_OK;
	}
	block = latchless_pool_256_alloc(&pool);
	if (block) {
		memset(block, (u8)value, BLOCK_BYTES);
		tally->broken += block[0] != (u8)value || block[BLOCK_BYTES - 1] != (u8)value;
		tally->broken += latchless_pool_256_free(&pool, block) != LATCHLESS_STATUS_OK;
	}
}

static void take(struct tally *tally)
{
	u64 values[MANY];
	size_t n, count = latchless_words_256_pop_many(&words, values, MANY);

	for (n = 0; n < count; n++)
		tally->popped_sum += values[n];
	tally->popped += count;
}

static enum hrtimer_restart hard_interrupt(struct hrtimer *timer)
{
	struct load *load = container_of(timer, struct load, hard);

	work(load, HARDIRQ);
	if (latchless_spsc_push(&load->from_interrupt, load->tally[HARDIRQ].calls) == LATCHLESS_STATUS_OK)
		load->ring_in += load->tally[HARDIRQ].calls;
	hrtimer_forward_now(timer, period());
	return HRTIMER_RESTART;
}

static enum hrtimer_restart soft_interrupt(struct hrtimer *timer)
{
	struct load *load = container_of(timer, struct load, soft);

	work(load, SOFTIRQ);
	take(&load->tally[SOFTIRQ]);
	hrtimer_forward_now(timer, period());
	return HRTIMER_RESTART;
}

static int thread(void *data)
{
	struct load *load = data;
	u64 values[MANY];
	size_t n, count;
	unsigned int turn;

	/* Bound to its CPU, so the timers are. */
	hrtimer_start(&load->hard, period(), HRTIMER_MODE_REL_PINNED_HARD);
	hrtimer_start(&load->soft, period(), HRTIMER_MODE_REL_PINNED_SOFT);
	while (!kthread_should_stop()) {
		for (turn = 0; turn < batch; turn++) {
			work(load, PROCESS);
			take(&load->tally[PROCESS]);
		}
		count = latchless_spsc_pop_many(&load->to_thread, values, MANY);
		for (n = 0; n < count; n++)
			load->ring_out += values[n];
		usleep_range(20, 100);
	}
	hrtimer_cancel(&load->hard);
	hrtimer_cancel(&load->soft);
	return 0;
}

static int show(struct seq_file *file, void *unused)
{
	static const char * const names[] = { "process", "softirq", "hardirq" };
	unsigned int cpu, context;

	seq_printf(file, "calls %llu\nwords %zu\n", latchless_counter_get(&calls), latchless_words_256_len(&words));
	for_each_online_cpu(cpu) {
		for (context = 0; context < CONTEXTS; context++) {
			struct tally *tally = &loads[cpu].tally[context];

			seq_printf(file, "cpu %u %s: calls %llu pushed %llu full %llu popped %llu broken %llu\n", cpu,
				   names[context], tally->calls, tally->pushed, tally->full, tally->popped,
				   tally->broken);
		}
	}
	return 0;
}

static void stop(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < nr_cpu_ids; cpu++)
		if (loads[cpu].thread)
			kthread_stop(loads[cpu].thread);
	vfree(loads);
}

void demo_init_timer(struct hrtimer *timer, enum hrtimer_restart (*handler)(struct hrtimer *),
		     enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(timer, CLOCK_MONOTONIC, mode);
	timer->function = handler;
#else
	hrtimer_setup(timer, handler, CLOCK_MONOTONIC, mode);
#endif
}

static int start(unsigned int cpu)
{
	struct load *load = &loads[cpu];
	struct task_struct *task;

	if (latchless_spsc_init(&load->ring, load->ring_memory, RING_WORDS) != LATCHLESS_STATUS_OK ||
	    latchless_spsc_take_producer(&load->ring, &load->from_interrupt) != LATCHLESS_STATUS_OK ||
	    latchless_spsc_take_consumer(&load->ring, &load->to_thread) != LATCHLESS_STATUS_OK)
		return -EINVAL;
	demo_init_timer(&load->hard, hard_interrupt, HRTIMER_MODE_REL_PINNED_HARD);
	demo_init_timer(&load->soft, soft_interrupt, HRTIMER_MODE_REL_PINNED_SOFT);
	task = kthread_create_on_cpu(thread, load, cpu, "latchless/%u");
	if (IS_ERR(task))
		return PTR_ERR(task);
	load->thread = task;
	wake_up_process(task);
	return 0;
}

static int __init demo_init(void)
{
	unsigned int cpu;
	int error = -EINVAL;

	if (!latchless_cpu_is_supported())
		return -ENODEV;
	if (!period_us || latchless_stack_256_init(&indices, INDICES) != LATCHLESS_STATUS_OK ||
	    latchless_pool_256_init(&pool, blocks, BLOCK_BYTES, BLOCKS) != LATCHLESS_STATUS_OK)
		return -EINVAL;
	/* Page-aligned, as the rings want it. */
	loads = vzalloc(array_size(nr_cpu_ids, sizeof(*loads)));
	if (!loads)
		return -ENOMEM;
	for_each_online_cpu(cpu) {
		error = start(cpu);
		if (error)
			goto fail;
	}
	error = feed_start();
	if (error)
		goto fail;
	error = -ENOMEM;
	if (!proc_create_single("latchless", 0444, NULL, show)) {
		feed_stop();
		goto fail;
	}
	pr_info("latchless: at work on %u CPUs\n", num_online_cpus());
	return 0;
fail:
	stop();
	return error;
}

/* Whether nothing was lost and nothing came twice, once everybody has stopped. */
static void __exit demo_exit(void)
{
	u64 made = 0, in = 0, out = 0, broken = 0, ring = 0, value;
	unsigned int cpu, context, free_indices = 0, free_blocks = 0;
	u32 index;

	remove_proc_entry("latchless", NULL);
	feed_stop();
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		if (!loads[cpu].thread)
			continue;
		kthread_stop(loads[cpu].thread);
		loads[cpu].thread = NULL;
	}
	for (cpu = 0; cpu < nr_cpu_ids; cpu++) {
		struct load *load = &loads[cpu];

		for (context = 0; context < CONTEXTS; context++) {
			made += load->tally[context].calls;
			in += load->tally[context].pushed_sum;
			out += load->tally[context].popped_sum;
			broken += load->tally[context].broken;
		}
		/* Memory of a CPU that was never online is zeros, and no ring. */
		if (!load->tally[HARDIRQ].calls)
			continue;
		while (latchless_spsc_pop(&load->to_thread, &value) == LATCHLESS_STATUS_OK)
			load->ring_out += value;
		ring += load->ring_in != load->ring_out;
	}
	while (latchless_words_256_pop(&words, &value) == LATCHLESS_STATUS_OK)
		out += value;
	while (latchless_stack_256_pop(&indices, &index) == LATCHLESS_STATUS_OK)
		free_indices++;
	while (latchless_pool_256_alloc(&pool))
		free_blocks++;
	if (made == latchless_counter_get(&calls) && in == out && !broken && !ring && free_indices == INDICES &&
	    free_blocks == BLOCKS)
		pr_info("latchless: stopped after %llu calls, every total exact\n", made);
	else
		pr_err("latchless: WRONG: calls %llu of %llu, words %llu of %llu, rings %llu, indices %u, blocks %u, broken %llu\n",
		       latchless_counter_get(&calls), made, out, in, ring, free_indices, free_blocks, broken);
	stop();
}

module_init(demo_init);
module_exit(demo_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("latchless in threads, softirqs and interrupts at once");
