#include "store/loss.h"

static const struct {
	const char *name, *meaning;
} reasons[LOSS_REASONS] = {
	[LOSS_KERNEL] = { "kernel", "the kernel's capture buffer was full" },
	[LOSS_FAIL_OPEN] = { "fail_open",
			     "the kernel's queue was full, so packets passed" },
	[LOSS_STALL] = { "stall",
			 "the recorder was stalled, so the rule let packets pass" },
	[LOSS_QUEUE_FULL] = { "queue_full",
			      "the capture queue was full: the disk was too slow" },
	[LOSS_DISK_FULL] = { "disk_full", "the disk was full" },
	[LOSS_WRITE] = { "write", "a write to the store failed" },
	[LOSS_CRASH] = { "crash",
			 "the recorder had died; its supervisor let packets pass" },
	[LOSS_UNBOUND] = { "unbound",
			   "an interface was made anew and not listened to yet" },
	[LOSS_DAMAGED] = { "damaged", "a record of the input could not be read" },
};

const char *loss_name(enum loss reason)
{
	return reasons[reason].name;
}

const char *loss_meaning(enum loss reason)
{
	return reasons[reason].meaning;
}

void loss_total_add(struct loss_totals *into, const struct losses *from)
{
	for (unsigned i = 0; i < LOSS_REASONS; i++) {
		into->packets[i] += counter_read(&from->packets[i]);
		into->bytes[i] += counter_read(&from->bytes[i]);
	}
}

uint64_t loss_total_packets(const struct loss_totals *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < LOSS_REASONS; i++)
		n += t->packets[i];
	return n;
}
