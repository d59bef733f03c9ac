/* A unit test is a program that prints TAP: one line a check group, `ok`/`not ok`.
 *
 *	static void test_x(void) { CHECK(1 + 1 == 2); CHECK_EQ(f(3), 9); CHECK_STR(name, "a"); }
 *	int main(void) { RUN(test_x); return tap_done(); }
 *
 * A CHECK that fails prints file, line and values, fails its test, and goes on.  SKIP(reason)
 * inside a test marks it skipped. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static struct {
	int count, failed, checks;
	bool is_failing;
	const char *skip;
} tap;

#define CHECK(expr)                                           \
 do {                                                         \
  tap.checks++;                                               \
  if (!(expr)) {                                              \
   tap.is_failing = true;                                     \
   printf("# %s:%d: false: %s\n", __FILE__, __LINE__, #expr); \
  }                                                           \
 } while (0)

#define CHECK_EQ(got, want)                                                           \
 do {                                                                                 \
  int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                             \
  tap.checks++;                                                                       \
  if (got_ != want_) {                                                                \
   tap.is_failing = true;                                                             \
   printf("# %s:%d: %s is %" PRId64 ", want %" PRId64 "\n", __FILE__, __LINE__, #got, \
	  got_, want_);                                                               \
  }                                                                                   \
 } while (0)

#define CHECK_STR(got, want)                                                \
 do {                                                                       \
  const char *got_ = (got), *want_ = (want);                                \
  tap.checks++;                                                             \
  if (!got_ || strcmp(got_, want_) != 0) {                                  \
   tap.is_failing = true;                                                   \
   printf("# %s:%d: %s is \"%s\", want \"%s\"\n", __FILE__, __LINE__, #got, \
	  got_ ? got_ : "(null)", want_);                                   \
  }                                                                         \
 } while (0)

#define SKIP(reason)   \
 do {                  \
  tap.skip = (reason); \
  return;              \
 } while (0)

#define RUN(test) tap_run(#test, test)

static inline void tap_run(const char *name, void (*test)(void))
{
	tap.is_failing = false;
	tap.skip = NULL;
	tap.checks = 0;
	test();
	tap.count++;
	if (!tap.skip && !tap.checks) {
		tap.is_failing = true;
		printf("# %s checked nothing\n", name);
	}
	tap.failed += tap.is_failing;
	printf("%s %d - %s%s%s\n", tap.is_failing ? "not ok" : "ok", tap.count, name,
	       tap.skip ? " # SKIP " : "", tap.skip ? tap.skip : "");
	fflush(stdout);
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap.count);
	return tap.failed ? 1 : 0;
}

#endif
