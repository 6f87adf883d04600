/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Reads records from /dev/latchless: `reader RECORDS`; or writes whatever it likes where the kernel expects its
 * position: `reader hostile SECONDS`.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "latchless.h"

enum { PAGE = 4096, DATA_PAGES = 4 };

static int fail(const char *what)
{
	printf("@failed: reader: %s: %s\n", what, strerror(errno));
	return 1;
}

int main(int count, char **arguments)
{
	int is_hostile = count == 3, device = open("/dev/latchless", O_RDWR);
	unsigned long long wanted = strtoull(arguments[count - 1], NULL, 10), n;
	struct latchless_feed_reader reader;
	uint64_t *head, *shown, number, expected = 0, seed = 1;
	size_t bytes;
	uint8_t record[128];

	if (device < 0)
		return fail("open");
	if (open("/dev/latchless", O_RDWR) >= 0)
		return fail("a second reader was let in");
	head = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0);
	shown = mmap(NULL, (1 + DATA_PAGES) * PAGE, PROT_READ, MAP_SHARED, device, PAGE);
	if (head == MAP_FAILED || shown == MAP_FAILED)
		return fail("mmap");
	/* What the kernel writes is not to be had for writing, neither now nor later, nor beyond the end. */
	if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, PAGE) != MAP_FAILED ||
	    mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, device, 0) != MAP_FAILED ||
	    mmap(NULL, 8 * PAGE, PROT_READ, MAP_SHARED, device, PAGE) != MAP_FAILED ||
	    mprotect(shown, PAGE, PROT_READ | PROT_WRITE) == 0)
		return fail("too much was mapped");
	if (is_hostile) {
		time_t end = time(NULL) + (time_t)wanted;

		for (n = 0; time(NULL) < end; n++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			__atomic_store_n(head, seed >> (seed >> 58), __ATOMIC_RELAXED);
		}
		printf("@hostile wrote %llu positions\n", n);
		return 0;
	}
	if (latchless_feed_reader_init(&reader, shown, head, shown + PAGE / 8, DATA_PAGES * PAGE / 8) !=
	    LATCHLESS_STATUS_OK)
		return fail("init");
	for (n = 0; n < wanted;) {
		enum latchless_status status = latchless_feed_read(&reader, record, sizeof(record), &bytes);
		size_t i;

		if (status == LATCHLESS_STATUS_EMPTY) {
			usleep(100);
			continue;
		}
		if (status != LATCHLESS_STATUS_OK)
			return fail("read");
		memcpy(&number, record, sizeof(number));
		if (n++ == 0)
			expected = number;
		if (number != expected++ || bytes != sizeof(number) + number % 64)
			return fail("a record out of order");
		for (i = sizeof(number); i < bytes; i++)
			if (record[i] != (uint8_t)number)
				return fail("a record that is torn");
	}
	printf("@read %llu records, each in order and whole\n", n);
	return 0;
}
