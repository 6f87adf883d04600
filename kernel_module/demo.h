/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LATCHLESS_DEMO_H
#define LATCHLESS_DEMO_H

#include <linux/hrtimer.h>

void demo_init_timer(struct hrtimer *timer, enum hrtimer_restart (*handler)(struct hrtimer *),
		     enum hrtimer_mode mode);

int feed_start(void);
void feed_stop(void);

#endif
