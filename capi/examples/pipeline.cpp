/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Jobs from a pool, through a ring to one thread, and their results through another ring to whoever comes. */
#include <cstdio>
#include <thread>

#include "latchless.hpp"

struct job {
	std::uint64_t number;
	std::uint64_t square;
};

using jobs = latchless::pool<job, 64>;

static jobs pool;
static latchless::spsc<std::uint64_t, 128> numbers;
static latchless::words_256<std::uint64_t> squares;
static latchless::counter done;

int main()
{
	constexpr std::uint64_t count = 20000;

	std::thread worker([] {
		decltype(numbers)::consumer in(numbers);
		while (done.get() < count) {
			auto number = in.pop();
			if (!number) {
				std::this_thread::yield();
				continue;
			}
			auto box = pool.make(*number, *number * *number);
			while (squares.push(box->square) != LATCHLESS_STATUS_OK)
				std::this_thread::yield();
			done.inc();
		}
	});
	std::uint64_t sum = 0;
	{
		decltype(numbers)::producer out(numbers);
		if (decltype(numbers)::producer second(numbers); !out || second)
			return 1;
		for (std::uint64_t n = 1; n <= count; n++) {
			while (!out.push(n))
				std::this_thread::yield();
			while (auto square = squares.pop())
				sum += *square;
		}
		while (done.get() < count || squares.size() > 0)
			while (auto square = squares.pop())
				sum += *square;
	}
	worker.join();
	/* The end was given back. */
	if (decltype(numbers)::producer again(numbers); !again)
		return 1;
	std::printf("the sum of %llu squares is %llu\n", (unsigned long long)done.get(), (unsigned long long)sum);
	return sum == count * (count + 1) * (2 * count + 1) / 6 ? 0 : 1;
}
