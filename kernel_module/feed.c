// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/latchless: records from a timer interrupt to a program, through memory that both have.
 *
 *   page 0   head     the program's, read and written by it
 *   page 1   tail     the kernel's; the program reads it
 *   page 2…  records  the kernel's; the program reads them
 *
 * The kernel reads one word that the program can write, and believes it only where it can be true: a
 * program that lies gets no records, and is told of in /proc/latchless_feed.
 */
#include <linux/atomic.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#include "demo.h"
#include "latchless.h"

#define DATA_PAGES 4
#define PAGES (2 + DATA_PAGES)
#define DATA_WORDS (DATA_PAGES * PAGE_SIZE / sizeof(u64))
#define PERIOD_NS 100000
#define PER_INTERRUPT 8

static u64 *memory;
static struct latchless_feed feed;
static struct hrtimer timer;
static atomic_t opened = ATOMIC_INIT(0);
static struct latchless_counter written, full, corrupt;

/* Record n: n, and n % 64 bytes of (u8)n after it. */
static enum hrtimer_restart produce(struct hrtimer *timer)
{
	static u64 number;
	u8 record[sizeof(u64) + 64];
	unsigned int n;

	for (n = 0; n < PER_INTERRUPT; n++) {
		enum latchless_status status;

		memcpy(record, &number, sizeof(number));
		memset(record + sizeof(number), (u8)number, number % 64);
		status = latchless_feed_write(&feed, record, sizeof(number) + number % 64);
		if (status == LATCHLESS_STATUS_OK) {
			number++;
			latchless_counter_inc(&written);
		} else if (status == LATCHLESS_STATUS_FULL) {
			latchless_counter_inc(&full);
			break;
		}
	}
	/* Also where there was room without asking. */
	if (latchless_feed_check(&feed) == LATCHLESS_STATUS_CORRUPT)
		latchless_counter_inc(&corrupt);
	hrtimer_forward_now(timer, ns_to_ktime(PERIOD_NS));
	return HRTIMER_RESTART;
}

/* One program at a time. It finds the ring empty, whatever the one before it has done. */
static int feed_open(struct inode *inode, struct file *file)
{
	u64 *data = memory + 2 * PAGE_SIZE / sizeof(u64);
	u64 *tail = memory + PAGE_SIZE / sizeof(u64);

	if (atomic_cmpxchg(&opened, 0, 1))
		return -EBUSY;
	if (latchless_feed_init(&feed, tail, memory, data, DATA_WORDS) != LATCHLESS_STATUS_OK) {
		atomic_set(&opened, 0);
		return -EINVAL;
	}
	hrtimer_start(&timer, ns_to_ktime(PERIOD_NS), HRTIMER_MODE_REL_HARD);
	return 0;
}

/* Comes when the last mapping is gone as well. */
static int feed_release(struct inode *inode, struct file *file)
{
	hrtimer_cancel(&timer);
	atomic_set(&opened, 0);
	return 0;
}

static int feed_mmap(struct file *file, struct vm_area_struct *vma)
{
	/* The program may write the first page and no other. */
	bool is_head = vma->vm_pgoff == 0 && vma_pages(vma) == 1;

	if (!is_head && (vma->vm_pgoff == 0 || vma->vm_flags & VM_WRITE))
		return -EPERM;
	if (!is_head) {
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
		vma->vm_flags &= ~VM_MAYWRITE;
#else
		vm_flags_clear(vma, VM_MAYWRITE);
#endif
	}
	return remap_vmalloc_range(vma, memory, vma->vm_pgoff);
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = feed_open,
	.release = feed_release,
	.mmap = feed_mmap,
};

static struct miscdevice device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "latchless",
	.fops = &operations,
	.mode = 0600,
};

static int show(struct seq_file *file, void *unused)
{
	seq_printf(file, "written %llu full %llu corrupt %llu\n", latchless_counter_get(&written),
		   latchless_counter_get(&full), latchless_counter_get(&corrupt));
	return 0;
}

int feed_start(void)
{
	int error;

	memory = vmalloc_user(PAGES * PAGE_SIZE);
	if (!memory)
		return -ENOMEM;
	demo_init_timer(&timer, produce, HRTIMER_MODE_REL_HARD);
	error = -ENOMEM;
	if (!proc_create_single("latchless_feed", 0444, NULL, show))
		goto free;
	error = misc_register(&device);
	if (error)
		goto remove;
	return 0;
remove:
	remove_proc_entry("latchless_feed", NULL);
free:
	vfree(memory);
	return error;
}

/* The module is not unloaded while somebody has the device. */
void feed_stop(void)
{
	misc_deregister(&device);
	remove_proc_entry("latchless_feed", NULL);
	if (latchless_counter_get(&corrupt))
		pr_info("latchless: a reader corrupted its position, seen %llu times\n",
			latchless_counter_get(&corrupt));
	vfree(memory);
}
