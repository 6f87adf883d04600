#!/bin/busybox sh
# The first program of the machine that `cargo xtask kmod` boots. Lines that start with @ are for the command.
PATH=/bin
busybox mkdir -p /proc /sys /dev
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for word in $(busybox cat /proc/cmdline); do
	case $word in latchless.cycles=*) cycles=${word#*=} ;; latchless.hostile=*) hostile=${word#*=} ;; esac
done
echo "@kernel $(busybox uname -r), $(busybox nproc) CPUs"
n=0
while [ $n -lt "${cycles:-1}" ]; do
	n=$((n + 1))
	busybox insmod /latchless_demo.ko period_us=$((100 + 50 * (n % 4))) || echo "@failed to load"
	busybox usleep 300000
	if [ $n = 1 ]; then
		busybox sed 's/^/@proc /' /proc/latchless
		/bin/reader 20000
		/bin/reader hostile "${hostile:-3}"
		busybox sed 's/^/@feed /' /proc/latchless_feed
		/bin/reader 20000
	fi
	busybox rmmod latchless_demo || echo "@failed to unload"
done
busybox dmesg | busybox sed 's/^/@dmesg /'
echo "@taint $(busybox cat /proc/sys/kernel/tainted)"
echo "@end"
busybox poweroff -f
